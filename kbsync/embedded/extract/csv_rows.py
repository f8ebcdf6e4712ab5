"""CSV: one text per row."""

from __future__ import annotations

import csv
import io
import threading

from . import ExtractionError, rows
from .plain import decode

_limit = threading.Lock()


def read(content: bytes) -> list[str]:
    """The rows below the header; a file without any bytes is refused (section 4.11)."""
    text = decode(content)
    if not text.strip():
        raise ExtractionError("No columns to parse from file")
    with _limit:
        csv.field_size_limit(max(csv.field_size_limit(), len(text)))
    try:
        table = list(csv.reader(io.StringIO(text)))
    except csv.Error as fault:
        raise ExtractionError(f"Error tokenizing data: {fault}") from fault
    header, *body = [row for row in table if row]
    return rows.plain(header, body)
