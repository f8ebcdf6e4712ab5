"""The text of PDF pages, by pypdf: a paragraph for each page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

from pypdf import PdfReader

from kbsync.source.convert.answers import ConversionError, Said


def markdown(file: IO[bytes]) -> Iterator[str]:
    """Yield the text of all pages.

    Raises:
        ConversionError: it needs a password.
    """
    reader = PdfReader(file)
    if reader.is_encrypted and not reader.decrypt(""):
        raise ConversionError(Said.LOCKED)
    for page in reader.pages:
        if text := page.extract_text().strip():
            yield text + "\n\n"
