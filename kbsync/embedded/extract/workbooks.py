"""Excel workbooks, new and old: one text per row of each sheet (docs/dify-api.md section 4.11)."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Final

import xlrd
from openpyxl import load_workbook
from openpyxl.worksheet._read_only import ReadOnlyWorksheet

from .bounds import CELLS, EMPTY_ROWS, BoundError
from .text_files import cell_text
from .zip_container import check_container

HEADER_CANDIDATES: Final = 10
Row = Sequence[str | None]


def read_xlsx(content: bytes) -> Iterator[str]:
    """The rows of all sheets below the row that is taken for the header."""
    check_container(content, "xlsx")
    workbook = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    size = _TableSize()
    for sheet in workbook.worksheets:
        yield from _xlsx_rows(_cells(sheet, size))


class _TableSize:
    """How many cells and empty rows were read of a workbook."""

    def __init__(self) -> None:
        self._cells = self._empty = 0

    def count(self, row: Sequence[object]) -> None:
        """Count a row.

        Raises:
            BoundError: it is one too many.
        """
        self._cells += len(row)
        self._empty += not row
        if self._cells > CELLS:
            raise BoundError(f"it has more than {CELLS:,} cells")
        if self._empty > EMPTY_ROWS:
            raise BoundError(f"it has more than {EMPTY_ROWS:,} empty rows")


def _cells(sheet: ReadOnlyWorksheet, size: _TableSize) -> Iterator[Row]:
    # What a sheet says of its own size is not believed: each row would be filled up to it.
    sheet.reset_dimensions()
    for row in sheet.iter_rows(values_only=True):
        size.count(row)
        yield [_xlsx_cell(value) for value in row]


def _xlsx_rows(table: Iterator[Row]) -> Iterator[str]:
    head = list(islice(table, HEADER_CANDIDATES))
    header = _header_row(head)
    if header is None:
        return
    names = head[header]
    width = max(place for place, name in enumerate(names) if name) + 1
    for row in chain(head[header + 1 :], table):
        if any(cell is not None for cell in row[:width]):
            cells = [*row, *[None] * width]
            pairs = zip(names, cells, strict=False)
            yield _row_text((name, cell or "") for name, cell in pairs if name)


def _header_row(head: Sequence[Row]) -> int | None:
    """The first row that fills two columns; without one, the row that fills most."""
    filled = [sum(1 for cell in row if cell) for row in head]
    wide = (place for place, count in enumerate(filled) if count > 1)
    if not any(filled):
        return None
    return next(wide, filled.index(max(filled)))


def _xlsx_cell(value: object) -> str | None:
    return None if value is None else str(value).strip().replace('"', '\\"')


def read_xls(content: bytes) -> Iterator[str]:
    """The rows of all sheets below their first row, without their empty cells."""
    with xlrd.open_workbook(file_contents=content) as workbook:
        for sheet in workbook.sheets():
            yield from _xls_rows(sheet)


def _xls_rows(sheet: xlrd.sheet.Sheet) -> Iterator[str]:
    if not sheet.nrows:
        return
    rows = ([cell_text(cell) for cell in sheet.row_values(row)] for row in range(sheet.nrows))
    names = [name or f"Unnamed: {place}" for place, name in enumerate(next(rows))]
    filled = ([pair for pair in zip(names, row, strict=True) if pair[1]] for row in rows)
    yield from (_row_text(pairs) for pairs in filled if pairs)


def _row_text(pairs: Iterable[tuple[str, str]]) -> str:
    """One row of a workbook: `"column":"value";"column":"value"`."""
    return ";".join(f'"{name}":"{cell}"' for name, cell in pairs)
