"""Into the trash and out of it: a document is disabled or enabled, and its entry says so.

The entry changes in one transaction with an intent, before the call: whatever becomes of the call,
what is found disabled was disabled by kbsync. A definite refusal takes both back.
"""

from __future__ import annotations

from dataclasses import replace

from kbsync.engine.context import Context
from kbsync.engine.execute.results import (
    Again,
    Finished,
    Follow,
    Result,
    TimedCall,
    after_failure,
    outcome_name,
    why_of,
)
from kbsync.engine.observe.remote_state import document_of, is_gone
from kbsync.engine.ports import EntryChange
from kbsync.lazy_dataclass import dataclass
from kbsync.messages import trash as say
from kbsync.model import (
    Ambiguous,
    Cause,
    DocKey,
    Done,
    EntryState,
    Gone,
    Intent,
    LedgerEntry,
    NotReady,
    Op,
    Outcome,
    Readiness,
    RemoteDocument,
    Restore,
    Trash,
)
from kbsync.model.ledger import ENABLING, TRASHING
from kbsync.planning.case import GONE, Case, Missing, entry_of
from kbsync.planning.marks import mark_of, values_hash

# Six tries outlast the ten minutes of a lock (docs/dify-api.md section 6.5).
LOCK_LOOK = 125.0
READ_BACK = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Switch:
    """One switch of a document.

    Args:
        verb: ``disable`` or ``enable``.
        action: as the journal calls it.
        before: the entry to go back to when it is refused; None for none.
    """

    key: DocKey
    document_id: str
    name: str
    verb: str
    action: str
    cause: Cause
    before: LedgerEntry | None


async def carry_out(context: Context, case: Case, action: Trash | Restore) -> Result:
    """Put a document into the trash, or take it out.

    Raises:
        Problem: the key is refused, or the base is not there.
    """
    if isinstance(action, Trash):
        return await _put(context, case, action)
    return await _take_out(context, case, action)


async def _put(context: Context, case: Case, action: Trash) -> Result:
    entry, line = _in_trash(context, case, action), TimedCall(context, case.key, "trash")
    if not action.disable or _is_disabled(action.document or case.evidence.known):
        done = line.line("done", action.document_id, action.cause)
        context.ledger.commit(EntryChange(key=case.key, entry=entry, journal=(done,)))
        return Finished()
    switch = _Switch(
        key=case.key,
        document_id=action.document_id,
        name=action.name,
        verb="disable",
        action="trash",
        cause=action.cause,
        before=case.entry,
    )
    _announce(context, switch, entry, TRASHING)
    return await _disable(context, switch)


async def put_again(context: Context, intent: Intent) -> Result:
    """Disable a document whose disabling got no answer, and which was found enabled."""
    entry = context.ledger.entry(intent.key)
    switch = _Switch(
        key=intent.key,
        document_id=intent.document_id or "",
        name=intent.name,
        verb="disable",
        action="trash",
        cause=Cause.REMOVED,
        before=None if entry is None else out_of_trash(entry),
    )
    step = await _disable(context, switch)
    return Again() if isinstance(step, Finished) else step


async def _take_out(context: Context, case: Case, action: Restore) -> Result:
    entry = entry_of(case)
    back = out_of_trash(entry)
    known, line = case.evidence.known, TimedCall(context, case.key, "restore")
    if case.enabled is False and _is_disabled(known):  # as it is declared: no search is to find it
        done = line.line("done", action.document_id, action.cause)
        synced = replace(back, state=EntryState.SYNCED)
        context.ledger.commit(EntryChange(key=case.key, entry=synced, journal=(done,)))
        return Again()
    if isinstance(known, RemoteDocument) and known.readiness is Readiness.AVAILABLE:
        done = line.line("done", action.document_id, action.cause)
        context.ledger.commit(EntryChange(key=case.key, entry=back, journal=(done,)))
        return Follow(action.document_id)
    switch = _Switch(
        key=case.key,
        document_id=action.document_id,
        name=entry.document_name,
        verb="enable",
        action="restore",
        cause=action.cause,
        before=entry,
    )
    _announce(context, switch, back, ENABLING)
    failed = await _made(context, switch)
    if failed is not None:
        return failed
    _settled(context, switch)
    return Follow(action.document_id)


async def _disable(context: Context, switch: _Switch) -> Result:
    failed = await _made(context, switch)
    if failed is not None:
        return failed
    purpose = "looking for a document that was disabled"
    found = await document_of(context, switch.document_id, purpose, name=switch.name)
    if found is GONE:
        context.ledger.commit(EntryChange(key=switch.key, entry=None, intent=None))
        return Finished()
    if isinstance(found, RemoteDocument) and found.readiness is Readiness.AVAILABLE:
        # Its intent stays: the call may take effect later.
        values = {"action": switch.verb, "path": switch.key.path, "mirror": switch.key.mirror}
        return Again(context.clock.now() + READ_BACK, why=say.WAITS_FOR_SWITCH(**values))
    _settled(context, switch)
    return Finished()


