"""Child chunks in the database: their rows and their search text."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final

from .sqlite_store import fresh_id, now
from .words import spaced

_INSERT: Final = """
INSERT INTO child_chunk (number, id, segment, position, content, word_count, type, created_at,
  updated_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""


def insert(
    db: sqlite3.Connection, children: Sequence[tuple[str, int, str]], *, kind: str
) -> list[int]:
    """Write child chunks and return their numbers.

    Args:
        db: the transaction.
        children: for each the id of its chunk, its position and its text.
        kind: `automatic`, or `customized` for those made by hand.
    """
    # Chosen here, because the row in the full-text index has to have the same number.
    first = db.execute("SELECT coalesce(max(number), 0) + 1 FROM child_chunk").fetchone()[0]
    numbered = list(enumerate(children, first))
    moment = now()
    db.executemany(
        _INSERT,
        [
            (number, fresh_id(), segment, place, text, len(text), kind, moment, moment)
            for number, (segment, place, text) in numbered
        ],
    )
    db.executemany(
        "INSERT INTO child_text (rowid, words) VALUES (?, ?)",
        [(number, spaced(text)) for number, (_, _, text) in numbered],
    )
    return [number for number, _ in numbered]


def insert_by_hand(db: sqlite3.Connection, segment: str, content: str) -> int:
    """Add one child at the end of a chunk and return its number."""
    last = db.execute(
        "SELECT coalesce(max(position), 0) FROM child_chunk WHERE segment = ?", (segment,)
    ).fetchone()[0]
    return insert(db, [(segment, last + 1, content)], kind="customized")[0]


def set_content(db: sqlite3.Connection, number: int, content: str) -> None:
    """Replace the text of a child chunk, and its search text."""
    db.execute(
        "UPDATE child_chunk SET content = ?, word_count = ?, type = 'customized', updated_at = ?"
        " WHERE number = ?",
        (content, len(content), now(), number),
    )
    db.execute("UPDATE child_text SET words = ? WHERE rowid = ?", (spaced(content), number))


def delete(db: sqlite3.Connection, number: int) -> None:
    """Delete one child chunk and its search text; its vector is not touched."""
    db.execute("DELETE FROM child_text WHERE rowid = ?", (number,))
    db.execute("DELETE FROM child_chunk WHERE number = ?", (number,))
