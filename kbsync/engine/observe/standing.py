"""How a document stands that the server has not done with: what the ledger and the server say."""

from __future__ import annotations

from dataclasses import replace

from kbsync.engine.context import Context
from kbsync.engine.ports import EntryChange
from kbsync.model import Done, LedgerEntry, Readiness, RemoteDocument
from kbsync.planning.standstill import STILL_AFTER, Pulse, Sent, Standing, judge


def sent_of(entry: LedgerEntry, *, waiting: bool) -> Sent | None:
    """Return what the ledger knows of a document under way, None when it knows no time."""
    moved_at = entry.progress_at or entry.sent_at
    if moved_at is None:
        return None
    return Sent(sent_at=entry.sent_at or moved_at, moved_at=moved_at, waiting=waiting)


def pulse_of(context: Context) -> Pulse:
    """Return what the server of this mirror did with all that was sent to it."""
    since = context.clock.now() - STILL_AFTER
    return context.ledger.pulse(context.mirror.server.url, since=since)


async def standing_of(context: Context, entry: LedgerEntry, known: RemoteDocument) -> Standing:
    """Return how the document of `entry` stands, which the server shows as `known`."""
    waiting = known.readiness is Readiness.WAITING
    sent = sent_of(entry, waiting=waiting)
    now = context.clock.now()
    if sent is None or now - sent.moved_at < STILL_AFTER:
        return Standing.MOVES
    standing = judge(sent, pulse_of(context), now=now)
    if standing is Standing.MOVES or waiting:
        return standing
    return Standing.MOVES if await has_moved(context, entry) else standing


async def has_moved(context: Context, entry: LedgerEntry) -> bool:
    """Whether indexing went on since the ledger saw it last; then that is written down."""
    progress = await _progress(context, entry)
    if progress == entry.progress:
        return False
    note_progress(context, entry, progress)
    return True


async def _progress(context: Context, entry: LedgerEntry) -> int:
    if entry.batch is None:
        return 0
    outcome = await context.remote.progress(context.base_id or "", entry.document_id, entry.batch)
    return outcome.value.completed if isinstance(outcome, Done) else 0


def note_progress(context: Context, entry: LedgerEntry, progress: int | None) -> None:
    """Write down that indexing of the document of `entry` moved just now."""
    current = context.ledger.entry(entry.key)  # a mark may have been written meanwhile
    if current is None or current.document_id != entry.document_id:
        return
    moved = replace(current, progress_at=context.clock.now(), progress=progress)
    context.ledger.commit(EntryChange(key=entry.key, entry=moved))
