"""Rows of a table, each a chunk of its own: `column: value` lines.

A row must come out of the server as it was sent: cut at the separator alone, and with no
punctuation at its beginning, which servers drop (docs/dify-api.md section 16).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice

from kbsync.model.document_rule import CHUNK_SEPARATOR

SEPARATOR = CHUNK_SEPARATOR
"""Behind each row. No line of a row is that: later lines of a value are indented."""
SHORTEST = 50
"""Characters: no server takes a smaller bound."""
HEADER_CANDIDATES = 10

_WORD = "Column"


def texts(table: Iterable[Sequence[str]], sheet: str, longest: int) -> Iterator[str]:
    """Yield the rows of a table as text, each with its separator behind it.

    Args:
        table: the rows, of which one is the header: the first of the first ten that fills two
            columns, else the fullest. Those above it are kept as they are, and so is the header
            where nothing but these is there.
        sheet: its name, which is in each row; empty for none.
        longest: characters of a chunk at most; a longer row becomes several.
    """
    rows = iter(table)
    first = list(islice(rows, HEADER_CANDIDATES + 1))
    place = _header(first[:HEADER_CANDIDATES])
    if place is None:
        return
    names = [" ".join(each.split()) for each in first[place]]
    head = f"Sheet: {' '.join(sheet.split())}\n" if sheet else ""
    alone = place > 0 and len(first) == place + 1
    for whole in first[: place + alone]:
        yield from chunked(head, [line_of("", cell) for cell in whole if cell], longest)
    for row in chain(first[place + 1 :], rows):
        yield from chunked(head, _cells(names, row), longest)


def _header(rows: Sequence[Sequence[str]]) -> int | None:
    filled = [sum(1 for cell in row if cell) for row in rows]
    if not any(filled):
        return None
    return next((at for at, count in enumerate(filled) if count > 1), filled.index(max(filled)))


def _cells(names: Sequence[str], row: Sequence[str]) -> list[str]:
    """Return the cells of a row that are not empty, those beyond the header too."""
    found = []
    for place, cell in enumerate(row):
        if cell:
            name = names[place] if place < len(names) else ""
            found.append(line_of(name or f"{_WORD} {place + 1}", cell))
    return found


def line_of(name: str, cell: str) -> str:
    """Return a cell with the name of its column; its later lines are indented."""
    value = "\n  ".join(line.strip() for line in cell.strip().splitlines())
    if name:
        return f"{name}: {value}"
    return f"  {value}" if value.startswith("=") else value


def chunked(head: str, cells: Sequence[str], longest: int) -> Iterator[str]:
    """Yield a row, in several chunks where it is too long for one.

    Args:
        head: what each of its chunks begins with.
        cells: as `line_of` returns.
        longest: characters of a chunk at most.
    """
    head = head[: longest // 2]
    room = max(SHORTEST // 2, longest - len(head) - len(_WORD) - 1)
    chunk = ""
    for piece in (piece for cell in cells for piece in _cut(cell, room)):
        if chunk and len(chunk) + 1 + len(piece) > room:
            yield _chunk(head, chunk)
            chunk = ""
        chunk = f"{chunk}\n{piece}" if chunk else piece
    if chunk:
        yield _chunk(head, chunk)


def _chunk(head: str, text: str) -> str:
    begun = head + text
    return (begun if begun[0].isalnum() else f"{_WORD} {begun}") + SEPARATOR


def _cut(text: str, longest: int) -> Iterator[str]:
    """Yield a text in pieces of at most `longest` characters, cut at blanks as far as there are."""
    while len(text) > longest:
        at = max(text.rfind(" ", 1, longest), text.rfind("\n", 1, longest))
        at = at if at > 0 else longest
        yield text[:at].strip()
        text = "  " + text[at:].strip()
    if text.strip():
        yield text
