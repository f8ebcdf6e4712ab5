"""The bytes of one file: opened without following links, hashed, and checked for being torn."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import IO, NamedTuple

from kbsync.model import Stat
from kbsync.model.file_types import extension, media_type
from kbsync.source.encoding import BLOCK, as_utf8, read_text
from kbsync.source.openat import FILE, open_folder
from kbsync.source.ticks import rested, stat_of, times_of

READ_FILES = 10_000


class OpenFile:
    """A regular file held open, with the folder its name stands in.

    Args:
        fd: its descriptor.
        parent: descriptor of the folder.
        name: its name there.
        trust_ctime: as the mirror declares it.

    Attributes:
        found: its stat when it was opened.
        rested: whether that stat speaks for what was read from then on.
    """

    def __init__(self, fd: int, parent: int, name: str, *, trust_ctime: bool = True) -> None:
        self.fd = fd
        self.found = os.fstat(fd)
        self.rested = rested(self.found, time.time_ns(), trust_ctime=trust_ctime)
        self._trust_ctime = trust_ctime
        self._parent = parent
        self._name = name

    def torn(self) -> bool:
        """Whether the file, or what its name stands for, is not what was opened."""
        try:
            named = os.stat(self._name, dir_fd=self._parent, follow_symlinks=False)
        except OSError:
            return True
        return any(self.identity != self._identity(each) for each in (os.fstat(self.fd), named))

    @property
    def identity(self) -> tuple[int, ...]:
        """What tells the file, as it was when it was opened, from every other state of a file."""
        return self._identity(self.found)

    @property
    def stat(self) -> Stat:
        """Its stat as the ledger keeps it."""
        return stat_of(self.found, settled=self.rested, trust_ctime=self._trust_ctime)

    def _identity(self, found: os.stat_result) -> tuple[int, ...]:
        times = times_of(found, trust_ctime=self._trust_ctime)
        return (found.st_dev, found.st_ino, found.st_size, *times)


@contextmanager
def open_file(root: int, steps: tuple[str, ...], *, trust_ctime: bool = True) -> Iterator[OpenFile]:
    """Open the regular file `steps` below `root`.

    Raises:
        OSError: a step is missing, unreadable or a link; or it is no regular file (EINVAL).
    """
    *way, name = steps
    with open_folder(root, way) as parent:
        fd = os.open(name, FILE, dir_fd=parent)
        try:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise OSError(errno.EINVAL, "it is no regular file")
            yield OpenFile(fd, parent, name, trust_ctime=trust_ctime)
        finally:
            os.close(fd)


class Body(NamedTuple):
    """What is sent for a file, as one pass over it found.

    Args:
        size: in bytes.
        content: its sha256 (hex); empty until it was read whole.
        start: where in the file it begins: behind a UTF-8 byte order mark.
        encoding: what the file is written in where it is sent as UTF-8 instead; None where it is
            sent as it is.
    """

    size: int
    content: str = ""
    start: int = 0
    encoding: str | None = None


class FilePayload:
    """What is sent for one file; see `kbsync.engine.ports.Payload`.

    Args:
        file: the file, held open.
        media: its media type.
        body: what is sent of it.
        sent: that, where it was converted already.
    """

    def __init__(
        self, file: OpenFile, media: str, body: Body, sent: IO[bytes] | None = None
    ) -> None:
        self.media_type = media
        self.size = body.size
        self.file = file
        self.stat = file.stat
        self._body = body
        self._sent = sent
        self._done = 0
        self._digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes, at most `size` of them, never past the size at opening."""
        rest = self.size - self._done
        block = self._next(rest if size < 0 else min(size, rest))
        self._done += len(block)
        self._digest.update(block)
        return block

    def _next(self, wanted: int) -> bytes:
        start, encoding = self._body.start, self._body.encoding
        if encoding is None:
            return os.pread(self.file.fd, wanted, start + self._done)
        if self._sent is None:
            self._sent = as_utf8(self.file.fd, encoding)
        if self._done == 0:
            self._sent.seek(0)
        return self._sent.read(wanted)

    @property
    def content(self) -> str:
        """Sha256 (hex) of the bytes read so far."""
        return self._digest.hexdigest()

    def torn(self) -> bool:
        """Whether the file changed since it was opened."""
        return self.file.torn()

    def whole(self) -> Body:
        """Return what is sent, with its hash; read only where its hash is unknown."""
        if not self._body.content:
            while self.read(BLOCK):
                pass
            self._body = self._body._replace(content=self.content)
        return self._body

    def close(self) -> None:
        """Drop what was converted."""
        if self._sent:
            self._sent.close()


class ReadFiles:
    """What the files read last hold, so that no decision and no upload reads one to learn it again.

    A decision hashes a file; the next one about it, and the upload that follows, would have to read
    it whole for its hash, and for whether it is UTF-8 before the first byte can be sent. A file is
    known by inode, size and times, never by its path. Safe to use from many threads.
    """

    def __init__(self) -> None:
        self._read: dict[tuple[int, ...], Body] = {}
        self._lock = threading.Lock()

    def of(self, file: OpenFile, *, text: bool) -> Body | None:
        """Return what `file` holds when it is still the one that was read.

        Args:
            file: held open.
            text: whether it is sent as UTF-8.
        """
        return self._read.get((text, *file.identity))

    def note(self, file: OpenFile, body: Body, *, text: bool) -> None:
        """Remember what `file` holds, unless it had been written a moment before it was opened."""
        if not file.rested:
            return
        with self._lock:
            self._read[(text, *file.identity)] = body
            if len(self._read) > READ_FILES:
                del self._read[next(iter(self._read))]


@contextmanager
def payload(
    root: int,
    steps: tuple[str, ...],
    *,
    name: str,
    text: bool,
    known: ReadFiles | None = None,
    trust_ctime: bool = True,
) -> Iterator[FilePayload]:
    """Open what is sent for the file `steps` below `root`.

    Args:
        root: descriptor of the source folder.
        steps: real names from the root to the file.
        name: the name its type is taken from: that of a link, not of its target.
        text: whether it is sent as UTF-8.
        known: what files hold that were read before; None to read this one in any case.
        trust_ctime: as for `OpenFile`.

    Raises:
        OSError: it cannot be opened or read, or is no regular file.
    """
    media = media_type(extension(name))
    with ExitStack() as closing:
        file = closing.enter_context(open_file(root, steps, trust_ctime=trust_ctime))
        body = known.of(file, text=text) if known else None
        opened = FilePayload(file, media, body) if body else _first_read(file, media, text=text)
        closing.callback(opened.close)
        yield opened


def _first_read(file: OpenFile, media: str, *, text: bool) -> FilePayload:
    if not text:
        return FilePayload(file, media, Body(file.found.st_size))
    read = read_text(file.fd)
    if read.encoding is None:
        size = file.found.st_size - read.start
        return FilePayload(file, media, Body(size, read.content, read.start))
    sent = as_utf8(file.fd, read.encoding, read.head)
    return FilePayload(file, media, Body(sent.tell(), encoding=read.encoding), sent)
