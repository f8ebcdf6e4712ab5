"""Files that kbsync itself writes: uploading one would change it, and it would be uploaded again.

They are known by device and inode, so that another name, or a link, hides none of them.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

_OUTPUT = {1: "its output", 2: "its log"}


class OwnFiles:
    """The files of this process, as they are now.

    Args:
        paths: where state is kept, each with what is kept there.

    Attributes:
        inodes: of all of them, on whatever device.
    """

    def __init__(self, paths: Mapping[Path, str]) -> None:
        self._paths = paths
        self._known: dict[tuple[int, int], str] = {}
        self.inodes: frozenset[int] = frozenset()

    def look_again(self) -> None:
        """Find out anew which files they are."""
        known = {}
        places: list[tuple[int | Path, str]] = [*_OUTPUT.items(), *self._paths.items()]
        for place, what in places:
            try:
                own = os.stat(place)  # noqa: PTH116 - a descriptor has no path
            except OSError:
                continue
            if stat.S_ISREG(own.st_mode):
                known[own.st_dev, own.st_ino] = what
        self._known, self.inodes = known, frozenset(inode for _, inode in known)

    def what(self, found: os.stat_result) -> str | None:
        """Return what kbsync writes to the file of a stat, None if nothing."""
        return self._known.get((found.st_dev, found.st_ino))
