"""CSV with other delimiters than the comma, written anew with commas.

Servers read commas only: a file with semicolons becomes one column there, and each row that has
a comma of its own is left out without a word (docs/dify-api.md section 4.11).
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

OTHERS = ";\t|"
SAMPLE, ROWS_AT_ONCE = 1 << 16, 1000

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
    text = lines(pieces)
    if delimiter.declared:
        next(text, None)
    rows = csv.reader(text, delimiter=delimiter.character)
    while some := list(islice(rows, ROWS_AT_ONCE)):
        written = io.StringIO()
        csv.writer(written, lineterminator="\n").writerows(some)
        yield written.getvalue()


def lines(pieces: Iterable[str]) -> Iterator[str]:
    """Yield the lines of a text with their ends, whichever these are."""
    rest = ""
    for piece in pieces:
        found = _LINE.findall(rest + piece)
        # The last one may go on in the next piece, or end with a line feed there.
        rest = found.pop() if found else ""
        yield from found
    if rest:
        yield rest
