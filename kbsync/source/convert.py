"""What is sent for a file: text as UTF-8 without a byte order mark, everything else verbatim.

Servers guess the encoding of other text, often wrongly, and keep the mark as the first character
of the first chunk (docs/dify-api.md section 4.11). Memory does not grow with the file.
"""

from __future__ import annotations

import codecs
import hashlib
import os
import tempfile
from collections.abc import Iterator
from typing import IO, NamedTuple

from kbsync.source.charset import byte_order_mark, guess

CONVERTER = "utf8-1"
"""Names these rules: part of what shapes a document's chunks, so new rules re-send text files."""

TEXT = frozenset({"txt", "md", "markdown", "mdx", "csv", "vtt", "properties"})
BLOCK = 1 << 20

_BOM = len(codecs.BOM_UTF8)
_SAMPLE = 1 << 15


class Survey(NamedTuple):
    """What one pass over a text file tells.

    Args:
        start: where what is sent begins: behind a UTF-8 byte order mark.
        content: sha256 (hex) of everything from there.
        stray: position of the first byte that is not UTF-8, None if there is none.
    """

    start: int
    content: str
    stray: int | None


def blocks(fd: int, start: int = 0) -> Iterator[bytes]:
    """Yield what the file `fd` holds from byte `start` on, 1 MiB at a time."""
    while block := os.pread(fd, BLOCK, start):
        yield block
        start += len(block)


def survey(fd: int) -> Survey:
    """Read a text file once: hash it and find the first byte that is not UTF-8."""
    start = _BOM if os.pread(fd, _BOM, 0) == codecs.BOM_UTF8 else 0
    digest, at = hashlib.sha256(), start
    decoder = codecs.getincrementaldecoder("utf-8")()
    for block in blocks(fd, start):
        held = len(decoder.getstate()[0])
        try:
            decoder.decode(block)
        except UnicodeDecodeError as error:
            return Survey(start, "", at - held + error.start)
        digest.update(block)
        at += len(block)
    held = len(decoder.getstate()[0])
    return Survey(start, digest.hexdigest(), at - held if held else None)


def as_utf8(fd: int, stray: int) -> IO[bytes]:
    """Write the text file `fd` anew as UTF-8.

    Args:
        fd: its descriptor.
        stray: position of its first byte that is not UTF-8; the guess is made from around there.

    Returns:
        A temporary file at its end; bytes that mean nothing became U+FFFD.
    """
    encoding = byte_order_mark(os.pread(fd, 4, 0)) or guess(_around(fd, stray))
    # A damaged UTF-8 file may begin with a mark all the same.
    decoder = codecs.getincrementaldecoder("utf-8-sig" if encoding == "utf-8" else encoding)(
        errors="replace"
    )
    sent = tempfile.SpooledTemporaryFile(max_size=BLOCK)  # noqa: SIM115 - the caller closes it
    try:
        for block in blocks(fd):
            sent.write(decoder.decode(block).encode("utf-8", "replace"))
        sent.write(decoder.decode(b"", final=True).encode("utf-8", "replace"))
    except BaseException:
        sent.close()
        raise
    return sent


def _around(fd: int, stray: int) -> bytes:
    """Return a sample of whole lines around `stray`, as far as there are lines."""
    start = max(0, stray - _SAMPLE // 2)
    sample = os.pread(fd, _SAMPLE, start)
    if start:
        sample = sample[sample.find(b"\n", 0, stray - start) + 1 :]
    cut = sample.rfind(b"\n", max(0, len(sample) - _SAMPLE // 4))
    return sample[: cut + 1] if cut >= 0 and len(sample) > _SAMPLE // 2 else sample
