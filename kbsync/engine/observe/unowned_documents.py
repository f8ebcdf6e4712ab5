"""The documents of a base that no key has, found without a change in the ledger."""

from __future__ import annotations

from kbsync.engine.context import Context
from kbsync.engine.observe.remote_state import TRIES, document_of, read_listing
from kbsync.engine.observe.verification import Finding, Verdict
from kbsync.engine.ports import DocumentPage
from kbsync.lazy_dataclass import dataclass
from kbsync.messages import Notice
from kbsync.messages import verification as say
from kbsync.model import RemoteDocument
from kbsync.planning.case import GONE
from kbsync.planning.marks import mark_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Unowned:
    """What was found. `complete`: no document can have been missed."""

    findings: tuple[Finding, ...]
    complete: bool


async def unowned(context: Context) -> Unowned:
    """List the base, and return the documents that no entry of the ledger holds.

    A document that is being uploaded right now is none of them.

    Raises:
        Problem: the server could not be asked, or the base is gone.
    """
    found: dict[str, RemoteDocument] = {}

    def take(page: DocumentPage) -> None:
        found.update({each.id: each for each in page.documents if not _held(context, each)})

    complete = False
    for _ in range(TRIES):
        _, complete = await read_listing(context, context.base_id or "", take)
        if complete:
            break
    findings = [each for document in found.values() if (each := await _judged(context, document))]
    findings.sort(key=lambda each: each.document_name)
    return Unowned(findings=tuple(findings), complete=complete)


def _held(context: Context, document: RemoteDocument) -> bool:
    return context.ledger.holder(context.base_id or "", document.id) is not None


async def _judged(context: Context, document: RemoteDocument) -> Finding | None:
    """Return the finding of a document without a key; None when a key has it by now."""
    # A daemon may have recorded it since it was listed, or be about to.
    pending = context.ledger.pending_names(context.base_id or "")
    if _held(context, document) or document.name in pending:
        return None
    mark = mark_of(document)
    if mark is None:
        return _finding(document, Verdict.FOREIGN, _foreign(context, document))
    # It belongs to a mirror of another kbsync.
    if context.ledger.binding(mark.mirror) is None:
        return None
    # Ours, and not recorded: a daemon deletes such a document before its entry.
    if await document_of(context, document.id, "asking for a document") is GONE:
        return None
    words = {"document": document.id, "base": _base_name(context)}
    why = say.UNRECORDED(path=mark.path, owner=mark.mirror, **words)
    return _finding(document, Verdict.UNRECORDED, why)


def _foreign(context: Context, document: RemoteDocument) -> Notice:
    words = {"document": document.id, "base": _base_name(context)}
    return say.FOREIGN(mirror=context.mirror.name, base_id=context.base_id, **words)


def _base_name(context: Context) -> str:
    return context.mirror.config.knowledge_base.name or context.base_id or ""


def _finding(document: RemoteDocument, verdict: Verdict, why: Notice) -> Finding:
    return Finding(
        key=None,
        document_id=document.id,
        document_name=document.name,
        verdict=verdict,
        why=why,
        stored=document.size,
    )
