"""Carrying out a verdict on a call nobody saw the end of (docs/design.md section 6)."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from kbsync.engine.context import Context
from kbsync.engine.execute.results import Again, Result, TimedCall
from kbsync.engine.observe.knowledge_base import refuse
from kbsync.engine.observe.remote_state import document_of, owner_of
from kbsync.engine.ports import KEEP, EntryChange
from kbsync.model import (
    Cause,
    DocKey,
    Done,
    EntryState,
    Intent,
    JournalLine,
    LedgerEntry,
    Op,
    Present,
    RemoteDocument,
)
from kbsync.planning.case import GONE, Case, Missing
from kbsync.planning.resolve import (
    Afresh,
    DocumentGone,
    SendAgain,
    TakeOver,
    Trace,
    Verdict,
    Wait,
    may_have_made,
    resolve,
)

LOOK_AGAIN = 5.0


async def find_verdict(world: Context, intent: Intent) -> Verdict:
    """Look for what the call left at the server, and judge.

    Raises:
        Problem: the server could not be asked, or the base is gone.
    """
    trace = await _trace(world, intent)
    window = world.mirror.config.ambiguity_window
    return resolve(intent, trace, now=world.clock.now(), window=window)


async def account(world: Context, case: Case, intent: Intent) -> tuple[Verdict, Result]:
    """Resolve `intent`: bring the ledger in line with what became of the call."""
    verdict = await find_verdict(world, intent)
    lands = intent.started_at + world.mirror.config.ambiguity_window
    if _comes_too_late(case, intent, verdict) and world.clock.now() < lands:
        return verdict, Again(min(lands, world.clock.now() + LOOK_AGAIN))
    missing = isinstance(verdict, TakeOver) and await _was_missing(world, case, verdict.document)
    return verdict, _carry_out(world, case, intent, verdict, missing=missing)


def _comes_too_late(case: Case, intent: Intent, verdict: Verdict) -> bool:
    """Whether a delete nobody saw the end of would hit a document that is needed again."""
    entry, back = case.entry, isinstance(case.local, Present)
    if intent.op is not Op.DELETE or not isinstance(verdict, Afresh) or entry is None:
        return False
    return back and entry.document_id == intent.document_id and entry.state is EntryState.SYNCED


async def _was_missing(world: Context, case: Case, document: RemoteDocument) -> bool:
    """Whether what was made stands in the place of a document that somebody removed there."""
    before = case.entry
    if before is None or before.document_id == document.id:
        return False
    return await _by_id(world, before.document_id) is GONE


def _carry_out(
    world: Context, case: Case, intent: Intent, verdict: Verdict, *, missing: bool
) -> Result:
    key, commit = case.key, world.ledger.commit
    match verdict:
        case Wait(why=why, until=until):
            now, window = world.clock.now(), world.mirror.config.ambiguity_window
            over = now - intent.started_at >= window  # a pass has to end some time
            return Again(min(until, now + LOOK_AGAIN), why=why if over else None)
        case TakeOver(document=document):
            entry = _taken(intent, document, case.entry, missing=missing)
            # The guard counts it like any other that was found missing.
            line = TimedCall(world, key, "create").line("done", document.id, Cause.MISSING)
            commit(
                EntryChange(key=key, entry=entry, intent=None, journal=(line,) if missing else ())
            )
        case SendAgain(document=document):
            commit(EntryChange(key=key, entry=_taken(intent, document, case.entry), intent=None))
        case Afresh():
            commit(EntryChange(key=key, intent=None))
        case DocumentGone():
            named = case.entry is not None and case.entry.document_id == intent.document_id
            journal = (_deleted(world, case, intent),) if intent.op is Op.DELETE else ()
            after = left_of(case.entry) if named else KEEP
            commit(EntryChange(key=key, entry=after, intent=None, journal=journal))
        case _:
            assert_never(verdict)
    return Again()


def left_of(entry: LedgerEntry | None) -> LedgerEntry | None:
    """Return what is left of an entry whose document is gone: amid a swap the old one stands."""
    if entry is None or entry.superseded is None:
        return None
    return replace(
        entry,
        document_id=entry.superseded,
        superseded=None,
        state=EntryState.FAILED,
        stat=None,
        fingerprint=None,
        rev=None,
        word_count=None,
        batch=None,
    )


def _deleted(world: Context, case: Case, intent: Intent) -> JournalLine:
    """The line of a delete nobody saw the end of: the guard counts it like any other."""
    entry, document_id = case.entry, intent.document_id
    if isinstance(case.local, Present) and entry is not None:
        cause = Cause.SUPERSEDED if entry.superseded == document_id else Cause.RECOVER
    else:
        cause = Cause.REMOVED if entry is not None else Cause.ORPHAN
    return TimedCall(world, case.key, "delete").line("done", document_id, cause)


def _taken(
    intent: Intent, document: RemoteDocument, before: LedgerEntry | None, *, missing: bool = False
) -> LedgerEntry:
    """An entry whose fingerprint is unknown: the next pass sends the file again.

    `missing`: the document it had before is gone, so that there is nothing of it to replace.
    """
    superseded = None
    if before is not None:
        beside = before.document_id != document.id and not missing
        superseded = before.document_id if beside else before.superseded
        superseded = None if superseded == document.id else superseded
    return LedgerEntry(
        key=intent.key,
        document_id=document.id,
        document_name=document.name,
        state=EntryState.INDEXING if document.readiness.busy else EntryState.SYNCED,
        rev=document.rev,
        word_count=document.word_count,
        superseded=superseded,
    )


async def _trace(world: Context, intent: Intent) -> Trace:
    target = await _target(world, intent)
    if not may_have_made(intent, target):
        return Trace(target=target)
    named = await world.remote.named(world.base_id or "", intent.name)
    if isinstance(named, Done):
        ours = tuple(each for each in named.value if not _of_another(world, intent.key, each))
        return Trace(looked_up=True, named=ours, target=target)
    refuse(world.mirror, "looking for an upload that got no answer", named)


def _of_another(world: Context, key: DocKey, document: RemoteDocument) -> bool:
    """Whether the document moved to another key, and bears the name of this one still."""
    owner = owner_of(world, document)
    return owner is not None and owner != key


async def _target(world: Context, intent: Intent) -> RemoteDocument | Missing | None:
    return await _by_id(world, intent.document_id) if intent.document_id is not None else None


async def _by_id(world: Context, document_id: str) -> RemoteDocument | Missing:
    return await document_of(world, document_id, "looking for a call that got no answer")
