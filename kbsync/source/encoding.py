"""What is sent for a file: text as UTF-8 without a byte order mark, everything else verbatim.

Servers guess the encoding of other text, often wrongly, and keep the mark as the first character
of the first chunk (docs/dify-api.md section 4.11). Memory does not grow with the file.
"""

from __future__ import annotations

import codecs
import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from itertools import chain
from typing import IO, NamedTuple

CONVERTER = "utf8-1"
"""Names these rules: part of what shapes a document's chunks, so new rules re-send text files."""

BLOCK = 1 << 20

_SAMPLE = 1 << 15


class TextRead(NamedTuple):
    """What one pass over a text file found.

    Args:
        start: where what is sent begins: behind a UTF-8 byte order mark.
        content: sha256 (hex) of everything from there; empty when it is not UTF-8.
        encoding: what it is written in when that is not sound UTF-8; None when it is.
        head: its first bytes, for a conversion to begin with; empty when it is UTF-8.
    """

    start: int
    content: str
    encoding: str | None
    head: bytes = b""


def blocks(fd: int, start: int = 0) -> Iterator[bytes]:
    """Yield what the file `fd` holds from byte `start` on, 1 MiB at a time."""
    while block := os.pread(fd, BLOCK, start):
        yield block
        start += len(block)


def read_text(fd: int) -> TextRead:
    """Read the text file `fd` once: hash it, or find out what it is written in."""
    head = os.pread(fd, BLOCK, 0)
    start = len(codecs.BOM_UTF8) if head.startswith(codecs.BOM_UTF8) else 0
    digest, at = hashlib.sha256(), start
    decoder = codecs.getincrementaldecoder("utf-8")()
    for block in chain((head[start:],), blocks(fd, len(head))):
        held = len(decoder.getstate()[0])
        try:
            decoder.decode(block)
        except UnicodeDecodeError as error:
            return TextRead(start, "", _encoding(fd, head, at - held + error.start), head)
        digest.update(block)
        at += len(block)
    if held := len(decoder.getstate()[0]):
        return TextRead(start, "", _encoding(fd, head, at - held), head)
    return TextRead(start, digest.hexdigest(), None)


def as_utf8(fd: int, encoding: str, head: bytes = b"") -> IO[bytes]:
    """Write the text file `fd` anew as UTF-8.

    Args:
        fd: its descriptor.
        encoding: what it is written in.
        head: its first bytes, where they were read already.

    Returns:
        A temporary file at its end; bytes that mean nothing became U+FFFD.
    """
    # A damaged UTF-8 file may begin with a mark all the same.
    decoder = codecs.getincrementaldecoder("utf-8-sig" if encoding == "utf-8" else encoding)(
        errors="replace"
    )
    sent = tempfile.SpooledTemporaryFile(max_size=BLOCK)  # noqa: SIM115 - the caller closes it
    try:
        for block in chain((head,), blocks(fd, len(head))):
            sent.write(decoder.decode(block).encode("utf-8", "replace"))
        sent.write(decoder.decode(b"", final=True).encode("utf-8", "replace"))
    except BaseException:
        sent.close()
        raise
    return sent


def _encoding(fd: int, head: bytes, stray: int) -> str:
    """Return what a text is written in whose first byte that is not UTF-8 is at `stray`."""
    return byte_order_mark(head) or guess(_around(fd, head, stray))


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


# -- Guessing the encoding of a text that is not UTF-8


_BOMS = (
    # UTF-32's little-endian mark begins with UTF-16's: the longer ones first.
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_WRITTEN = [
    *("cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258"),
    *("iso8859_2", "koi8_r", "cp866", "cp874"),
    *("cp932", "euc_jp", "gb18030", "big5", "cp949"),
]
_LOWER = "àáâãäåæçèéêëìíîïñòóôõöøùúûüÿœß"
_UPPER = "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜŸŒ"
_MARKS = "\xa0\xad«»°§©®·€™†•–—‘’‚“”„…‹›‰"
_RARE_MARKS = "¡¿£¥±²³ªº´µ¶¹¼½¾×÷"
_WESTERN = re.compile(f"[\0-\x7f{_LOWER}{_UPPER}{_MARKS}{_RARE_MARKS}]*")
_ACCENTED = re.compile(f"[{_LOWER}{_UPPER}]")
_LETTER = f"A-Za-z{_LOWER}{_UPPER}"
# What Western words do not do, and others do when they are misread as Western.
_FOREIGN = re.compile(
    f"[{_LOWER}{_UPPER}]{{3}}|[a-z{_LOWER}][{_UPPER}]|[{_LETTER}][{_RARE_MARKS}][{_LETTER}]"
)


def byte_order_mark(start: bytes) -> str | None:
    """Return the encoding that the first bytes of a text name, UTF-8 aside."""
    return next((name for mark, name in _BOMS if start.startswith(mark)), None)


def guess(sample: bytes) -> str:
    """Return the encoding of `sample`, a piece of a text that is not valid UTF-8."""
    # Lines of plain ASCII fit every encoding and would drown the others.
    sample = b"\n".join(line for line in sample.split(b"\n") if not line.isascii())
    if _damaged_utf8(sample):
        return "utf-8"
    if _western(sample):
        return "cp1252"
    # Imported here: most folders hold UTF-8 alone and never need it.
    from charset_normalizer import from_bytes  # noqa: PLC0415

    best = from_bytes(sample, cp_isolation=_WRITTEN, preemptive_behaviour=False).best()
    return best.encoding if best else "cp1252"


def _damaged_utf8(sample: bytes) -> bool:
    """Whether stray bytes stand in what is UTF-8 otherwise."""
    text = sample.decode("utf-8", "replace")
    bad = text.count("\ufffd")
    sound = len(text.encode()) - len(text) - 2 * bad
    return sound > 2 * bad


def _western(sample: bytes) -> bool:
    try:
        text = sample.decode("cp1252")
    except UnicodeDecodeError:
        return False
    if not _WESTERN.fullmatch(text) or _FOREIGN.search(text):
        return False
    # Portuguese has both; Hungarian, misread, only the first.
    if "õ" in text and "ã" not in text and "ões" not in text:
        return False
    accented = len(_ACCENTED.findall(text))
    return accented <= 2 + sum(map(str.isalpha, text)) // 3
