"""Text is read and sent as UTF-8 without a byte order mark, whatever it is written in.

Servers guess the encoding of other text, often wrongly, and keep the mark as the first character
of the first chunk (docs/dify-api.md section 4.11). Memory does not grow with the file.
"""

from __future__ import annotations

import codecs
import hashlib
import os
from collections.abc import Callable, Iterator
from itertools import chain
from typing import NamedTuple

from kbsync.messages import Notice
from kbsync.source.unmarked import has_control

CONVERTER = "utf8-1"
"""Names these rules: part of what shapes a document's chunks, so new rules re-send text files."""

BLOCK = 1 << 20

# What reads a text that begins with one, without the mark; UTF-8's is kept apart.
_MARKS = (
    # The longer ones first: UTF-32's little-endian mark begins with UTF-16's.
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

_SAMPLE = 1 << 15


class TextRead(NamedTuple):
    """What one pass over a text file found.

    Args:
        start: where what is sent begins: behind a UTF-8 byte order mark.
        content: sha256 (hex) of everything from there; empty when it is not UTF-8.
        encoding: what it is written in when that is not sound UTF-8; None when it is.
        head: its first bytes, for a conversion to begin with.
        doubt: why it is not known what it is written in.
    """

    start: int
    content: str
    encoding: str | None
    head: bytes = b""
    doubt: Notice | None = None


class Text(NamedTuple):
    """A text that is not sound UTF-8, for a choice of what it is written in.

    Args:
        fd: the file.
        head: its first bytes.
        stray: where the first byte stands that is not UTF-8.
    """

    fd: int
    head: bytes
    stray: int

    def sample(self) -> bytes:
        """Return a piece of whole lines around the first byte that is not UTF-8."""
        return _around(self.fd, self.head, self.stray)


class Chosen(NamedTuple):
    """What a text is taken as; with a doubt it must not be sent."""

    encoding: str
    doubt: Notice | None = None


Choose = Callable[[Text], Chosen | None]
"""What a text is taken as; None for UTF-8 in spite of its control characters."""


def blocks(fd: int, start: int = 0) -> Iterator[bytes]:
    """Yield what the file `fd` holds from byte `start` on, 1 MiB at a time."""
    while block := os.pread(fd, BLOCK, start):
        yield block
        start += len(block)


def byte_order_mark(start: bytes) -> str | None:
    """Return the encoding that the first bytes of a text name, UTF-8 aside."""
    return next((name for mark, name in _MARKS if start.startswith(mark)), None)


def read_text(fd: int, choose: Choose) -> TextRead:
    """Read the text file `fd` once: hash it, or find out what it is written in.

    Args:
        fd: its descriptor.
        choose: asked what it is taken as, if it is not sound UTF-8 or cannot be meant as such.
    """
    head = os.pread(fd, BLOCK, 0)
    start = len(codecs.BOM_UTF8) if head.startswith(codecs.BOM_UTF8) else 0
    if not start and has_control(head) and (chosen := choose(Text(fd, head, -1))):
        return TextRead(0, "", chosen.encoding, head, chosen.doubt)
    digest, at = hashlib.sha256(), start
    decoder = codecs.getincrementaldecoder("utf-8")()
    for block in chain((head[start:],), blocks(fd, len(head))):
        held = len(decoder.getstate()[0])
        try:
            decoder.decode(block)
        except UnicodeDecodeError as error:
            return _chosen(choose, Text(fd, head, at - held + error.start), start)
        digest.update(block)
        at += len(block)
    if held := len(decoder.getstate()[0]):
        return _chosen(choose, Text(fd, head, at - held), start)
    return TextRead(start, digest.hexdigest(), None, head)


def _chosen(choose: Choose, text: Text, start: int) -> TextRead:
    chosen = choose(text) or Chosen("utf-8")
    return TextRead(start, "", chosen.encoding, text.head, chosen.doubt)


def stray_byte(head: bytes) -> int:
    """Return where the first byte stands that is not UTF-8 in a text that begins so; else -1."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError as error:
        return error.start
    return -1


def decodes(fd: int, encoding: str, head: bytes = b"") -> bool:
    """Whether the whole text file `fd` is sound in `encoding`."""
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for block in chain((head,), blocks(fd, len(head))):
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeError:
        return False
    return True


def pieces(fd: int, encoding: str, head: bytes = b"") -> Iterator[str]:
    """Yield the text of the file `fd`; bytes that mean nothing become U+FFFD.

    Args:
        fd: its descriptor.
        encoding: what it is written in.
        head: its first bytes, where they were read already.
    """
    # A damaged UTF-8 file may begin with a mark all the same.
    decoder = codecs.getincrementaldecoder("utf-8-sig" if encoding == "utf-8" else encoding)(
        errors="replace"
    )
    for block in chain((head,), blocks(fd, len(head))):
        yield decoder.decode(block)
    yield decoder.decode(b"", final=True)


def _around(fd: int, head: bytes, stray: int) -> bytes:
    """Return a sample of whole lines around `stray`, as far as there are lines."""
    start = max(0, stray - _SAMPLE // 2)
    end = start + _SAMPLE
    whole = len(head) < BLOCK or end <= len(head)
    sample = head[start:end] if whole else os.pread(fd, _SAMPLE, start)
    if start:
        sample = sample[sample.find(b"\n", 0, stray - start) + 1 :]
    cut = sample.rfind(b"\n", max(0, len(sample) - _SAMPLE // 4))
    return sample[: cut + 1] if cut >= 0 and len(sample) > _SAMPLE // 2 else sample
