"""Excel workbooks of the old format: one text per row of each sheet."""

from __future__ import annotations

import xlrd

from . import ExtractionError, rows


def read(content: bytes) -> list[str]:
    """The rows of all sheets below their first row."""
    try:
        with xlrd.open_workbook(file_contents=content) as workbook:
            return [text for sheet in workbook.sheets() for text in _sheet(sheet)]
    except Exception as fault:  # the library fails in many ways on a broken file
        raise ExtractionError(str(fault) or type(fault).__name__) from fault


def _sheet(sheet: xlrd.sheet.Sheet) -> list[str]:
    values = map(sheet.row_values, range(sheet.nrows))
    table: list[list[object]] = [row for row in values if any(row)]
    return rows.texts(table[0], table[1:]) if table else []
