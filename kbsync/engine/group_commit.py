"""What several tasks have to write down at the same moment shares one durable transaction.

An intent is on disk before its call all the same: who commits goes on only once it is written. A
sync to the disk takes a server's disk some milliseconds, in which nothing else is done.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import anyio
import anyio.lowlevel

from kbsync.engine.ports import EntryChange
from kbsync.lazy_dataclass import dataclass

# Tasks that are about to commit do so within so many turns of the event loop: a worker whose call
# was answered decides about its next key meanwhile.
TURNS = 4


class Writes(Protocol):
    """The part of a ledger that is needed here."""

    def commit_all(self, changes: Sequence[EntryChange]) -> None:
        """Apply all `changes` or none, in one durable transaction."""


@dataclass(slots=True, eq=False)
class _Waiting:
    change: EntryChange
    written: bool = False
    fault: Exception | None = None


class GroupCommit:
    """Commits changes of keys together.

    Args:
        ledger: where they are written.
    """

    def __init__(self, ledger: Writes) -> None:
        self._ledger = ledger
        self._waiting: list[_Waiting] = []

    async def commit(self, change: EntryChange) -> None:
        """Write `change` down, with what others commit meanwhile; durable when it returns.

        It is not cut off: a cancellation is met by what comes next.

        Raises:
            Problem: it could not be written; what shared its transaction is written all the same.
        """
        mine = _Waiting(change)
        self._waiting.append(mine)
        with anyio.CancelScope(shield=True):
            for _ in range(TURNS):
                await anyio.lowlevel.checkpoint()
                if mine.written:
                    break
        if not mine.written:
            self._write()
        if mine.fault is not None:
            raise mine.fault

    def _write(self) -> None:
        waiting, self._waiting = self._waiting, []
        try:
            self._ledger.commit_all([each.change for each in waiting])
        except Exception:
            for each in waiting:
                self._write_alone(each)
        for each in waiting:
            each.written = True

    def _write_alone(self, each: _Waiting) -> None:
        try:
            self._ledger.commit_all([each.change])
        except Exception as fault:
            each.fault = fault
