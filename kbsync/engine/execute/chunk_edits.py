"""An edit of a document that was cut here: chunks are added and deleted, and nothing else is sent.

What is added is written first, so that a search finds the old or the new text at every moment. The
intent is that of an update: where the outcome is not known, the chunks are compared again after the
ambiguity window, and what is missing or too many then is written (docs/design.md section 7).
"""

from __future__ import annotations

from dataclasses import replace

import anyio.to_thread

from kbsync.engine.context import Context
from kbsync.engine.execute.promises import broken_promise
from kbsync.engine.execute.results import (
    Follow,
    Result,
    Stopped,
    TimedCall,
    after_failure,
    outcome_name,
    why_of,
)
from kbsync.engine.observe.cut_documents import CutFile, as_sent, chunks_of, cut_file, digest
from kbsync.engine.ports import UNCHANGED, EntryChange
from kbsync.messages import engine as say
from kbsync.model import (
    Ambiguous,
    Cause,
    Done,
    EntryState,
    Failure,
    Fingerprint,
    Gone,
    Intent,
    Op,
    Outcome,
    Readiness,
    Rejected,
    RemoteDocument,
    Update,
)
from kbsync.model.declared import UNSETTLED
from kbsync.planning.case import Case
from kbsync.planning.chunk_changes import ChunkChanges, changes

# One call with more of them takes seconds at the server (docs/dify-api.md section 16).
ADDED_AT_ONCE = 100


def may_edit(context: Context, case: Case, action: Update) -> bool:
    """Return whether the update of `action` may be made chunk by chunk."""
    entry, known = case.entry, case.evidence.known
    if context.mirror.rule_of(case.key.path).update_strategy != "chunks" or context.pipeline:
        return False
    if entry is None or entry.fingerprint is None or entry.superseded is not None:
        return False
    if entry.document_id != action.document_id or entry.state is not EntryState.SYNCED:
        return False
    if action.cause not in (Cause.EDITED, Cause.DRIFT):
        return False
    return not isinstance(known, RemoteDocument) or known.readiness is Readiness.AVAILABLE


async def edit(context: Context, case: Case, action: Update) -> Result | None:
    """Add and delete what an edit changes; None where the whole document is to be sent.

    That is where much of it changed, where its chunks are not those that were sent, and where the
    server takes none.
    """
    broken = await broken_promise(context, case.key)
    if broken is not None:
        return Stopped(broken)
    entry, there = case.entry, await chunks_of(context, action.document_id)
    cut = await anyio.to_thread.run_sync(cut_file, context, case.key, entry)
    if entry is None or there is None or cut is None:
        return None
    if action.cause is Cause.EDITED and not as_sent(entry, there):
        return None
    wanted = changes(there, cut.texts)
    # Drift that no text shows, such as of an answer, is only mended by an upload.
    if not wanted.small or (action.cause is Cause.DRIFT and not wanted):
        return None
    return await _write(context, case, action, cut, wanted)


async def _write(
    context: Context, case: Case, action: Update, cut: CutFile, wanted: ChunkChanges
) -> Result | None:
    key, ledger = case.key, context.ledger
    timed = TimedCall(context, key, "update")
    ledger.commit(EntryChange(key=key, intent=_intent(context, case, action, cut)))
    added, outcome = await _added(context, action.document_id, wanted)
    outcome = await _deleted(context, action.document_id, wanted) if outcome is None else outcome
    document = await _document(context, action.document_id) if outcome is None else outcome
    if isinstance(document, RemoteDocument):
        return _recorded(context, case, action, cut, document, timed)
    line = timed.line(outcome_name(document), action.document_id, why_of(document))
    if isinstance(document, Ambiguous):
        ledger.commit(EntryChange(key=key, journal=(line,)))
    else:
        # Some of it is written: what the document holds is not known until it is sent again.
        begun = added or not wanted.added
        entry = replace(case.entry, fingerprint=None) if case.entry and begun else UNCHANGED
        ledger.commit(EntryChange(key=key, entry=entry, intent=None, journal=(line,)))
    if isinstance(document, Rejected | Gone):
        return None  # as a whole it may be taken
    return after_failure(context, key, "update", document)


def _intent(context: Context, case: Case, action: Update, cut: CutFile) -> Intent:
    return Intent(
        key=case.key,
        op=Op.UPDATE,
        name=case.name,
        started_at=context.clock.now(),
        document_id=action.document_id,
        stat=cut.stat,
        rev_before=case.entry.rev if case.entry else None,
    )


async def _added(
    context: Context, document_id: str, wanted: ChunkChanges
) -> tuple[int, Failure | None]:
    """Add what is missing; return how many are there, and why others are not."""
    there = 0
    for start in range(0, len(wanted.added), ADDED_AT_ONCE):
        texts = wanted.added[start : start + ADDED_AT_ONCE]
        outcome = await context.remote.add_chunks(context.base_id or "", document_id, texts)
        if not isinstance(outcome, Done):
            return there, outcome
        there += outcome.value
        # A success whose row is in error has added nothing (docs/dify-api.md section 16).
        if outcome.value < len(texts):
            return there, Rejected(say.CHUNKS_NOT_ADDED(count=len(texts) - outcome.value))
    return there, None


async def _deleted(context: Context, document_id: str, wanted: ChunkChanges) -> Failure | None:
    for chunk in wanted.deleted:
        outcome = await context.remote.delete_chunk(context.base_id or "", document_id, chunk.id)
        if not isinstance(outcome, Done | Gone):
            return outcome
    return None


async def _document(context: Context, document_id: str) -> RemoteDocument | Failure:
    outcome: Outcome[RemoteDocument] = await context.remote.document(
        context.base_id or "", document_id
    )
    return outcome.value if isinstance(outcome, Done) else outcome


def _recorded(
    context: Context,
    case: Case,
    action: Update,
    cut: CutFile,
    document: RemoteDocument,
    timed: TimedCall,
) -> Result:
    """Record the edit; the document is followed, and searched for, like one that was uploaded."""
    key, now, before = case.key, context.clock.now(), case.entry
    assert before is not None  # noqa: S101 - `may_edit` checked
    rule = context.mirror.rule_of(key.path)
    entry = replace(
        before,
        state=EntryState.INDEXING,
        stat=cut.stat,
        fingerprint=Fingerprint(content=cut.content, settings=rule.settings),
        # One that is declared disabled was enabled for this.
        profile=UNSETTLED if before.profile else "",
        encoding=cut.taken,
        source=cut.source,
        chunks=digest(cut.texts),
        metadata_hash=None,
        stale=None,
        sent_at=now,
        progress_at=now,
    )
    line = timed.line("done", document.id, action.cause)
    context.ledger.commit(
        EntryChange(key=key, entry=entry, intent=None, rejection=None, journal=(line,))
    )
    return Follow(document.id, uploaded=document)
