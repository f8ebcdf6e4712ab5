"""The files of a ledger that a process writes: whether the ledger's path still names them.

SQLite goes on in a file that was removed or replaced, and a copy that is put in its place would be
mixed with the write-ahead log of the one before.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from kbsync.ledger.location import LedgerLocation
from kbsync.messages import Notice
from kbsync.messages import ledger as messages

LOG, INDEX = "-wal", "-shm"
# Where the log of a ledger that is gone is kept.
SET_ASIDE = "-wal.old"
# The file's header: it changes with every page that another program writes at its begin.
HEADER = 100

Inode = tuple[int, int]


class OpenFiles:
    """The ledger's file, log and index as they were opened; made after them.

    To be looked at while nothing is written.

    Args:
        location: of a ledger on SQLite.
    """

    def __init__(self, location: LedgerLocation) -> None:
        assert location.path is not None  # noqa: S101 - PostgreSQL has no files of ours
        self._location = location
        self._path = location.path
        # Kept open: closing a file lets go of the locks SQLite has on it in this process.
        self._descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        self._inode = _inode(os.fstat(self._descriptor))
        self._beside = {end: self._found(end) for end in (LOG, INDEX)}
        self._stamp: tuple[int, int] | None = None
        self._header = b""
        self.written()

    def written(self) -> None:
        """Take the file as it is now for what this process wrote."""
        stamp = self._stamp_now()
        if stamp != self._stamp:
            self._stamp, self._header = stamp, os.pread(self._descriptor, HEADER, 0)

    def change(self) -> Notice | None:
        """Return what another program did to the files; None while they are as they were."""
        words = {"place": self._location.shown}
        found = self._found("")
        if found is None:
            return messages.REMOVED(**words)
        if found != self._inode:
            return messages.REPLACED(**words)
        if self._is_overwritten():
            return messages.OVERWRITTEN(log=f"{self._path}{SET_ASIDE}", **words)
        for end, before in self._beside.items():
            now = self._found(end)
            if before is None:  # made by the first transaction
                self._beside[end] = now
            elif now != before:
                return messages.LOG_GONE(log=f"{self._path}{end}", **words)
        return None

    def set_log_aside(self) -> None:
        """Move the log away from a ledger it does not belong to, as far as it is the one here."""
        for end, target in ((LOG, SET_ASIDE), (INDEX, None)):
            if self._beside[end] is None or self._found(end) != self._beside[end]:
                continue
            with suppress(OSError):
                place = Path(f"{self._path}{end}")
                place.replace(f"{self._path}{target}") if target else place.unlink()

    def close(self) -> None:
        """Close what is open here; to be called after SQLite closed the file."""
        os.close(self._descriptor)

    def _is_overwritten(self) -> bool:
        stamp = self._stamp_now()
        if stamp == self._stamp:
            return False
        if os.pread(self._descriptor, HEADER, 0) != self._header:
            return True
        self._stamp = stamp  # touched alone
        return False

    def _stamp_now(self) -> tuple[int, int]:
        found = os.fstat(self._descriptor)
        return found.st_mtime_ns, found.st_size

    def _found(self, end: str) -> Inode | None:
        try:
            return _inode(os.stat(f"{self._path}{end}"))  # noqa: PTH116 - before every transaction
        except OSError:
            return None


def _inode(found: os.stat_result) -> Inode:
    return found.st_dev, found.st_ino
