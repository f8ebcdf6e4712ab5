"""Chunks in the database: their rows, and with them search text, child chunks and vectors.

The text stands in a full-text index of SQLite (FTS5), split into words by `words`.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Sequence
from itertools import count
from typing import Final

from . import child_rows, vector_rows
from .embedding import StoredVector, count_tokens
from .process_rules import TextChunk
from .sqlite_store import fresh_id, now
from .words import keywords, spaced

_INSERT: Final = """
INSERT INTO segment (number, id, knowledge_base, document, position, content, word_count, tokens,
  keywords, node_id, node_hash, enabled, status, created_at, updated_at, indexing_at, completed_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_OF_SEGMENTS: Final = {
    "segment_text": "rowid IN (SELECT number FROM segment WHERE {})",
    "vector": "segment IN (SELECT number FROM segment WHERE {})",
    "child_text": "rowid IN (SELECT number FROM child_chunk WHERE segment IN "
    "(SELECT id FROM segment WHERE {}))",
    "child_chunk": "segment IN (SELECT id FROM segment WHERE {})",
    "segment": "{}",
}
Vectors = Sequence[StoredVector | None]


def insert(
    db: sqlite3.Connection,
    base: str,
    document: str,
    chunks: Sequence[TextChunk],
    *,
    status: str,
    vectors: Sequence[Vectors] | None = None,
) -> list[str]:
    """Write chunks at the end of a document, and return their ids.

    Args:
        db: the transaction.
        base: the id of the knowledge base.
        document: the id of the document.
        chunks: the texts.
        status: only completed chunks can be searched.
        vectors: of a high-quality base, for each chunk those of `vector_rows.of_chunk`; a base
            without them has keywords.
    """
    high_quality = vectors is not None
    # Chosen here, because the row in the full-text index has to have the same number.
    first = db.execute("SELECT coalesce(max(number), 0) + 1 FROM segment").fetchone()[0]
    position = db.execute(
        "SELECT coalesce(max(position), 0) + 1 FROM segment WHERE document = ?", (document,)
    ).fetchone()[0]
    ids = [fresh_id() for _ in chunks]
    placed = zip(count(first), ids, count(position), chunks, strict=False)
    rows = [
        (number, segment, base, document, place, *_columns(chunk.content, status, high_quality))
        for number, segment, place, chunk in placed
    ]
    db.executemany(_INSERT, rows)
    db.executemany(
        "INSERT INTO segment_text (rowid, words, keywords) VALUES (?, ?, '')",
        [(row[0], spaced(chunk.content)) for row, chunk in zip(rows, chunks, strict=True)],
    )
    children = _insert_children(db, ids, chunks)
    if vectors is not None:
        numbered = enumerate(zip(children, vectors, strict=True), first)
        vector_rows.insert(
            db,
            [
                (segment, child, vector)
                for segment, (numbers, made) in numbered
                for child, vector in zip(numbers or [vector_rows.NO_CHILD], made, strict=False)
            ],
        )
    return ids


def _columns(content: str, status: str, high_quality: bool) -> tuple[object, ...]:
    """What a new row has after its place in the document."""
    moment = now()
    complete = status == "completed"
    words = keywords(content) if complete and not high_quality else None
    return (
        content,
        len(content),
        count_tokens(content) if high_quality else 0,
        json.dumps(words),
        fresh_id(),
        node_hash(content),
        complete,
        status,
        moment,
        moment,
        None if status == "waiting" else moment,
        moment if complete else None,
    )


def _insert_children(
    db: sqlite3.Connection, segments: Sequence[str], chunks: Sequence[TextChunk]
) -> list[list[int]]:
    """Write the child chunks of new chunks, and return their numbers chunk by chunk."""
    children = [
        (segment, place, text)
        for segment, chunk in zip(segments, chunks, strict=True)
        for place, text in enumerate(chunk.children, 1)
    ]
    numbers = iter(child_rows.insert(db, children, kind="automatic"))
    return [[next(numbers) for _ in chunk.children] for chunk in chunks]


def set_keywords(db: sqlite3.Connection, number: int, given: list[str]) -> None:
    """Store given keywords; the chunk is found by them, too."""
    db.execute("UPDATE segment SET keywords = ? WHERE number = ?", (json.dumps(given), number))
    db.execute(
        "UPDATE segment_text SET keywords = ? WHERE rowid = ?", (spaced(" ".join(given)), number)
    )


def set_content(db: sqlite3.Connection, number: int, content: str, *, high_quality: bool) -> None:
    """Replace the text of a chunk, its search text, and its keywords or tokens."""
    # The index holds the new text at once, so that a search right after the call finds it.
    words = None if high_quality else keywords(content)
    tokens = count_tokens(content) if high_quality else 0
    db.execute(
        "UPDATE segment SET content = ?, word_count = ?, tokens = ?, keywords = ?, node_hash = ? "
        "WHERE number = ?",
        (content, len(content), tokens, json.dumps(words), node_hash(content), number),
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
    """Delete one chunk, its search text, its children and its vectors."""
    _delete_where(db, "id = ?", segment)


def _delete_where(db: sqlite3.Connection, condition: str, value: str) -> None:
    # In this order: the other tables are found through the segments.
    for table, through in _OF_SEGMENTS.items():
        db.execute(
            f"DELETE FROM {table} WHERE {through.format(condition)}",  # noqa: S608 - our own words
            (value,),
        )


def node_hash(content: str) -> str:
    """The hash a real server keeps of a chunk: sha256 of its text and the word None."""
    return hashlib.sha256(f"{content}None".encode()).hexdigest()
