"""What a base holds: documents by id, their owners, metadata fields, the listing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from kbsync.engine.context import Context
from kbsync.engine.observe.knowledge_base import base_must_answer, refuse
from kbsync.engine.ports import DocumentPage, ObservedListing
from kbsync.model import Capability, DocKey, Done, Gone, Rejected, RemoteDocument
from kbsync.planning.case import GONE, Missing
from kbsync.planning.marks import MARKED, OWNER, is_marked, mark_of

A_PAGE = 100
FEW = 3


async def documents(context: Context, ids: Collection[str]) -> dict[str, RemoteDocument]:
    """Return the documents of `ids` that are there, by id.

    List pages are read, newest documents first, while they are fewer requests than one for each
    document; the rest is asked for by id, which alone proves absence.

    Raises:
        Problem: the server could not be asked, or the base is gone.
    """
    found: dict[str, RemoteDocument] = {}
    number, left = 1, 1
    # One page has a hundred documents: it pays as soon as a few are still missing. Where a
    # document cannot be got, asking for one by id lists them all.
    gets = Capability.GET_DOCUMENT in context.remote.capabilities
    while left > 0 and len(ids) - len(found) > (max(FEW, left) if gets else 0):
        page = await context.remote.page(context.base_id or "", number)
        if not isinstance(page, Done):
            refuse(context.mirror, "reading documents", page)
        found |= {each.id: each for each in page.value.documents if each.id in ids}
        left = -(-page.value.total // A_PAGE) - number
        number += 1
    for document_id in sorted(set(ids) - found.keys()):
        document = await document_of(context, document_id, "reading a document")
        if document is not GONE:
            found[document_id] = document
    return found


async def document_of(
    context: Context, document_id: str, purpose: str, *, name: str = ""
) -> RemoteDocument | Missing:
    """Return the document, or `GONE`.

    A 404 is an absence when the document is asked for again once the base has answered: a server
    that was unreachable for a moment may be back between two calls.

    Args:
        context: of the mirror, with its base.
        document_id: the document's.
        purpose: why it is asked for, as an error says it.
        name: the document's, as far as it is known.

    Raises:
        Problem: the server could not be asked, or the base is gone.
    """
    for base_answered in (False, True):
        outcome = await context.remote.document(context.base_id or "", document_id, name=name)
        match outcome:
            case Done(value=document):
                return document
            case Gone():
                if not base_answered:
                    await base_must_answer(context)
            case _:
                refuse(context.mirror, purpose, outcome)
    return GONE


async def is_gone(context: Context, document_id: str, name: str) -> bool:
    """Return whether a delete that was answered with 404 left no document.

    Raises:
        Problem: as `document_of`.
    """
    purpose = "looking for what was to be deleted"
    return await document_of(context, document_id, purpose, name=name) is GONE


def owner_of(context: Context, document: RemoteDocument) -> DocKey | None:
    """Return the key that owns the document, by the ledger first: a mark may be one move behind."""
    holder = context.ledger.holder(context.base_id or "", document.id)
    mark = None if holder else mark_of(document)
    if mark is None or mark.mirror != context.mirror.name:
        return holder
    return DocKey(mirror=mark.mirror, path=mark.path)


async def metadata_fields(context: Context) -> Mapping[str, str] | None:
    """Return the ids of the base's metadata fields by name.

    None without a base, and when the server has no metadata: its documents carry no marks.

    Raises:
        Problem: the server could not be asked.
    """
    if context.base_id is None:
        return None
    outcome = await context.remote.fields(context.base_id)
    match outcome:
        case Done(value=fields):
            return fields
        case Rejected() if context.remote.capabilities.state(Capability.METADATA) is False:
            return None
    refuse(context.mirror, "listing metadata fields", outcome)


# -- Reading a base's documents into the ledger (docs/design.md section 6, Absence).


TRIES = 3
# Each time is a durable transaction.
WRITTEN_AT_ONCE = 10 * A_PAGE


async def refresh(context: Context) -> ObservedListing:
    """List the base into the ledger and return what the listing proves.

    It is complete when the total stayed the same over all pages and equals the number of distinct
    ids; pages shift while documents come and go, so an incomplete one is read again.

    Raises:
        Problem: the server could not be asked.
    """
    listing = await _once(context)
    for _ in range(TRIES - 1):
        if listing.complete:
            break
        listing = await _once(context)
    return listing


async def _once(context: Context) -> ObservedListing:
    if context.base_id is None:
        return ObservedListing(started_at=context.clock.now(), complete=True, documents=0)
    base_id, started_at = context.base_id, context.clock.now()
    number = context.ledger.begin_listing(base_id)
    owners: set[str] = set()
    met: list[RemoteDocument] = []

    def take(page: DocumentPage) -> None:
        owners.update(_owners(context, page))
        met.extend(page.documents)
        if len(met) >= WRITTEN_AT_ONCE:
            write()

    def write() -> None:
        # Another mirror on the base may have begun anew: then the first pages are gone again.
        context.ledger.add_listed(base_id, met, number=number)
        met.clear()

    documents, complete = await read_listing(context, base_id, take)
    write()
    listing = ObservedListing(
        started_at=started_at, complete=complete, documents=documents, owners=frozenset(owners)
    )
    context.ledger.end_listing(base_id, listing, number=number)
    return listing


async def keep_listing(context: Context) -> ObservedListing | None:
    """List the base anew and keep that once it is complete; None when it never was.

    Until then the ledger's listing stays: another mirror on the base may be deciding by it. The
    pages are in memory meanwhile. One that another mirror began meanwhile is left alone.

    Raises:
        Problem: the server could not be asked.
    """
    base_id = context.base_id or ""
    before = context.ledger.listing(base_id)
    for _ in range(TRIES):
        pages, started_at = list[DocumentPage](), context.clock.now()
        documents, complete = await read_listing(context, base_id, pages.append)
        if context.ledger.listing(base_id) != before:
            return None
        if not complete:
            continue
        listing = ObservedListing(started_at=started_at, complete=True, documents=documents)
        number = context.ledger.begin_listing(base_id)
        for page in pages:
            context.ledger.add_listed(base_id, page.documents, number=number)
        context.ledger.end_listing(base_id, listing, number=number)
        return listing
    return None


def is_kept(context: Context, listing: ObservedListing) -> bool:
    """Return whether the ledger has every document of the base, as `listing` or a newer one met it.

    Another mirror on the base may be listing it anew: then the ledger has only a part of it.
    """
    kept = context.ledger.listing(context.base_id or "")
    taken = kept is not None and kept.complete and kept.started_at >= listing.started_at
    return listing.complete and taken


async def read_listing(
    context: Context, base_id: str, take: Callable[[DocumentPage], None]
) -> tuple[int, bool]:
    """Read every page of a base once, and give each to `take`.

    Returns:
        The number of documents met, and whether the listing is complete: a document that moves to
        another page meanwhile is missed or met twice.

    Raises:
        Problem: the server could not be asked.
    """
    totals, ids = set[int](), set[str]()
    number = 1
    while True:
        page = await _page(context, base_id, number)
        totals.add(page.total)
        ids.update(document.id for document in page.documents)
        take(page)
        # An empty page ends it too: a total that never shrinks would loop for ever.
        if not page.documents or number * A_PAGE >= page.total:
            return len(ids), totals == {len(ids)}
        number += 1


def _owners(context: Context, page: DocumentPage) -> set[str]:
    """Return the owners of the valid marks of this mirror; a mark without owner does not count."""
    ours = (
        each.metadata.get(OWNER)
        for each in page.documents
        if each.metadata.get(MARKED) == context.mirror.name and is_marked(each)
    )
    return {owner for owner in ours if owner}


async def _page(context: Context, base_id: str, number: int) -> DocumentPage:
    outcome = await context.remote.page(base_id, number)
    if isinstance(outcome, Done):
        return outcome.value
    refuse(context.mirror, "listing the documents", outcome)
