"""Excel workbooks, by openpyxl: as Markdown tables, or row by row.

Sheets are streamed. Merged cells are filled, hidden sheets are left out.
"""

from __future__ import annotations

import datetime
import re
import zipfile
from collections.abc import Iterator, Sequence
from typing import IO, Any, NamedTuple

from openpyxl import load_workbook
from openpyxl.utils.cell import range_boundaries

from kbsync.source.convert.answers import ConversionError, Said
from kbsync.source.convert.rows import texts
from kbsync.source.convert.tables import table

WIDEST = 1 << 10
"""Columns that a merged cell is filled into."""
MOST_MERGED = 100_000
MOST_EMPTY = 100_000
"""Empty rows of a sheet: what a sheet says of its size is not believed."""

_MERGED = re.compile(
    rb"<(?:\w{1,20}:)?mergeCell\s[^<>]{0,99}?ref=[\"']([A-Z]{1,3}\d{1,7}:[A-Z]{1,3}\d{1,7})"
)
_BLOCK = 1 << 18


class Merged(NamedTuple):
    """A range of merged cells: columns and rows, counted from 1, both ends within."""

    left: int
    top: int
    right: int
    bottom: int


def markdown(file: IO[bytes]) -> Iterator[str]:
    """Yield a workbook as Markdown: a section and a table for each sheet that is not hidden."""
    for name, cells in _sheets(file):
        rows = [row for row in cells if any(row)]
        if rows:
            width = max(len(row) for row in rows)
            yield f"# {' '.join(name.split())}\n\n"
            yield from table([*row, *[""] * (width - len(row))] for row in rows)
            yield "\n"


def rows(file: IO[bytes], longest: int) -> Iterator[str]:
    """Yield the rows of all sheets that are not hidden, each as one text.

    Args:
        file: the workbook.
        longest: characters of a chunk at most.
    """
    for name, cells in _sheets(file):
        yield from texts((row for row in cells if any(row)), name, longest)


def _sheets(file: IO[bytes]) -> Iterator[tuple[str, Iterator[list[str]]]]:
    book = load_workbook(file, read_only=True, data_only=True)
    packed = zipfile.ZipFile(file)
    for sheet in book.worksheets:
        if sheet.sheet_state == "visible":
            yield sheet.title, _filled(sheet, _merged(packed, sheet._worksheet_path))


def _merged(packed: zipfile.ZipFile, path: str) -> list[Merged]:
    """Return the merged ranges of a sheet, from the top, which stand behind its rows."""
    found = set()
    kept = b""
    with packed.open(path) as part:
        while block := part.read(_BLOCK):
            for each in _MERGED.finditer(kept + block):
                found.add(Merged(*range_boundaries(each[1].decode())))
            if len(found) > MOST_MERGED:
                raise ConversionError(Said.BROKEN, f"more than {MOST_MERGED} cells are merged")
            kept = block[-200:]
    return sorted(found, key=lambda each: (each.top, each.left))


def _filled(sheet: Any, merged: Sequence[Merged]) -> Iterator[list[str]]:
    sheet.reset_dimensions()
    waiting, empty = list(reversed(merged)), 0
    active: list[tuple[Merged, str]] = []
    for number, values in enumerate(sheet.iter_rows(values_only=True), start=1):
        row = [_text(value) for value in values]
        empty += not row
        if empty > MOST_EMPTY:
            raise ConversionError(Said.BROKEN, f"it has more than {MOST_EMPTY} empty rows")
        active = [each for each in active if each[0].bottom >= number]
        while waiting and waiting[-1].top <= number:
            found = waiting.pop()
            active.append((found, row[found.left - 1] if found.left <= len(row) else ""))
        for found, value in active:
            _fill(row, found, value)
        yield row


def _fill(row: list[str], merged: Merged, value: str) -> None:
    if not value:
        return
    right = min(merged.right, WIDEST)
    row += [""] * (right - len(row))
    row[merged.left - 1 : right] = [value] * (right - merged.left + 1)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime.datetime):
        whole_day = value.time() == datetime.time()
        return value.date().isoformat() if whole_day else value.isoformat(" ", "seconds")
    return "" if value is None else str(value).strip()
