"""CSV, read as the real server's library reads it, with what that loses (section 4.11)."""

from __future__ import annotations

import csv
import io
import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from . import ExtractionError
from .text_files import cell_text, decode

_UNCLOSED: Final = "unexpected end of data"
_csv_limit = threading.Lock()


def read_csv(content: bytes) -> list[str]:
    """The rows below the header; a file without any bytes is refused."""
    text = decode(content).removeprefix("\ufeff")
    if not text.strip():
        raise ExtractionError("No columns to parse from file")
    # The limit is one of the whole process; two files at once must not lower it again.
    with _csv_limit:
        csv.field_size_limit(max(csv.field_size_limit(), len(text)))
    header, *body = [row for row in _table(text) if len(row) > 1 or "".join(row).strip()]
    return _rows(_names(header), body)


def _table(text: str) -> list[list[str]]:
    """Read all rows. A quote that is never closed is an error; one in the middle of a cell none."""
    rows: list[list[str]] = []
    try:
        rows.extend(csv.reader(io.StringIO(text), strict=True))
    except csv.Error as error:
        if str(error) == _UNCLOSED:
            raise ExtractionError(
                f"Error tokenizing data. C error: EOF inside string starting at row {len(rows)}"
            ) from error
        return list(csv.reader(io.StringIO(text)))
    return rows


def _names(header: Sequence[str]) -> list[str]:
    """The columns' names: each with a name, and each with one of its own."""
    seen: Counter[str] = Counter()
    names = []
    for place, cell in enumerate(header):
        name = cell_text(cell) or f"Unnamed: {place}"
        names.append(f"{name}.{seen[name]}" if seen[name] else name)
        seen[name] += 1
    return names


def _rows(names: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """One text per row that holds anything: `column: value;column: value`.

    Where the first row is longer than the header, the first columns of all rows are taken for
    labels and lost. A row that is longer than that is lost as a whole.
    """
    labels = max(0, len(rows[0]) - len(names)) if rows else 0
    whole = (row[labels:] for row in rows if len(row) <= labels + len(names))
    return [_row(names, row) for row in whole if any(cell.strip() for cell in row)]


def _row(names: Sequence[str], row: Iterable[str]) -> str:
    cells = [cell_text(cell) for cell in row]
    cells += [""] * (len(names) - len(cells))
    return ";".join(f"{name}: {cell}" for name, cell in zip(names, cells, strict=True))
