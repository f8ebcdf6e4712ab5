"""CSV, read as the real server's library reads it, with what that loses (section 4.11)."""

from __future__ import annotations

import csv
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Final

from . import ExtractionError
from .text_files import cell_text, decode

_UNCLOSED: Final = "unexpected end of data"
_csv_limit = threading.Lock()


def read_csv(content: bytes) -> Iterator[str]:
    """The rows below the header; a file without any bytes is refused."""
    text = decode(content).removeprefix("\ufeff")
    if not text.strip():
        raise ExtractionError("No columns to parse from file")
    # The limit is one of the whole process; two files at once must not lower it again.
    with _csv_limit:
        csv.field_size_limit(max(csv.field_size_limit(), len(text)))
    strict = _is_strict(text)
    rows = (row for row in _table(text, strict) if len(row) > 1 or "".join(row).strip())
    yield from _rows(_names(next(rows)), rows)


def _is_strict(text: str) -> bool:
    """Whether no quote stands in the middle of a cell; one that is never closed is an error."""
    rows = 0
    try:
        for _ in _table(text, strict=True):
            rows += 1
    except csv.Error as error:
        if str(error) == _UNCLOSED:
            raise ExtractionError(
                f"Error tokenizing data. C error: EOF inside string starting at row {rows}"
            ) from error
        return False
    return True


def _table(text: str, strict: bool) -> Iterator[list[str]]:
    return csv.reader(_lines(text), strict=strict)


def _lines(text: str) -> Iterator[str]:
    start = 0
    while start < len(text):
        end = text.find("\n", start) + 1 or len(text)
        yield text[start:end]
        start = end


def _names(header: Sequence[str]) -> list[str]:
    """The columns' names: each with a name, and each with one of its own."""
    seen: Counter[str] = Counter()
    names = []
    for place, cell in enumerate(header):
        name = cell_text(cell) or f"Unnamed: {place}"
        names.append(f"{name}.{seen[name]}" if seen[name] else name)
        seen[name] += 1
    return names


def _rows(names: Sequence[str], rows: Iterator[list[str]]) -> Iterator[str]:
    """One text per row that holds anything: `column: value;column: value`.

    Where the first row is longer than the header, the first columns of all rows are taken for
    labels and lost. A row that is longer than that is lost as a whole.
    """
    first = next(rows, None)
    if first is None:
        return
    labels = max(0, len(first) - len(names))
    for row in chain([first], rows):
        whole = len(row) <= labels + len(names)
        if whole and any(cell.strip() for cell in row[labels:]):
            yield _row(names, row[labels:])


def _row(names: Sequence[str], row: Iterable[str]) -> str:
    cells = [cell_text(cell) for cell in row]
    cells += [""] * (len(names) - len(cells))
    return ";".join(f"{name}: {cell}" for name, cell in zip(names, cells, strict=True))
