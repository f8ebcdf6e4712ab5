"""The rows of chunks: written with their search text, deleted with everything below them."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Sequence
from typing import Final

from .process_rules import Chunk
from .store import fresh_id, now
from .words import keywords, spaced

_INSERT: Final = """
INSERT INTO segment (number, id, knowledge_base, document, position, content, word_count, keywords,
  node_id, node_hash, enabled, status, created_at, updated_at, indexing_at, completed_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_INSERT_CHILD: Final = """
INSERT INTO child_chunk (id, segment, position, content, word_count, type, created_at, updated_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""


def insert(
    db: sqlite3.Connection,
    base: str,
    document: str,
    chunks: Sequence[Chunk],
    *,
    status: str,
) -> None:
    """Write chunks at the end of a document; only completed ones can be searched."""
    first = db.execute("SELECT coalesce(max(number), 0) + 1 FROM segment").fetchone()[0]
    position = db.execute(
        "SELECT coalesce(max(position), 0) + 1 FROM segment WHERE document = ?", (document,)
    ).fetchone()[0]
    moment = now()
    complete = status == "completed"
    rows, texts, children = [], [], []
    for offset, chunk in enumerate(chunks):
        segment = fresh_id()
        words = keywords(chunk.content) if complete else None
        rows.append(
            (
                first + offset,
                segment,
                base,
                document,
                position + offset,
                chunk.content,
                len(chunk.content),
                json.dumps(words),
                fresh_id(),
                node_hash(chunk.content),
                complete,
                status,
                moment,
                moment,
                None if status == "waiting" else moment,
                moment if complete else None,
            )
        )
        texts.append((first + offset, spaced(chunk.content)))
        children += [
            (fresh_id(), segment, place, text, len(text), "automatic", moment, moment)
            for place, text in enumerate(chunk.children, 1)
        ]
    db.executemany(_INSERT, rows)
    db.executemany("INSERT INTO segment_text (rowid, words, keywords) VALUES (?, ?, '')", texts)
    db.executemany(_INSERT_CHILD, children)


def insert_by_hand(
    db: sqlite3.Connection, document: sqlite3.Row, content: str, given: list[str] | None
) -> str:
    """Add one chunk at the end of a document and return its id (section 7)."""
    insert(db, document["knowledge_base"], document["id"], [Chunk(content)], status="completed")
    row = db.execute("SELECT id, number FROM segment ORDER BY number DESC LIMIT 1").fetchone()
    if given:
        set_keywords(db, row["number"], given)
    return str(row["id"])


def set_keywords(db: sqlite3.Connection, number: int, given: list[str]) -> None:
    """Store keywords chosen by a person: they find the chunk even when its text does not."""
    db.execute("UPDATE segment SET keywords = ? WHERE number = ?", (json.dumps(given), number))
    db.execute(
        "UPDATE segment_text SET keywords = ? WHERE rowid = ?", (spaced(" ".join(given)), number)
    )


def set_content(db: sqlite3.Connection, number: int, content: str) -> None:
    """Replace the text of a chunk, its search text and its keywords."""
    db.execute(
        "UPDATE segment SET content = ?, word_count = ?, keywords = ?, node_hash = ? "
        "WHERE number = ?",
        (content, len(content), json.dumps(keywords(content)), node_hash(content), number),
    )
    db.execute(
        "UPDATE segment_text SET words = ?, keywords = '' WHERE rowid = ?",
        (spaced(content), number),
    )


def delete_of_document(db: sqlite3.Connection, document: str) -> None:
    """Delete every chunk of a document."""
    _delete_where(db, "document = ?", document)


def delete_of_base(db: sqlite3.Connection, base: str) -> None:
    """Delete every chunk of a knowledge base."""
    _delete_where(db, "knowledge_base = ?", base)


def delete(db: sqlite3.Connection, segment: str) -> None:
    """Delete one chunk, its search text and its children."""
    _delete_where(db, "id = ?", segment)


def _delete_where(db: sqlite3.Connection, condition: str, value: str) -> None:
    for table, column, key in (
        ("segment_text", "rowid", "number"),
        ("child_chunk", "segment", "id"),
        ("segment", "number", "number"),
    ):
        db.execute(
            f"DELETE FROM {table} WHERE {column} IN "  # noqa: S608 - all words are our own
            f"(SELECT {key} FROM segment WHERE {condition})",
            (value,),
        )


def node_hash(content: str) -> str:
    """The hash the real server keeps of a chunk: sha256 of its text and the word None."""
    return hashlib.sha256(f"{content}None".encode()).hexdigest()
