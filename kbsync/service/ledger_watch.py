"""Whether the daemon's ledger is the one its location names, and when one can be opened again."""

from __future__ import annotations

import os
import time

import anyio.to_thread

from kbsync.ledger.store import LedgerStore
from kbsync.messages import Notice
from kbsync.messages import ledger as say
from kbsync.service.event_log import EventLog

_TAKEN_OVER = frozenset({say.TAKEN_OVER, say.LOCK_TAKEN})
# Seconds between two looks at a ledger on PostgreSQL.
DATABASE_EVERY = 10.0


class LedgerWatch:
    """What is in memory belongs to the ledger that is open: another one is never gone on with.

    Args:
        ledger: open for writing.
        log: the daemon's.

    Attributes:
        lost: why nothing is written any more; None while all is well.
    """

    def __init__(self, ledger: LedgerStore, log: EventLog) -> None:
        self._ledger = ledger
        self._log = log
        self._seen: tuple[int, int, int] | None = None
        self._due = 0.0
        self.lost: Notice | None = None

    async def look(self) -> None:
        """Look when it is due, and log it once that the ledger is lost."""
        if self.lost is not None or time.monotonic() < self._due:
            return
        if self._ledger.location.path is not None:
            self.lost = self._ledger.lost()
        else:
            # A database may be away, and let the caller wait.
            self._due = time.monotonic() + DATABASE_EVERY
            self.lost = await anyio.to_thread.run_sync(self._ledger.lost)
        if self.lost is not None:
            self._log.say("ledger lost", self.lost)

    @property
    def taken_over(self) -> bool:
        """Whether another process holds the ledger now."""
        return self.lost is not None and self.lost.message in _TAKEN_OVER

    async def returned(self) -> bool:
        """Whether a sound ledger is there again, and nothing more is written to its file."""
        if self.lost is None or not self._settled():
            return False
        return await anyio.to_thread.run_sync(self._ledger.returned)

    def _settled(self) -> bool:
        """Whether the file is as it was at the last look: a copy is made piece by piece."""
        path = self._ledger.location.path
        if path is None:
            return True
        try:
            found = os.stat(path)  # noqa: PTH116 - every second
        except OSError:
            self._seen = None
            return False
        before, self._seen = self._seen, (found.st_ino, found.st_size, found.st_mtime_ns)
        return found.st_size > 0 and self._seen == before
