"""Excel workbooks, new and old: one text per row of each sheet (docs/dify-api.md section 4.11)."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

import xlrd
from openpyxl import load_workbook
from openpyxl.worksheet.worksheet import Worksheet

from . import ExtractionError
from .text_files import cell_text

HEADER_CANDIDATES: Final = 10


def read_xlsx(content: bytes) -> list[str]:
    """The rows of all sheets below the row that is taken for the header."""
    try:
        workbook = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        return [text for sheet in workbook.worksheets for text in _xlsx_rows(sheet)]
    except Exception as error:  # the library fails in many ways on a broken file
        raise ExtractionError(str(error) or type(error).__name__) from error


def _xlsx_rows(sheet: Worksheet) -> Iterator[str]:
    table = sheet.iter_rows(values_only=True)
    head = [[_xlsx_cell(value) for value in row] for row in islice(table, HEADER_CANDIDATES)]
    header = _header_row(head)
    if header is None:
        return
    width = max(place for place, name in enumerate(head[header]) if name) + 1
    below = [*head[header + 1 :], *([_xlsx_cell(value) for value in row] for row in table)]
    for row in below:
        if any(cell is not None for cell in row[:width]):
            cells = [*row, *[None] * width]
            pairs = zip(head[header], cells, strict=False)
            yield _row_text((name, cell or "") for name, cell in pairs if name)


def _header_row(head: Sequence[Sequence[str | None]]) -> int | None:
    """The first row that fills two columns; without one, the row that fills most."""
    filled = [sum(1 for cell in row if cell) for row in head]
    wide = (place for place, count in enumerate(filled) if count > 1)
    if not any(filled):
        return None
    return next(wide, filled.index(max(filled)))


def _xlsx_cell(value: object) -> str | None:
    return None if value is None else str(value).strip().replace('"', '\\"')


def read_xls(content: bytes) -> list[str]:
    """The rows of all sheets below their first row, without their empty cells."""
    try:
        with xlrd.open_workbook(file_contents=content) as workbook:
            return [text for sheet in workbook.sheets() for text in _xls_rows(sheet)]
    except Exception as error:  # the library fails in many ways on a broken file
        raise ExtractionError(str(error) or type(error).__name__) from error


def _xls_rows(sheet: xlrd.sheet.Sheet) -> list[str]:
    if not sheet.nrows:
        return []
    header, *body = [
        [cell_text(cell) for cell in sheet.row_values(row)] for row in range(sheet.nrows)
    ]
    names = [name or f"Unnamed: {place}" for place, name in enumerate(header)]
    filled = ([pair for pair in zip(names, row, strict=True) if pair[1]] for row in body)
    return [_row_text(pairs) for pairs in filled if pairs]


def _row_text(pairs: Iterable[tuple[str, str]]) -> str:
    """One row of a workbook: `"column":"value";"column":"value"`."""
    return ";".join(f'"{name}":"{cell}"' for name, cell in pairs)
