"""How much one file may ask of the process that reads it. A file beyond is that document's error.

Every number is far beyond what a file of 15 MiB, the largest that is accepted, holds in earnest.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import Final

from . import ExtractionError

MIB: Final = 1 << 20

READ_HERE: Final = 16 << 10
"""Bytes of CSV, HTML and guessed charsets that are read without a process of their own.

The slowest pattern of their libraries takes a tenth of a second for that much, and a page of a
handbook has less.
"""

MEMBERS: Final = 10_000
"""Parts of a zip container: a workbook of a thousand sheets has three thousand."""

UNPACKED: Final = {"docx": 64 * MIB, "xlsx": 256 * MIB}
"""Bytes of all parts of a container together, unpacked.

A Word document becomes a tree of several times its size, and a thousand pages have 20 MiB. A
workbook is read row by row; 15 MiB of one unpack to 150.
"""

DEPTH: Final = 1000
"""Elements of a page within each other; browsers end at 512."""

CELLS: Final = 10_000_000
"""Cells of a table, empty ones included: 15 MiB of CSV hold at most 8 million commas."""

EMPTY_ROWS: Final = 1 << 20
"""Rows of nothing between the rows of a workbook: what one sheet can have."""

PAGES: Final = 20_000
"""Pages of a PDF: 15 MiB of text alone, a kilobyte a page."""

PIECES: Final = 500_000
"""Rows, sections or pages of a file, and chunks of a document: 15 MiB in rows of 30 characters."""

TEXT_BYTES: Final = 48 * MIB
"""UTF-8 bytes of all texts together, as each row repeats the header; an old encoding can triple."""

SECONDS: Final = 120
"""Processor time for one file: a PDF of 15 MiB takes a minute on a slow machine."""

WAITING_SECONDS: Final = 3 * SECONDS
"""For one file in all, on a machine that is busy with others."""

MEMORY: Final = 192 * MIB
"""Address space of the process that reads: a third is the libraries'.

With the server beside it that stays below 300 MiB, and a service on a small machine is not ended
for it. Platforms without `RLIMIT_AS` have the other bounds.
"""

LACKING_ABOVE: Final = MEMORY * 7 // 8
"""Memory in use at which the failure of a library is taken for a want of memory."""

RETIRES_ABOVE: Final = 128 * MIB
"""Memory a process that reads has once used before it ends: it would keep most of it."""

IDLE_SECONDS: Final = 60
"""A process that has not read for so long ends: it holds 30 to 60 MiB."""


class BoundError(ExtractionError):
    """A file asks for more than a bound allows; clients may know the words in front."""

    def __init__(self, what: str) -> None:
        super().__init__(f"The file passes a bound of this server: {what}.")


def megabytes(size: int) -> str:
    """A number of bytes, for people."""
    return f"{size // MIB} MiB"


def bounded(texts: Iterable[str]) -> Generator[str]:
    """The texts of a file, as long as they are within the bounds.

    Raises:
        BoundError: they are too many, or too long together.
    """
    rest = TEXT_BYTES
    for number, text in enumerate(texts):
        rest -= utf8_size(text)
        if number >= PIECES:
            raise BoundError(f"it has more than {PIECES:,} rows or sections")
        if rest < 0:
            raise BoundError(f"it has more than {megabytes(TEXT_BYTES)} of text")
        yield text


def utf8_size(text: str) -> int:
    """How many bytes a text has in UTF-8."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
