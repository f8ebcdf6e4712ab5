"""CSV with other delimiters than the comma, written anew with commas.

Servers read commas only: a file with semicolons becomes one column there, and each row that has
a comma of its own is left out without a word (docs/dify-api.md section 4.11).
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

OTHERS = ";\t|"
SAMPLE, WRITTEN_AT_ONCE = 1 << 16, 1 << 16
LONGEST_ROW = 1 << 20
"""Characters of a row, which becomes a list of its cells: a longer one is no table."""

_SEP_LINE = re.compile(r'"?sep=(?P<delimiter>[^\r\n])"?[ \t]*(?:\r\n|\n|\r)', re.IGNORECASE)
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+")
# A comma of a number or of a sentence.
_WITHIN = re.compile(r"\d,\d|, ")
_ROWS_ALIKE = 0.8


class Delimiter(NamedTuple):
    """How a CSV file is written.

    Args:
        character: what stands between two cells.
        declared: whether its first line says so, which is no row.
    """

    character: str
    declared: bool = False


def delimiter_of(beginning: str, *, whole: bool) -> Delimiter | None:
    """Return how a CSV file is written; None for commas, and where it is unclear.

    Args:
        beginning: its first characters.
        whole: whether there are no others.
    """
    if declared := _SEP_LINE.match(beginning):
        return Delimiter(declared["delimiter"], declared=True)
    if not any(each in beginning for each in OTHERS):
        return None
    with_commas = _columns(beginning, ",", whole=whole)
    if with_commas > 1 and _WITHIN.sub("", beginning).count(","):
        return None
    columns = {each: _columns(beginning, each, whole=whole) for each in OTHERS}
    best = max(OTHERS, key=lambda each: columns[each])
    if columns[best] < 2 or list(columns.values()).count(columns[best]) > 1:
        return None
    return Delimiter(best)


def _columns(beginning: str, delimiter: str, *, whole: bool) -> int:
    """Return the columns of a table that `delimiter` makes; 0 if it makes none."""
    try:
        rows = [row for row in csv.reader(lines([beginning]), delimiter=delimiter) if row]
    except csv.Error:
        return 0
    if not whole:
        rows = rows[:-1]
    if len(rows) < 2:
        return 0
    columns = len(rows[0])
    alike = sum(len(row) == columns for row in rows)
    longer = any(len(row) > columns for row in rows)
    return 0 if longer or alike < _ROWS_ALIKE * len(rows) else columns


def with_commas(pieces: Iterable[str], delimiter: Delimiter) -> Iterator[str]:
    """Yield the rows of a CSV file with commas.

    Args:
        pieces: its text.
        delimiter: how it is written.

    Raises:
        csv.Error: it is no CSV further down.
    """
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    for cells in rows_of(pieces, delimiter):
        writer.writerow(cells)
        if written.tell() >= WRITTEN_AT_ONCE:
            yield written.getvalue()
            written.seek(0)
            written.truncate()
    yield written.getvalue()


def rows_of(pieces: Iterable[str], delimiter: Delimiter) -> Iterator[list[str]]:
    """Yield the cells of each row of a CSV file.

    Args:
        pieces: its text.
        delimiter: how it is written.

    Raises:
        csv.Error: it is no CSV further down.
    """
    text = lines(pieces)
    if delimiter.declared:
        next(text, None)
    row = _Row(text)
    for cells in csv.reader(row, delimiter=delimiter.character):
        row.size = 0
        yield cells


def loses_rows(lines: Iterable[str]) -> bool:
    """Whether a server would lose text of these lines of a CSV file with commas.

    Of rows that are longer than the first one it leaves out the whole, or the first cells of all
    (docs/dify-api.md section 4.11).
    """
    rows = (row for row in csv.reader(_Row(iter(lines))) if row)
    try:
        columns = len(next(rows, ()))
        return any(len(row) > columns and any(map(str.strip, row)) for row in rows)
    except csv.Error:
        return False  # that is an error of the whole file there


class _Row:
    """The lines of a table, with the size of the row that is read.

    Args:
        lines: they.

    Attributes:
        size: how many characters it has so far.
    """

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self.size = 0

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self.size += len(line)
            if self.size > LONGEST_ROW:
                raise csv.Error("a row of that length is no row")
            yield line


def lines(pieces: Iterable[str]) -> Iterator[str]:
    """Yield the lines of a text with their ends, whichever these are.

    One that is longer than any row comes in pieces, so that it is never there whole.
    """
    rest = ""
    for piece in pieces:
        text, rest = rest + piece, ""
        for found in _LINE.finditer(text):
            if rest:
                yield rest
            # The last one may go on in the next piece, or end with a line feed there.
            rest = found[0]
        if len(rest) > LONGEST_ROW:
            yield rest
            rest = ""
    if rest:
        yield rest
