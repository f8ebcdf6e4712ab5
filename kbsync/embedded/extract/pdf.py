"""PDF: one text per page."""

from __future__ import annotations

import io
import logging

from pypdf import PdfReader

from . import ExtractionError


def read_pdf(content: bytes) -> list[str]:
    """The text of each page that has any."""
    # The library reports each small fault of a file; only the ones that stop it matter here.
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        pages = PdfReader(io.BytesIO(content)).pages
        return [text for page in pages if (text := page.extract_text().strip())]
    except Exception as error:  # the library fails in many ways on a broken file
        raise ExtractionError(f"Failed to load document ({error}).") from error
