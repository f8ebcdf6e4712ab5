"""The documents of a base that no key has, found without a change in the ledger."""

from __future__ import annotations

from dataclasses import dataclass

from kbsync.engine.context import Context
from kbsync.engine.observe.knowledge_base import refuse
from kbsync.engine.observe.remote_state import A_PAGE, TRIES, document_of
from kbsync.engine.observe.verification import Finding, Verdict
from kbsync.engine.ports import DocumentPage
from kbsync.messages import Notice
from kbsync.messages import verification as say
from kbsync.model import Done, RemoteDocument
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
    complete = False
    for _ in range(TRIES):
        complete = await _listed(context, found)
        if complete:
            break
    findings = [each for document in found.values() if (each := await _judged(context, document))]
    findings.sort(key=lambda each: each.document_name)
    return Unowned(findings=tuple(findings), complete=complete)


async def _listed(context: Context, found: dict[str, RemoteDocument]) -> bool:
    """Add what no entry holds to `found`; return whether the listing stood still meanwhile."""
    totals, ids = set[int](), set[str]()
    number = 1
    while True:
        page = await _page(context, number)
        totals.add(page.total)
        ids.update(document.id for document in page.documents)
        found |= {d.id: d for d in page.documents if not _held(context, d)}
        if not page.documents or number * A_PAGE >= page.total:
            return totals == {len(ids)}
        number += 1


async def _page(context: Context, number: int) -> DocumentPage:
    outcome = await context.remote.page(context.base_id or "", number)
    if isinstance(outcome, Done):
        return outcome.value
    refuse(context.mirror, "listing the documents", outcome)


def _held(context: Context, document: RemoteDocument) -> bool:
    return context.ledger.holder(context.base_id or "", document.id) is not None


async def _judged(context: Context, document: RemoteDocument) -> Finding | None:
    """Return whose the document is not; None when a key has it by now, or it is gone."""
    # A daemon may have recorded it since it was listed, or be about to.
    pending = context.ledger.pending_names(context.base_id or "")
    if _held(context, document) or document.name in pending:
        return None
    mark = mark_of(document)
    if mark is None:
        return _finding(document, Verdict.FOREIGN, _foreign(context, document))
    # The mark of a mirror of another kbsync.
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
