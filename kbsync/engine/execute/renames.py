"""Renames: found among the decisions of a pass, and applied to the ledger before anything is sent.

A rename costs no call: the entry passes to the new key, in one transaction with every other that
depends on it. The document keeps its visible name until its next upload. Its mark is written again
because the entry no longer says that it has one (docs/design.md section 5).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import anyio.to_thread

from kbsync.engine.context import Context
from kbsync.engine.execute.results import Event, TimedCall
from kbsync.engine.observe.known_bytes import known_of
from kbsync.engine.ports import EntryChange, Known
from kbsync.lazy_dataclass import dataclass
from kbsync.messages import printable
from kbsync.model import (
    Action,
    Capability,
    Create,
    DocKey,
    EntryState,
    FileState,
    JournalLine,
    LedgerEntry,
    Move,
    Present,
)
from kbsync.model.declared import OFF, UNSETTLED
from kbsync.planning.case import is_gone
from kbsync.planning.rename_detection import Vacated, chains, pair, with_renames, worth_hashing


async def find_renames(
    context: Context, actions: Sequence[Action], free: Sequence[Vacated]
) -> list[Action]:
    """Return `actions` with a Move instead of each upload and deletion that it spares.

    Args:
        context: the three sides of the mirror.
        actions: what was decided, one action per key.
        free: the documents that those actions would remove or write over.
    """
    if not free or Capability.METADATA not in context.remote.capabilities:
        return list(actions)  # without marks only the ledger would know whose the document is
    new = []
    for create in worth_hashing(actions, free):
        read = await _read(context, create.key, _taken(context, create, free))
        # Edited since it was decided about: the next pass plans for what it is then.
        if isinstance(read, Present) and read.stat.agrees(create.stat):
            new.append(read)
    return with_renames(actions, pair(free, new))


@dataclass(frozen=True, slots=True)
class RenamesApplied:
    """What became of the moves of a pass.

    Args:
        arrived: the keys that documents moved to.
        left: the keys that still hold the documents that could not move.
    """

    arrived: tuple[DocKey, ...]
    left: tuple[DocKey, ...]


async def apply_renames(
    context: Context, moves: Sequence[Move], observe: Callable[[Event], None]
) -> RenamesApplied:
    """Apply `moves`, each chain in one transaction or, if the folder changed, not at all.

    Args:
        context: the three sides of the mirror.
        moves: what was planned.
        observe: called with the event of every move.
    """
    arrived: list[DocKey] = []
    left: list[DocKey] = []
    for chain in chains(moves):
        entries = await _entries(context, chain)
        if entries is None:
            left += [move.origin for move in chain]
        else:
            _apply(context, chain, entries)
            for move in chain:
                arrived.append(move.key)
                observe(_event(move))
    return RenamesApplied(arrived=tuple(arrived), left=tuple(left))


async def _entries(context: Context, chain: Sequence[Move]) -> list[LedgerEntry] | None:
    """Return the entries at their new keys, None when the plan does not hold any more."""
    origins = {move.origin for move in chain}
    arrivals = {move.key for move in chain}
    entries = []
    for move in chain:
        entry = await _entry(context, move)
        # In a chain or ring an occupied path is fine if its own document leaves too.
        vacant = move.key in origins or context.ledger.entry(move.key) is None
        left = move.origin in arrivals or _gone(context, move.origin)
        if entry is None or not vacant or not left:
            return None
        entries.append(entry)
    return entries


def _gone(context: Context, key: DocKey) -> bool:
    return is_gone(context.mirror.source.look(key.path))


async def _entry(context: Context, move: Move) -> LedgerEntry | None:
    ledger, before = context.ledger, context.ledger.entry(move.origin)
    if before is None or before.document_id != move.document_id:
        return None
    if before.state is not EntryState.SYNCED or before.superseded is not None:
        return None
    if ledger.intent(move.origin) is not None or ledger.intent(move.key) is not None:
        return None
    sent, settings = before.fingerprint, context.mirror.rule_of(move.key.path).settings
    if sent is None or sent.settings != settings:
        return None
    known = known_of(before, settings)
    file = await _read(context, move.key, before.encoding, known)
    if not isinstance(file, Present) or file.content != sent.content:
        return None
    # The hash is cleared so that the mark is written with the new path, and values made of it.
    return replace(
        before, key=move.key, stat=file.stat, metadata_hash=None, profile=_unsettled(before)
    )


def _unsettled(entry: LedgerEntry) -> str:
    """Return a profile that is looked at again; that of a disabled document still says so."""
    off = OFF if entry.profile.endswith(OFF) else ""
    return UNSETTLED + off if entry.profile or entry.metadata else ""


async def _read(
    context: Context, key: DocKey, taken: str | None, known: Known | None = None
) -> FileState:
    read = partial(context.mirror.source.read, key.path, taken, known=known)
    return await anyio.to_thread.run_sync(read)


def _taken(context: Context, create: Create, free: Sequence[Vacated]) -> str | None:
    """Return what the text was taken as that `create` may be the new name of."""
    alike = (context.ledger.entry(each.key) for each in free if each.size == create.stat.size)
    return next((entry.encoding for entry in alike if entry is not None), None)


def _apply(context: Context, chain: Sequence[Move], entries: Sequence[LedgerEntry]) -> None:
    arrivals = {move.key for move in chain}
    changes = [
        EntryChange(key=move.key, entry=entry, rejection=None, journal=(_arrived(context, move),))
        for move, entry in zip(chain, entries, strict=True)
    ]
    changes += [
        EntryChange(key=move.origin, entry=None, rejection=None, journal=(_left(context, move),))
        for move in chain
        if move.origin not in arrivals
    ]
    context.ledger.commit_all(changes)


def _arrived(context: Context, move: Move) -> JournalLine:
    came = f"from {move.origin.path}"
    return TimedCall(context, move.key, "move").line("done", move.document_id, came)


def _left(context: Context, move: Move) -> JournalLine:
    went = f"to {move.key.path}"
    return TimedCall(context, move.origin, "move").line("done", move.document_id, went)


def _event(move: Move) -> Event:
    return Event(
        key=move.key,
        action="move",
        cause=f"from {printable(move.origin.path)}",
        outcome="done",
        milliseconds=0,
        document_id=move.document_id,
    )
