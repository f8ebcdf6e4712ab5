"""The bytes of one file: opened without following links, hashed, and checked for being torn."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import IO, NamedTuple

from kbsync.messages import Notice
from kbsync.model import Stat
from kbsync.model.file_types import extension, media_type
from kbsync.source.conversion import RICH, Conversion, Converted
from kbsync.source.convert.sending import BY_ROWS, CONVERTED, TEXT
from kbsync.source.encoding import BLOCK, blocks
from kbsync.source.openat import FILE, open_folder
from kbsync.source.ticks import rested, stat_of, times_of

READ_FILES = 10_000
KEPT, KEPT_EACH = 16 << 20, 1 << 18
"""Bytes of converted texts that are kept for the upload that follows, in all and of one file."""


_SENT = {TEXT: "txt", BY_ROWS: "txt", CONVERTED: "md"}


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
        self.parent = parent
        self._name = name

    def torn(self) -> bool:
        """Whether the file, or what its name stands for, is not what was opened."""
        try:
            named = os.stat(self._name, dir_fd=self.parent, follow_symlinks=False)
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
        anew: it is not the file's own bytes: they are written anew.
        taken: what its text was taken as; None for UTF-8 as it is, and for what is no text.
        doubt: why it is not known what the file holds: it must not be sent.
        skip: why nothing of it is ever sent.
        source: sha256 (hex) of the file's own bytes, where it was converted.
    """

    size: int
    content: str = ""
    start: int = 0
    anew: bool = False
    taken: str | None = None
    doubt: Notice | None = None
    skip: Notice | None = None
    source: str | None = None


class FilePayload:
    """What is sent for one file; see `kbsync.engine.ports.Payload`.

    Args:
        file: the file, held open.
        media: its media type.
        body: what is sent of it.
        convert: returns that at its end, where it is written anew.
        sent: that, where it was converted already.
    """

    def __init__(
        self,
        file: OpenFile,
        media: str,
        body: Body,
        convert: Callable[[], IO[bytes] | None],
        sent: IO[bytes] | None = None,
    ) -> None:
        self.media_type = media
        self.size = body.size
        self.file = file
        self.stat = file.stat
        self._body = body
        self._convert = convert
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
        if not self._body.anew:
            return os.pread(self.file.fd, wanted, self._body.start + self._done)
        if self._sent is None:
            self._sent = self._convert()
        if self._sent is None:
            return b""  # written to meanwhile: it is torn
        if self._done == 0:
            self._sent.seek(0)
        return self._sent.read(wanted)

    @property
    def taken(self) -> str | None:
        """What its text was taken as."""
        return self._body.taken

    @property
    def source(self) -> str | None:
        """Sha256 (hex) of the file's own bytes, where it was converted."""
        return self._body.source

    @property
    def skip(self) -> Notice | None:
        """Why nothing of the file is ever sent."""
        return self._body.skip

    def text(self) -> bytes | None:
        """Return what was converted where that is short."""
        if self._sent is None or self.size > KEPT_EACH:
            return None
        self._sent.seek(0)
        return self._sent.read()

    @property
    def doubt(self) -> Notice | None:
        """Why it is not known what the file holds."""
        return self._body.doubt

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
        self._read: dict[tuple[str | int, ...], Body] = {}
        self._texts: dict[tuple[str | int, ...], bytes] = {}
        self._kept = 0
        self._lock = threading.Lock()

    def of(self, file: OpenFile, *, kind: str) -> Body | None:
        """Return what `file` holds when it is still the one that was read.

        Args:
            file: held open.
            kind: what becomes of it (`Conversion.of`), and by which declaration.
        """
        return self._read.get((kind, *file.identity))

    def text_of(self, file: OpenFile, *, kind: str) -> IO[bytes] | None:
        """Return what `file` was converted to, None where that is not kept."""
        text = self._texts.get((kind, *file.identity))
        return None if text is None else io.BytesIO(text)

    def note(self, file: OpenFile, body: Body, *, kind: str, text: bytes | None = None) -> None:
        """Remember what `file` holds, unless it had been written a moment before it was opened.

        Args:
            file: held open.
            body: what it holds.
            kind: what becomes of it, and by which declaration.
            text: what it was converted to, where that took a while.
        """
        if not file.rested:
            return
        with self._lock:
            self._read[(kind, *file.identity)] = body
            if len(self._read) > READ_FILES:
                del self._read[next(iter(self._read))]
            if text is not None:
                self._keep((kind, *file.identity), text)

    def _keep(self, key: tuple[str | int, ...], text: bytes) -> None:
        self._kept += len(text) - len(self._texts.pop(key, b""))
        self._texts[key] = text
        while self._kept > KEPT:
            self._kept -= len(self._texts.pop(next(iter(self._texts))))


@contextmanager
def payload(
    root: int,
    steps: tuple[str, ...],
    *,
    path: str,
    conversion: Conversion,
    known: ReadFiles | None = None,
    before: str | None = None,
    trust_ctime: bool = True,
    ready: bool = False,
) -> Iterator[FilePayload]:
    """Open what is sent for the file `steps` below `root`.

    Args:
        root: descriptor of the source folder.
        steps: real names from the root to the file.
        path: key path; its type is taken from it, and not from that of a link's target.
        conversion: what becomes of it.
        known: what files hold that were read before; None to read this one in any case.
        before: what it was taken as when it was sent.
        trust_ctime: as for `OpenFile`.
        ready: it is sent next: what takes a while to be converted is there when it is read.

    Raises:
        OSError: it cannot be opened or read, or is no regular file.
    """
    name = path.rpartition("/")[2]
    kind = conversion.of(name)
    media = media_type(_SENT.get(kind) or extension(name))
    with ExitStack() as closing:
        file = closing.enter_context(open_file(root, steps, trust_ctime=trust_ctime))

        def convert() -> Converted:
            return conversion.converted(file.fd, kind, folder=file.parent, before=before, path=path)

        remembered = conversion.remembered_as(name)
        body = known.of(file, kind=remembered) if known else None
        sent = known.text_of(file, kind=remembered) if known and body else None
        if body is None or (ready and kind in RICH and sent is None):
            body, sent = _read(file, convert, kind) if kind else (Body(file.found.st_size), None)
        opened = FilePayload(file, media, body, lambda: convert().sent, sent)
        closing.callback(opened.close)
        yield opened


def _read(
    file: OpenFile, convert: Callable[[], Converted], kind: str
) -> tuple[Body, IO[bytes] | None]:
    # Before the conversion: a file that is written to meanwhile is torn.
    source = own_content(file.fd) if kind in RICH else None
    found = convert()
    if found.doubt or found.skip:
        return Body(file.found.st_size, doubt=found.doubt, skip=found.skip), None
    if found.sent is None:
        size = file.found.st_size - found.start
        return Body(size, found.content, found.start, taken=found.taken), None
    body = Body(_size(found.sent), anew=True, taken=found.taken, source=source)
    return body, found.sent


def _size(file: IO[bytes]) -> int:
    return file.seek(0, os.SEEK_END)


def own_content(fd: int) -> str:
    """Return the sha256 (hex) of the bytes of the file `fd`."""
    digest = hashlib.sha256()
    for block in blocks(fd):
        digest.update(block)
    return digest.hexdigest()
