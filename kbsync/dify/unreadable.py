"""Errors of indexing that are the file's own: the server could not read what is in it.

Told by the words of the libraries that read files there (docs/dify-api.md section 4.11). Any other
error, of a model or a disk, may be over at the next try.
"""

from __future__ import annotations

import re

_WORDS = (
    "Failed to load document",
    "PDFium: Data format error",
    "File has not been decrypted",
    "Package not found at",
    "File is not a zip file",
    "There is no item named",
    "Bad magic number for",
    "Bad CRC-32 for file",
    "Unsupported format, or corrupt file",
    "is not a Word file",
    "No columns to parse from file",
    "Error tokenizing data",
    "could not read worksheets",
    "Decode failed:",
    "Excel file format cannot be determined",
    "Workbook is encrypted",
    "passes a bound of this server",
)
_UNREADABLE = re.compile("|".join(map(re.escape, _WORDS)), re.IGNORECASE)


def unreadable(error: str | None) -> bool:
    """Whether the same bytes end in the same `error`, however often they are sent."""
    return error is not None and _UNREADABLE.search(error) is not None
