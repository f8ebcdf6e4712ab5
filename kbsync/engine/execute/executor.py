"""One action: intent, call, outcome. At most one remote change per key and step.

What is declared disabled is enabled and updated in one step; an edit of chunks takes some calls.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import assert_never

from kbsync.engine.context import Context
from kbsync.engine.execute import trash, uploads
from kbsync.engine.execute.deletion import remove
from kbsync.engine.execute.findings import verdict
from kbsync.engine.execute.indexing import entry_after_indexing
from kbsync.engine.execute.late_ends import ends
from kbsync.engine.execute.recovery import remaining_entry, resolve_intent
from kbsync.engine.execute.results import (
    Again,
    Finished,
    Follow,
    NeedsMark,
    Result,
    Stopped,
    TimedCall,
)
from kbsync.engine.execute.switching import switch
from kbsync.engine.ports import UNCHANGED, EntryChange, Unchanged
from kbsync.model import (
    Action,
    Adopt,
    Cause,
    Conflict,
    Create,
    Delete,
    EntryState,
    Forget,
    Hold,
    LedgerEntry,
    Move,
    Noop,
    Present,
    Readiness,
    RemoteDocument,
    Resolve,
    Restore,
    SetMetadata,
    Switch,
    Trash,
    Update,
)
from kbsync.planning.case import Case, entry_of
from kbsync.planning.marks import mark_of, values_hash
from kbsync.planning.upkeep import agrees

# After these nothing of the key is left; after any other a file that may be sent, or a document.
ENDING = (Cause.REMOVED, Cause.STALE, Cause.EXPIRED, Cause.EMPTIED)


async def carry_out(
    context: Context,
    case: Case,
    action: Action,
    answered: Callable[[], None] = lambda: None,
    *,
    may_remove: bool = True,
) -> Result:
    """Carry out `action` and return what follows for its key.

    Args:
        context: the three sides of the mirror.
        case: what is known of the key.
        action: what was decided.
        answered: called once the server has answered an upload, before that is written down.
        may_remove: whether a removal that was begun and never made may be made now.

    Raises:
        Problem: the mirror cannot go on (key refused, base gone, server unreachable).
    """
    match action:
        case Create():
            return await uploads.create(context, case, action, answered)
        case Update():
            return await uploads.update(context, case, action, answered)
        case Delete():
            return await _delete(context, case, action)
        case Trash() | Restore():
            return await trash.carry_out(context, case, action)
        case Resolve(intent=intent):
            return await resolve_intent(context, case, intent, may_remove=may_remove)
        case Adopt():
            return _adopt(context, case, action)
        case Forget():
            context.ledger.commit(EntryChange(key=case.key, entry=None))
            return Finished()
        case Hold() | Conflict() | Noop():
            return _left(context, case, action)
        case SetMetadata(document_id=document_id):
            return _metadata(case, document_id)
        case Switch(document_id=document_id, enabled=enabled):
            return await switch(context, case, document_id, enabled=enabled)
        case Move():
            raise AssertionError(f"{action} is applied before any key is visited")
        case _:
            assert_never(action)


def _metadata(case: Case, document_id: str) -> NeedsMark:
    known, local = case.evidence.known, case.local
    read = isinstance(local, Present) and local.content is not None
    return NeedsMark(
        document_id,
        known if isinstance(known, RemoteDocument) else None,
        declared=case.declared,
        stat=local.stat if read and isinstance(local, Present) else None,
    )


def _note_agreeing(context: Context, case: Case, action: Noop) -> None:
    """Record that a document is as declared, so that it is not looked at again."""
    entry = context.ledger.entry(case.key)
    if entry is None or entry.profile == case.profile or not agrees(case, action):
        return
    after = replace(entry, profile=case.profile)
    context.ledger.commit(EntryChange(key=case.key, entry=after))


def _left(context: Context, case: Case, action: Hold | Conflict | Noop) -> Result:
    if isinstance(action, Noop):
        _note_agreeing(context, case, action)
        return Finished()
    if action.cause is Cause.INDEXING and action.document_id is not None:
        return Follow(action.document_id)
    if ends(context, case):
        return Follow(entry_of(case).document_id)
    return Stopped(action.why)


async def _delete(context: Context, case: Case, action: Delete) -> Result:
    after, cause = _after_delete(context, case, action), action.cause
    if context.ledger.holder(context.base_id or "", action.document_id) not in (None, case.key):
        # The document of another file, which took it in meanwhile.
        context.ledger.commit(EntryChange(key=case.key, entry=after))
        return Again()
    step = await remove(
        context, case.key, action.document_id, name=action.name, cause=cause, after=after
    )
    if step is not None:
        return step
    ended = cause in ENDING and after is None
    return Finished() if ended and not isinstance(case.local, Present) else Again()


def _after_delete(context: Context, case: Case, action: Delete) -> LedgerEntry | Unchanged | None:
    entry = case.entry
    if entry is None:
        return UNCHANGED
    if action.cause is Cause.SUPERSEDED:
        kept = {name: each for name, each in entry.metadata.items() if each is not None}
        return replace(entry, superseded=None, metadata=kept)
    # The reason and the next try outlive the replacement, or it would be sent at once again.
    if action.cause is Cause.FAILED and entry.superseded is not None:
        return _back_to_old(case, _failed(context, case, entry), entry.superseded)
    return remaining_entry(entry) if entry.document_id == action.document_id else UNCHANGED


def _failed(context: Context, case: Case, entry: LedgerEntry) -> LedgerEntry:
    """Return the entry as failed, with reason and next try, where kbsync did not see it fail."""
    known = case.evidence.known
    if entry.state is EntryState.FAILED or not isinstance(known, RemoteDocument):
        return entry
    return entry_after_indexing(
        entry, known, verdict(case.key, known, None), now=context.clock.now()
    )


def _back_to_old(case: Case, entry: LedgerEntry, document_id: str) -> LedgerEntry:
    """Return the entry after a failed swap: the old document, and the failure."""
    old = case.evidence.replaced
    return replace(
        entry,
        document_id=document_id,
        # A file that was renamed before keeps a document of its earlier name.
        document_name=old.name if isinstance(old, RemoteDocument) else entry.document_name,
        superseded=None,
        rev=None,
        word_count=None,
        batch=None,
        sent_at=None,
        progress_at=None,
        progress=None,
        state=EntryState.FAILED,
    )


def _adopt(context: Context, case: Case, action: Adopt) -> Result:
    document = action.document
    timed = TimedCall(context, case.key, "adopt")
    inactive = document.readiness in (Readiness.DISABLED, Readiness.ARCHIVED)
    # Only a list row has a word count: with one the document is done, without asking again.
    done = document.readiness is Readiness.AVAILABLE and bool(document.word_count)
    entry = LedgerEntry(
        key=case.key,
        document_id=document.id,
        document_name=document.name,
        state=EntryState.SYNCED if inactive or done else EntryState.INDEXING,
        stat=action.stat,
        fingerprint=action.fingerprint,
        metadata_hash=values_hash(document.metadata) if mark_of(document) else None,
        rev=document.rev,
        word_count=document.word_count,
    )
    line = timed.line("done", document.id, action.cause)
    # What was refused is not what the document is known to hold.
    refusal = UNCHANGED if action.fingerprint is None else None
    change = EntryChange(key=case.key, entry=entry, rejection=refusal, journal=(line,))
    context.ledger.commit(change)
    if not (inactive or done):
        return Follow(document.id)
    # Decided again at once: T13 holds it, or T17 sends it.
    if inactive or entry.fingerprint is None:
        return Again()
    return NeedsMark(document.id, document)
