"""Renames: found among the decisions of a pass, and made in the ledger before anything is sent.

A move costs no call: the entry passes to the new key, in one transaction with every other that
depends on it. The document keeps its visible name until its next upload; its mark is written anew
because the entry no longer says that it has one (docs/design.md section 5).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import anyio.to_thread

from kbsync.engine.context import Context
from kbsync.engine.execute.results import Event, TimedCall
from kbsync.engine.ports import EntryChange
from kbsync.messages import printable
from kbsync.model import (
    Absent,
    Action,
    DocKey,
    EntryState,
    FileState,
    JournalLine,
    LedgerEntry,
    Move,
    Present,
)
from kbsync.planning.moves import Vacated, chains, pair, with_moves, worth_hashing


async def find_moves(
    world: Context, actions: Sequence[Action], free: Sequence[Vacated]
) -> list[Action]:
    """Return `actions` with moves instead of the uploads and deletions they spare.

    Args:
        world: the three sides of the mirror.
        actions: what was decided, one action per key.
        free: the documents that those actions would remove or write over.
    """
    if not free or not world.remote.capabilities.metadata:
        return list(actions)  # without marks the ledger alone would know whose the document is
    new = []
    for create in worth_hashing(actions, free):
        read = await _read(world, create.key)
        if isinstance(read, Present) and read.stat == create.stat:
            new.append(read)
    return with_moves(actions, pair(free, new))


@dataclass(frozen=True, slots=True)
class RenamesMade:
    """What became of the moves of a pass.

    Args:
        made: how many were made.
        left: where the documents still are that could not move.
    """

    made: int
    left: tuple[DocKey, ...]


async def make_moves(
    world: Context, moves: Sequence[Move], observe: Callable[[Event], None]
) -> RenamesMade:
    """Make `moves`, each chain of them in one transaction or, if the folder changed, not at all.

    Args:
        world: the three sides of the mirror.
        moves: what was planned.
        observe: told of every move.
    """
    left: list[DocKey] = []
    for chain in chains(moves):
        entries = await _entries(world, chain)
        if entries is None:
            left += [move.origin for move in chain]
        else:
            _make(world, chain, entries)
            for move in chain:
                observe(_event(move))
    return RenamesMade(made=len(moves) - len(left), left=tuple(left))


async def _entries(world: Context, chain: Sequence[Move]) -> list[LedgerEntry] | None:
    """Return the entries as they are to be, None when what was planned does not hold any more."""
    origins = {move.origin for move in chain}
    arrivals = {move.key for move in chain}
    entries = []
    for move in chain:
        entry = await _entry(world, move)
        vacant = move.key in origins or world.ledger.entry(move.key) is None
        left = move.origin in arrivals or _gone(world, move.origin)
        if entry is None or not vacant or not left:
            return None
        entries.append(entry)
    return entries


def _gone(world: Context, key: DocKey) -> bool:
    return isinstance(world.mirror.source.look(key.path), Absent)


async def _entry(world: Context, move: Move) -> LedgerEntry | None:
    ledger, before = world.ledger, world.ledger.entry(move.origin)
    if before is None or before.document_id != move.document_id:
        return None
    if before.state is not EntryState.SYNCED or before.superseded is not None:
        return None
    if ledger.intent(move.origin) is not None or ledger.intent(move.key) is not None:
        return None
    file, sent = await _read(world, move.key), before.fingerprint
    if sent is None or sent.settings != world.mirror.settings:
        return None
    if not isinstance(file, Present) or file.content != sent.content:
        return None
    return replace(before, key=move.key, stat=file.stat, metadata_hash=None)


async def _read(world: Context, key: DocKey) -> FileState:
    return await anyio.to_thread.run_sync(world.mirror.source.read, key.path)


def _make(world: Context, chain: Sequence[Move], entries: Sequence[LedgerEntry]) -> None:
    arrivals = {move.key for move in chain}
    changes = [
        EntryChange(key=move.key, entry=entry, rejection=None, journal=(_arrived(world, move),))
        for move, entry in zip(chain, entries, strict=True)
    ]
    changes += [
        EntryChange(key=move.origin, entry=None, rejection=None, journal=(_left(world, move),))
        for move in chain
        if move.origin not in arrivals
    ]
    world.ledger.commit_all(changes)


def _arrived(world: Context, move: Move) -> JournalLine:
    came = f"from {move.origin.path}"
    return TimedCall(world, move.key, "move").line("done", move.document_id, came)


def _left(world: Context, move: Move) -> JournalLine:
    went = f"to {move.key.path}"
    return TimedCall(world, move.origin, "move").line("done", move.document_id, went)


def _event(move: Move) -> Event:
    return Event(
        key=move.key,
        action="move",
        cause=f"from {printable(move.origin.path)}",
        outcome="done",
        milliseconds=0,
        document_id=move.document_id,
    )
