"""A folder whose files are dated as file systems do it: in ticks, and not always truly."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from kbsync.model import FileState, Stat
from kbsync.source import ticks

from .folder import File, Folder, OpenFile

TICK = 2
SECOND_NS = 1_000_000_000


Twice = tuple[bytes, bytes]


class DatedFolder(Folder):
    """A folder whose stats are judged by their times, as kbsync's own source does.

    Attributes:
        coarse: times are kept in ticks of two seconds.
        amid: by path, what is written into the file at the moment it is opened to be sent, and
            again at the moment it was read.
        amid_hash: the same of a file that is read to be hashed.
        copy: contents and times of all files as they were once.
        changed: called after something was written amid.
    """

    coarse = False
    changed: Callable[[], None] = staticmethod(lambda: None)

    def __init__(self, mirror: str, wall: Callable[[], float]) -> None:
        super().__init__(mirror, wall)
        self.amid: dict[str, Twice] = {}
        self.amid_hash: dict[str, Twice] = {}
        self.copy: dict[str, tuple[bytes, int]] | None = None

    def _mtime(self) -> int:
        fine = super()._mtime()
        return fine // (TICK * SECOND_NS) * TICK * SECOND_NS if self.coarse else fine

    def _ctime(self) -> int:
        return self._mtime()

    def stat_read(self, file: File) -> Stat:
        # Any: it stands in for an os.stat_result.
        found: Any = SimpleNamespace(
            st_size=len(file.content),
            st_mtime_ns=file.mtime_ns,
            st_ino=file.inode,
            st_ctime_ns=file.ctime_ns,
        )
        rested = ticks.rested(found, int(self._wall() * 1e9))
        return ticks.stat_of(found, settled=rested)

    def _opened(self, path: str) -> OpenFile:
        before, after = self.amid.pop(path, (None, None))
        self._write_amid(path, before)
        opened = super()._opened(path)
        opened.after = lambda: self._write_amid(path, after)
        return opened

    def read(
        self, path: str, taken: str | None = None, *, fresh: bool = False, known: object = None
    ) -> FileState:
        before, after = self.amid_hash.pop(path, (None, None))
        self._write_amid(path, before)
        state = super().read(path, taken, fresh=fresh)
        self._write_amid(path, after)
        return state

    def untouched(self, path: str) -> FileState:
        """Return what a reading finds, without one: nothing is written amid."""
        return super().read(path)

    def _write_amid(self, path: str, content: bytes | None) -> None:
        file = self.files.get(path)
        if content is None or file is None or file.unreadable or not file.content:
            return
        if file.content != content:
            self.edit(path, content)
            self.changed()

    # -- what people do to times -------------------------------------------------------------

    def put_back(self, path: str, content: bytes) -> None:
        """Write to the file and put its modification time back, as `rsync -t --inplace` does."""
        mtime = self.files[path].mtime_ns
        self.edit(path, content)
        self.files[path].mtime_ns = mtime

    def replace_alike(self, path: str, content: bytes, mtime: int | None = None) -> None:
        """Put another file there that has the modification time and the inode of the old one."""
        old = self.files[path]
        self.write(path, content)
        self.files[path].inode = old.inode
        self.files[path].mtime_ns = old.mtime_ns if mtime is None else mtime

    def touch(self, path: str) -> None:
        """Change the inode alone, as `chmod` does."""
        self.files[path].ctime_ns = self._ctime()
        self.files[path].by_name = path

    def hide(self, path: str, content: bytes) -> None:
        """Change the content and nothing else, as a disk that loses bits does: without an event."""
        self.files[path].content = content

    def link(self, old: str, new: str) -> None:
        """Give the file another name (a hard link)."""
        self.files[new] = self.files[old]
        self.touch(new)

    def keep_copy(self) -> None:
        """Keep a copy of all files and their times."""
        self.copy = {path: (file.content, file.mtime_ns) for path, file in self.files.items()}

    def restore(self) -> None:
        """Put the files that stand there back as they were, with their times, as backups do."""
        for path, (content, mtime) in (self.copy or {}).items():
            if path in self.files and self.files[path].content != content:
                self.replace_alike(path, content, mtime)
        self.copy = None
