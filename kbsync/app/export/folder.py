"""The folder of an export: files come whole or not at all, and over none that differs."""

from __future__ import annotations

import fcntl
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import Enum
from itertools import count
from pathlib import Path

from kbsync.messages import Problem
from kbsync.messages import export as say
from kbsync.source.openat import FILE, FOLDER, open_folder, os_reason

OWN = ".kbsync-export"
_BLOCK = 1 << 20
_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Put(Enum):
    """What became of a file that was to be written."""

    WRITTEN = "written"
    SAME = "same"  # it holds that already
    DIFFERS = "differs"  # something else stands there


class Part:
    """A file that is being written, beside its later place.

    Args:
        fd: open for reading and writing.
        name: in the folder of parts.
    """

    def __init__(self, fd: int, name: str) -> None:
        self.fd = fd
        self.name = name
        self._digest = hashlib.sha256()
        self.size = 0

    def begin(self) -> None:
        """Drop what was written."""
        os.ftruncate(self.fd, 0)
        os.lseek(self.fd, 0, os.SEEK_SET)
        self._digest, self.size = hashlib.sha256(), 0

    def write(self, piece: bytes) -> None:
        """Write the next bytes."""
        self._digest.update(piece)
        self.size += len(piece)
        while piece:
            piece = piece[os.write(self.fd, piece) :]

    @property
    def content(self) -> str:
        """The sha256 (hex) of what was written."""
        return self._digest.hexdigest()

    def blocks(self) -> Iterator[bytes]:
        """Yield all that was written, a block after the other."""
        for start in range(0, self.size, _BLOCK):
            yield os.pread(self.fd, min(_BLOCK, self.size - start), start)

    def cut(self, size: int) -> None:
        """Drop what was written behind the first `size` bytes."""
        self.size = size
        self._digest = hashlib.sha256()
        for block in self.blocks():
            self._digest.update(block)
        os.ftruncate(self.fd, size)
        os.lseek(self.fd, 0, os.SEEK_END)


class ExportFolder:
    """A folder that is exported to, and what kbsync keeps in it. Made when missing.

    Args:
        path: of the folder.

    Raises:
        Problem: it cannot be made or written to.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._numbers = count(1)
        try:
            str(path).encode()
        except UnicodeEncodeError:
            why = "its name is not UTF-8, and no configuration could name it"
            raise Problem(say.FOLDER_UNUSABLE(folder=path, why=why)) from None
        try:
            path.mkdir(parents=True, exist_ok=True)
            self._root = os.open(path, FOLDER)
            with suppress(FileExistsError):
                os.mkdir(OWN, 0o700, dir_fd=self._root)
            self._own = os.open(OWN, FOLDER | os.O_NOFOLLOW, dir_fd=self._root)
            self._lock()
            self._clear()
        except BlockingIOError:
            why = "another export writes to it now"
            raise Problem(say.FOLDER_UNUSABLE(folder=path, why=why)) from None
        except OSError as error:
            raise Problem(say.FOLDER_UNUSABLE(folder=path, why=os_reason(error))) from None

    @property
    def own(self) -> Path:
        """Where kbsync keeps what it knows of the export."""
        return self.path / OWN

    def close(self) -> None:
        """Close it."""
        os.close(self._own)
        os.close(self._root)

    def _lock(self) -> None:
        """Keep other exports out until this is closed.

        Raises:
            BlockingIOError: another one is at work.
        """
        try:
            fcntl.flock(self._own, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise
        except OSError:
            return  # a disk without locks

    def _clear(self) -> None:
        """Remove what an earlier run did not finish."""
        for name in os.listdir(self._own):
            if name.endswith(".part"):
                os.unlink(name, dir_fd=self._own)

    @contextmanager
    def part(self) -> Iterator[Part]:
        """Begin a file; what was not put in its place is gone afterwards."""
        name = f"{next(self._numbers)}.part"
        fd = os.open(name, _NEW, 0o644, dir_fd=self._own)
        try:
            yield Part(fd, name)
        finally:
            os.close(fd)
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=self._own)

    def has(self, path: str) -> bool:
        """Whether anything stands at `path`."""
        return os.path.lexists(self.path / path)

    def hash_of(self, path: str) -> str | None:
        """Return the sha256 (hex) of the file at `path`, None where nothing stands there.

        Raises:
            OSError: something stands there, or on the way, that is no file or folder, or cannot be
                read.
        """
        *steps, name = path.split("/")
        try:
            with open_folder(self._root, steps) as folder:
                fd = os.open(name, FILE, dir_fd=folder)
        except FileNotFoundError:
            return None
        with os.fdopen(fd, "rb", buffering=0) as file:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise IsADirectoryError(21, "Is no file")
            digest = hashlib.sha256()
            while block := file.read(_BLOCK):
                digest.update(block)
        return digest.hexdigest()

    def put(self, part: Part, path: str, *, replacing: str | None) -> Put:
        """Put a whole part in its place.

        Args:
            part: as it was written.
            path: of its place.
            replacing: the sha256 of what may be written over there; None for nothing.

        Raises:
            OSError: as `hash_of`, or it cannot be written.
        """
        standing = self.hash_of(path)
        if standing == part.content:
            return Put.SAME
        if standing is not None and standing != replacing:
            return Put.DIFFERS
        os.fsync(part.fd)
        *steps, name = path.split("/")
        self._make(steps)
        with open_folder(self._root, steps) as folder:
            os.rename(part.name, name, src_dir_fd=self._own, dst_dir_fd=folder)
        return Put.WRITTEN

    def keep(self, part: Part, name: str) -> None:
        """Put a whole part among what kbsync keeps of the export, whatever stood there.

        Raises:
            OSError: it cannot be written.
        """
        os.fsync(part.fd)
        os.rename(part.name, name, src_dir_fd=self._own, dst_dir_fd=self._own)

    def remove(self, path: str, *, if_still: str) -> bool:
        """Remove the file at `path` if it still holds what `if_still` is the sha256 of."""
        if self.hash_of(path) != if_still:
            return False
        *steps, name = path.split("/")
        with open_folder(self._root, steps) as folder:
            os.unlink(name, dir_fd=folder)
        return True

    def move(self, path: str, to: str) -> None:
        """Give a file its new path, where nothing stands.

        Raises:
            OSError: it cannot be moved.
        """
        *steps, name = path.split("/")
        *new_steps, new_name = to.split("/")
        self._make(new_steps)
        with open_folder(self._root, steps) as old, open_folder(self._root, new_steps) as new:
            os.rename(name, new_name, src_dir_fd=old, dst_dir_fd=new)

    def _make(self, steps: list[str]) -> None:
        for depth in range(len(steps)):
            with open_folder(self._root, steps[:depth]) as folder, suppress(FileExistsError):
                os.mkdir(steps[depth], dir_fd=folder)
