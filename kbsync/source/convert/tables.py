"""A table as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence


def table(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table, of which the first row is the header."""
    for number, row in enumerate(rows):
        yield "| " + " | ".join(map(_cell, row)) + " |\n"
        if number == 0:
            yield "|" + " --- |" * len(row) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
