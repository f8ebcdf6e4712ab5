"""Excel workbooks of the old format: one text per row of each sheet."""

from __future__ import annotations

import xlrd

from . import ExtractionError, rows


def read(content: bytes) -> list[str]:
    """The rows of all sheets below their first row, without their empty cells."""
    try:
        with xlrd.open_workbook(file_contents=content) as workbook:
            return [text for sheet in workbook.sheets() for text in _sheet(sheet)]
    except Exception as fault:  # the library fails in many ways on a broken file
        raise ExtractionError(str(fault) or type(fault).__name__) from fault


def _sheet(sheet: xlrd.sheet.Sheet) -> list[str]:
    if not sheet.nrows:
        return []
    header, *body = [
        [rows.text_of(cell) for cell in sheet.row_values(row)] for row in range(sheet.nrows)
    ]
    names = [name or f"Unnamed: {place}" for place, name in enumerate(header)]
    filled = ([pair for pair in zip(names, row, strict=True) if pair[1]] for row in body)
    return [rows.quoted(pairs) for pairs in filled if pairs]
