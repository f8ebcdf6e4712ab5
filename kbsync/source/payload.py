"""The bytes of one file: opened without following links, hashed, and told when they were torn."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import IO

from kbsync.model import Stat
from kbsync.model.file_types import extension, is_text, media_type
from kbsync.source.encoding import BLOCK, as_utf8, survey
from kbsync.source.openat import FILE, folder


class OpenFile:
    """A regular file held open, with the folder its name stands in.

    Args:
        fd: its descriptor.
        parent: descriptor of the folder.
        name: its name there.
    """

    def __init__(self, fd: int, parent: int, name: str) -> None:
        self.fd = fd
        self.found = os.fstat(fd)
        self._parent = parent
        self._name = name

    def torn(self) -> bool:
        """Whether the file, or what its name stands for, is not what was opened."""
        try:
            named = os.stat(self._name, dir_fd=self._parent, follow_symlinks=False)
        except OSError:
            return True
        opened = _identity(self.found)
        return opened != _identity(os.fstat(self.fd)) or opened != _identity(named)


# The change time too: a writer can put the modification time back, but not this one.
def _identity(found: os.stat_result) -> tuple[int, ...]:
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def _stat_of(found: os.stat_result) -> Stat:
    return Stat(size=found.st_size, mtime_ns=found.st_mtime_ns, inode=found.st_ino)


@contextmanager
def open_file(root: int, steps: tuple[str, ...]) -> Iterator[OpenFile]:
    """Open the regular file `steps` below `root`.

    Raises:
        OSError: a step is missing, unreadable or a link; or it is no regular file (EINVAL).
    """
    *way, name = steps
    with folder(root, way) as parent:
        fd = os.open(name, FILE, dir_fd=parent)
        try:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise OSError(errno.EINVAL, "it is no regular file")
            yield OpenFile(fd, parent, name)
        finally:
            os.close(fd)


class FilePayload:
    """What is sent for one file; see `kbsync.engine.ports.Payload`.

    Args:
        file: the file, held open.
        media: its media type.
        sent: what is sent instead of the file itself.
        start: where in the file what is sent begins.
        known: sha256 (hex) of what is sent, when one pass already told it.
    """

    def __init__(
        self,
        file: OpenFile,
        media: str,
        *,
        sent: IO[bytes] | None = None,
        start: int = 0,
        known: str | None = None,
    ) -> None:
        self.media_type = media
        self.size = sent.tell() if sent else file.found.st_size - start
        self.found = file.found
        self.stat = _stat_of(file.found)
        self._known = known
        self._file = file
        self._sent = sent
        self._start = start
        self._done = 0
        self._digest = hashlib.sha256()
        if sent:
            sent.seek(0)

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes, at most `size` of them, never past the size at opening."""
        rest = self.size - self._done
        wanted = rest if size < 0 else min(size, rest)
        if self._sent:
            block = self._sent.read(wanted)
        else:
            block = os.pread(self._file.fd, wanted, self._start + self._done)
        self._done += len(block)
        self._digest.update(block)
        return block

    @property
    def content(self) -> str:
        """Sha256 (hex) of the bytes read so far."""
        return self._digest.hexdigest()

    def torn(self) -> bool:
        """Whether the file changed since it was opened."""
        return self._file.torn()

    def whole(self) -> str:
        """Return the sha256 (hex) of everything that is sent."""
        if self._known is not None:
            return self._known
        while self.read(BLOCK):
            pass
        return self.content


@contextmanager
def payload(
    root: int, steps: tuple[str, ...], *, name: str, convert: bool
) -> Iterator[FilePayload]:
    """Open what is sent for the file `steps` below `root`.

    Args:
        root: descriptor of the source folder.
        steps: real names from the root to the file.
        name: the name its type is taken from: that of a link, not of its target.
        convert: whether text is sent as UTF-8.

    Raises:
        OSError: it cannot be opened or read, or is no regular file.
    """
    kind = extension(name)
    with ExitStack() as closing:
        file = closing.enter_context(open_file(root, steps))
        if not convert or not is_text(kind):
            yield FilePayload(file, media_type(kind))
            return
        found = survey(file.fd)
        if found.stray is None:
            yield FilePayload(file, media_type(kind), start=found.start, known=found.content)
        else:
            sent = closing.enter_context(as_utf8(file.fd, found.stray))
            yield FilePayload(file, media_type(kind), sent=sent)
