"""PDF: one text per page."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

from pypdf import PdfReader

from . import ExtractionError
from .bounds import PAGES, BoundError


def read_pdf(content: bytes) -> Iterator[str]:
    """The text of each page that has any."""
    # The library reports each small fault of a file; only the ones that stop it matter here.
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        yield from _pages(content)
    except (ExtractionError, MemoryError):
        raise
    except Exception as error:  # the library fails in many ways on a broken file
        raise ExtractionError(f"Failed to load document ({error}).") from error


def _pages(content: bytes) -> Iterator[str]:
    pages = PdfReader(io.BytesIO(content)).pages
    if len(pages) > PAGES:
        raise BoundError(f"it has more than {PAGES:,} pages")
    for page in pages:
        if text := page.extract_text().strip():
            yield text
