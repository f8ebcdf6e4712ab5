"""Excel workbooks: one text per row of each sheet."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence

from openpyxl import load_workbook

from . import ExtractionError, rows


def read(content: bytes) -> list[str]:
    """The rows of all sheets; the first row of a sheet that holds anything is its header."""
    try:
        workbook = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        return [text for sheet in workbook.worksheets for text in _sheet(sheet.iter_rows())]
    except Exception as fault:  # the library fails in many ways on a broken file
        raise ExtractionError(str(fault) or type(fault).__name__) from fault


def _sheet(cells: Iterator[Sequence[object]]) -> list[str]:
    values = ([getattr(cell, "value", None) for cell in row] for row in cells)
    filled = (row for row in values if any(value not in (None, "") for value in row))
    header = next(filled, None)
    return [] if header is None else rows.texts(header, filled)
