"""What a mirror takes: everything its configuration says about files, and the verdict on one."""

from __future__ import annotations

import os
import stat
from functools import lru_cache

from kbsync.config import MirrorConfig
from kbsync.engine.ports import FileRow
from kbsync.messages import Notice
from kbsync.messages import source as says
from kbsync.model import DocKey, Skipped
from kbsync.model.file_types import extension
from kbsync.source.filters import Filters
from kbsync.source.own_files import OwnFiles

_KINDS = {
    stat.S_IFIFO: "named pipe",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "device",
    stat.S_IFBLK: "device",
}


class FileRules:
    """What a mirror's configuration says about files, ready for the walk.

    Attributes:
        root: path of the source folder.
        filters: what is left out.
        accepted: extensions that are uploaded, lower case, without the dot.
        own: files that kbsync itself writes.
        expected: key paths where a mount was seen before.
    """

    __slots__ = ("accepted", "config", "expected", "filters", "own", "root")

    def __init__(self, config: MirrorConfig, own: OwnFiles) -> None:
        self.config = config
        self.own = own
        self.root = os.fspath(config.source)
        self.filters = Filters(config)
        self.accepted = frozenset(config.extensions)
        self.expected: frozenset[str] = frozenset()

    def key(self, path: str) -> DocKey:
        """Return the key of `path` in this mirror."""
        return DocKey(mirror=self.config.name, path=path)

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
            ctime = found.st_ctime_ns if self.config.trust_ctime else 0
            return (path, found.st_size, found.st_mtime_ns, found.st_ino, ctime)
        return self.skipped(path, why)

    def _refusal(self, name: str, found: os.stat_result) -> Notice | None:
        if not stat.S_ISREG(found.st_mode):
            return says.NO_FILE(kind=_KINDS.get(stat.S_IFMT(found.st_mode), "special file"))
        if (ending := extension(name)) not in self.accepted:
            return refused_type(ending)
        if what := self.own.what(found):
            return says.OWN_FILE(what=what)
        if found.st_size == 0:
            return says.EMPTY()
        return self.too_large(found.st_size)

    def too_large(self, size: int) -> Notice | None:
        """Return why `size` bytes are not sent, None if they are."""
        limit = self.config.max_file_size
        return says.TOO_LARGE(size=size, limit=limit) if size > limit else None


# A photo archive next to the documents is thousands of the same notice.
@lru_cache(maxsize=1024)
def refused_type(ending: str) -> Notice:
    """Say that files of this extension are not accepted."""
    return says.REFUSED_TYPE(extension=f".{ending}" if ending else "extensionless")
