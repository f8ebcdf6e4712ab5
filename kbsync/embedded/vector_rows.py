"""Vectors in the database: one of each chunk, or in the hierarchical form of each child chunk."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Final

from .embedding import StoredVector, embed
from .process_rules import TextChunk

# The vector of a chunk itself has this in place of the number of a child chunk.
NO_CHILD: Final = 0


def of_chunk(chunk: TextChunk, *, hierarchical: bool) -> list[StoredVector | None]:
    """The vectors of a chunk that is not written yet: one of its own, or one of each child."""
    return [embed(text) for text in (chunk.children if hierarchical else [chunk.content])]


def insert(db: sqlite3.Connection, rows: Iterable[tuple[int, int, StoredVector | None]]) -> None:
    """Write vectors, each after the numbers of its chunk and its child chunk."""
    db.executemany(
        "INSERT OR REPLACE INTO vector (segment, child, places, length) VALUES (?, ?, ?, ?)",
        [(*numbers, made.places, made.length) for *numbers, made in rows if made is not None],
    )


def replace(db: sqlite3.Connection, segment: int, child: int, text: str) -> None:
    """Write the vector of a new text in place of the old one; none when it has no words."""
    delete(db, segment, child)
    insert(db, [(segment, child, embed(text))])


def delete(db: sqlite3.Connection, segment: int, child: int) -> None:
    """Delete the vector of one chunk or child chunk."""
    db.execute("DELETE FROM vector WHERE segment = ? AND child = ?", (segment, child))


def embed_segments(
    db: sqlite3.Connection, segments: Sequence[sqlite3.Row], *, hierarchical: bool
) -> None:
    """Write the vectors of chunks that stand in the database already."""
    rows: list[tuple[int, int, StoredVector | None]] = []
    for segment in segments:
        if not hierarchical:
            rows.append((segment["number"], NO_CHILD, embed(segment["content"])))
            continue
        children = db.execute(
            "SELECT number, content FROM child_chunk WHERE segment = ?", (segment["id"],)
        )
        rows += [(segment["number"], each["number"], embed(each["content"])) for each in children]
    insert(db, rows)


def delete_of_base(db: sqlite3.Connection, base: str) -> None:
    """Delete every vector of a knowledge base."""
    db.execute(
        "DELETE FROM vector WHERE segment IN (SELECT number FROM segment WHERE knowledge_base = ?)",
        (base,),
    )
