"""Whether the configuration file is another one than when it was read; two system calls a look."""

from __future__ import annotations

import os
import stat
from pathlib import Path

Stamp = tuple[int, int, int, int] | None


def stamp_of(file: Path) -> Stamp:
    """Return what differs once `file` is written or replaced; None while it is away.

    A link is followed: a mounted secret or map changes by another target of its link.
    """
    try:
        found = os.stat(file)  # noqa: PTH116 - as cheap as it gets
    except OSError:
        return None
    if not stat.S_ISREG(found.st_mode):
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


class ConfigFileCheck:
    """Compares the file with the one that was read, and waits until its writer is done.

    Args:
        file: the configuration file.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._read = self._seen = stamp_of(file)

    def read(self) -> None:
        """Take the file as it is now for the one that is in force."""
        self._read = self._seen = stamp_of(self._file)

    @property
    def changed(self) -> bool:
        """Whether the file is not the one in force, be it settled or not."""
        return stamp_of(self._file) not in (self._read, None)

    def settled(self) -> bool:
        """Look; return whether the file changed, and is as it was at the last look."""
        # An editor may be in the middle of writing when it is seen for the first time.
        before, self._seen = self._seen, stamp_of(self._file)
        return self._seen not in (self._read, None) and self._seen == before