async def _made(context: Context, switch: _Switch) -> Result | None:
    """Make the call; None when it was, otherwise what its failure leads to."""
    line = TimedCall(context, switch.key, switch.action)
    outcome = await context.remote.switch(context.base_id or "", switch.document_id, switch.verb)
    if isinstance(outcome, Done):
        return None
    failed = line.line(outcome_name(outcome), switch.document_id, why_of(outcome))
    # Its intent stays: recovery looks for what it did. A 404 alone may come from a base that is
    # away, and says nothing of a call before that got no answer.
    if isinstance(outcome, Ambiguous | Gone):
        context.ledger.commit(EntryChange(key=switch.key, journal=(failed,)))
    else:
        change = EntryChange(key=switch.key, entry=switch.before, intent=None, journal=(failed,))
        context.ledger.commit(change)
    if isinstance(outcome, Gone) and await is_gone(context, switch.document_id, switch.name):
        context.ledger.commit(EntryChange(key=switch.key, entry=None, intent=None))
        return Again()
    return _locked(context, switch, outcome) or after_failure(
        context, switch.key, switch.verb, outcome
    )


def _locked(context: Context, switch: _Switch, outcome: Outcome[None]) -> Again | None:
    """Wait for the lock of an earlier switch, and say so."""
    if not isinstance(outcome, NotReady):
        return None
    values = {"action": switch.verb, "path": switch.key.path, "mirror": switch.key.mirror}
    at = context.clock.now() + min(outcome.after, LOCK_LOOK)
    return Again(at, ask=True, why=outcome.why, waits=say.WAITS_FOR_SWITCH(**values))


def _announce(context: Context, switch: _Switch, entry: LedgerEntry, purpose: int) -> None:
    intent = Intent(
        key=switch.key,
        op=Op.SWITCH,
        name=switch.name,
        document_id=switch.document_id,
        rev_before=entry.rev,
        started_at=context.clock.now(),
        attempt=purpose,
    )
    context.ledger.commit(EntryChange(key=switch.key, entry=entry, intent=intent))


def _settled(context: Context, switch: _Switch) -> None:
    line = TimedCall(context, switch.key, switch.action)
    done = line.line("done", switch.document_id, switch.cause)
    context.ledger.commit(EntryChange(key=switch.key, intent=None, journal=(done,)))


def _is_disabled(document: RemoteDocument | Missing | None) -> bool:
    return isinstance(document, RemoteDocument) and document.readiness is Readiness.DISABLED


def _in_trash(context: Context, case: Case, action: Trash) -> LedgerEntry:
    """Return the entry of a document in the trash, which says how it is there."""
    entry = case.entry or _found(case.key, action)
    why = say.DISABLED() if action.disable else say.KEPT()
    known = entry.state is EntryState.SYNCED
    there = case.evidence.known if isinstance(case.evidence.known, RemoteDocument) else None
    return replace(
        entry,
        state=EntryState.TRASHED,
        # What failed, or was not seen to be done, may not be what it was made of.
        fingerprint=entry.fingerprint if entry.state is not EntryState.FAILED else None,
        stat=entry.stat if known else None,
        rev=entry.rev or (there.rev if there else None),
        word_count=entry.word_count if known else None,
        reason=(why.code, why.text),
        stale=None,
        retry_at=None,
        failures=0,
        trashed_at=context.clock.now(),
        expires_at=action.expires_at,
    )


def out_of_trash(entry: LedgerEntry) -> LedgerEntry:
    """Return the entry as it is outside; that searches find its document is proved anew."""
    return replace(
        entry,
        state=EntryState.INDEXING,
        reason=None,
        batch=None,
        sent_at=None,
        progress_at=None,
        progress=None,
        trashed_at=None,
        expires_at=None,
    )


def _found(key: DocKey, action: Trash) -> LedgerEntry:
    """Return the entry of a document that no entry has; its mark says what it was made of."""
    document = action.document
    assert document is not None  # noqa: S101 - the table gives it where there is no entry
    mark = mark_of(document)
    return LedgerEntry(
        key=key,
        document_id=document.id,
        document_name=document.name,
        state=EntryState.SYNCED,
        fingerprint=mark.fingerprint if mark else None,
        metadata_hash=values_hash(document.metadata) if mark else None,
        rev=document.rev,
        word_count=document.word_count,
    )
