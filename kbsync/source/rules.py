"""What a mirror takes: everything its settings say about files, and the verdict on one file."""

from __future__ import annotations

import os
import stat
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import lru_cache

from kbsync.engine.ports import FileRow
from kbsync.messages import Notice
from kbsync.messages import source as says
from kbsync.model import DocKey, Skipped
from kbsync.source.filters import Filters
from kbsync.source.names import extension

_KINDS = {
    stat.S_IFIFO: "named pipe",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "device",
    stat.S_IFBLK: "device",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """A mirror's name, where it stands and what it takes.

    Args:
        mirror: its name.
        root: path of the source folder.
        filters: what is left out.
        accepted: extensions the server takes, lower case, without the dot.
        limit: the largest file in bytes.
        follow: whether links that stay inside the root are followed.
        convert: whether text files are sent as UTF-8.
    """

    mirror: str
    root: str
    filters: Filters
    accepted: AbstractSet[str]
    limit: int
    follow: bool
    convert: bool

    def key(self, path: str) -> DocKey:
        """Return the key of `path` in this mirror."""
        return DocKey(mirror=self.mirror, path=path)

    def skipped(self, path: str, why: Notice) -> Skipped:
        """Return the state of something that is there and never uploaded."""
        return Skipped(key=self.key(path), why=why)

    def verdict(self, path: str, name: str, found: os.stat_result) -> FileRow | Skipped:
        """Judge what is neither a folder nor a link.

        Args:
            path: key path.
            name: the name its type is taken from.
            found: its stat.
        """
        why = self._refusal(name, found)
        if why is None:
            return (path, found.st_size, found.st_mtime_ns, found.st_ino)
        return self.skipped(path, why)

    def _refusal(self, name: str, found: os.stat_result) -> Notice | None:
        if not stat.S_ISREG(found.st_mode):
            return says.NO_FILE(kind=_KINDS.get(stat.S_IFMT(found.st_mode), "special file"))
        if (ending := extension(name)) not in self.accepted:
            return refused_type(ending)
        if found.st_size == 0:
            return says.EMPTY()
        return self.too_large(found.st_size)

    def too_large(self, size: int) -> Notice | None:
        """Return why `size` bytes are not sent, None if they are."""
        return says.TOO_LARGE(size=size, limit=self.limit) if size > self.limit else None


# A photo archive next to the documents is thousands of the same notice.
@lru_cache(maxsize=1024)
def refused_type(ending: str) -> Notice:
    """Say that files of this extension are not accepted."""
    return says.REFUSED_TYPE(extension=f".{ending}" if ending else "extensionless")
