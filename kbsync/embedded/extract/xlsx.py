"""Excel workbooks: one text per row of each sheet (docs/dify-api.md section 4.11)."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

from openpyxl import load_workbook
from openpyxl.worksheet.worksheet import Worksheet

from . import ExtractionError, rows

HEADER_ROWS: Final = 10


def read(content: bytes) -> list[str]:
    """The rows of all sheets below the row that is taken for the header."""
    try:
        workbook = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        return [text for sheet in workbook.worksheets for text in _sheet(sheet)]
    except Exception as fault:  # the library fails in many ways on a broken file
        raise ExtractionError(str(fault) or type(fault).__name__) from fault


def _sheet(sheet: Worksheet) -> Iterator[str]:
    table = sheet.iter_rows(values_only=True)
    first = [[_text(value) for value in row] for row in islice(table, HEADER_ROWS)]
    header = _header(first)
    if header is None:
        return
    width = max(place for place, name in enumerate(first[header]) if name) + 1
    below = [*first[header + 1 :], *([_text(value) for value in row] for row in table)]
    for row in below:
        if any(cell is not None for cell in row[:width]):
            cells = [*row, *[None] * width]
            pairs = zip(first[header], cells, strict=False)
            yield rows.quoted((name, cell or "") for name, cell in pairs if name)


def _header(first: Sequence[Sequence[str | None]]) -> int | None:
    """The first row that fills two columns; without one, the row that fills most."""
    filled = [sum(1 for cell in row if cell) for row in first]
    wide = (place for place, count in enumerate(filled) if count > 1)
    if not any(filled):
        return None
    return next(wide, filled.index(max(filled)))


def _text(value: object) -> str | None:
    return None if value is None else str(value).strip().replace('"', '\\"')
