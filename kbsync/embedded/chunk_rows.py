"""Chunks in the database: their rows, their search text, and the queries that find them.

The text stands in a full-text index of SQLite (FTS5), split into words here.
"""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
import unicodedata
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from .process_rules import TextChunk
from .sqlite_store import fresh_id, now

_INSERT: Final = """
INSERT INTO segment (number, id, knowledge_base, document, position, content, word_count, keywords,
  node_id, node_hash, enabled, status, created_at, updated_at, indexing_at, completed_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_INSERT_CHILD: Final = """
INSERT INTO child_chunk (id, segment, position, content, word_count, type, created_at, updated_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
# Scripts written without spaces (Thai to Khmer, kana, bopomofo, Han, Hangul): each character is
# indexed as a word of its own, and a query looks for pairs of neighbours.
_UNSPACED: Final = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3100-\u312f\u3400-\u4dbf"
    "\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003134f"
)
_UNSPACED_CHARACTER: Final = re.compile(f"([{_UNSPACED}])")
_TERM: Final = re.compile(f"[{_UNSPACED}]+|[^\\W_{_UNSPACED}]+")
MAX_KEYWORDS: Final = 10

_COMMON_TEXT: Final = """
    a about above after again all also am an and any are as at be because been before being below
    between both but by can could did do does doing down during each few for from further get had
    has have having he her here hers him his how i if in into is it its just me more most my no nor
    not now of off on once only or other our ours out over own same she should so some such than
    that the their theirs them then there these they this those through to too under until up very
    was we were what when where which while who whom why will with would you your yours
"""
_COMMON: Final = frozenset(_COMMON_TEXT.split())


def insert(
    db: sqlite3.Connection,
    base: str,
    document: str,
    chunks: Sequence[TextChunk],
    *,
    status: str,
) -> None:
    """Write chunks at the end of a document; only completed ones can be searched."""
    # Chosen here, because the row in the full-text index has to have the same number.
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
    insert(db, document["knowledge_base"], document["id"], [TextChunk(content)], status="completed")
    row = db.execute("SELECT id, number FROM segment ORDER BY number DESC LIMIT 1").fetchone()
    if given:
        set_keywords(db, row["number"], given)
    return str(row["id"])


def set_keywords(db: sqlite3.Connection, number: int, given: list[str]) -> None:
    """Store given keywords; the chunk is found by them, too."""
    db.execute("UPDATE segment SET keywords = ? WHERE number = ?", (json.dumps(given), number))
    db.execute(
        "UPDATE segment_text SET keywords = ? WHERE rowid = ?", (spaced(" ".join(given)), number)
    )


def set_content(db: sqlite3.Connection, number: int, content: str) -> None:
    """Replace the text of a chunk, its search text and its keywords."""
    # The index holds the new text at once, so that a search right after the call finds it.
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
    # The segments last: the other two tables are found through them.
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
    """The hash a real server keeps of a chunk: sha256 of its text and the word None."""
    return hashlib.sha256(f"{content}None".encode()).hexdigest()


def spaced(text: str) -> str:
    """The text with a space around every character of a script that has no spaces."""
    plain = unicodedata.normalize("NFC", text)
    return plain if plain.isascii() else _UNSPACED_CHARACTER.sub(r" \1 ", plain)


def keywords(text: str) -> list[str]:
    """Up to ten significant words of a chunk, the most frequent first."""
    counted = Counter(
        term for term in _TERM.findall(text) if len(term) > 1 and term.lower() not in _COMMON
    )
    return [term for term, _ in counted.most_common(MAX_KEYWORDS)]


def match_expression(query: str) -> str | None:
    """The query for FTS5: any of its words may match. None when it has no words.

    Words such as "the" only count when the query has no others. Neighbouring words count once more
    as a phrase, which ranks the chunk with the whole sentence above chunks with a single word.
    """
    # Quoted words cannot be FTS5 syntax, whatever the caller wrote.
    words = _TERM.findall(unicodedata.normalize("NFC", query))
    terms = dict.fromkeys(words)
    significant = [term for term in terms if term.lower() not in _COMMON] or list(terms)
    phrases = [phrase for term in significant for phrase in _phrases(term)]
    phrases += [f"{first} {second}" for first, second in pairwise(words) if _both(first, second)]
    return " OR ".join(f'"{phrase}"' for phrase in dict.fromkeys(phrases)) or None


def _both(first: str, second: str) -> bool:
    """Whether two neighbours are words with a space between them."""
    unspaced = _UNSPACED_CHARACTER.match(first) or _UNSPACED_CHARACTER.match(second)
    return not unspaced


def _phrases(term: str) -> list[str]:
    """A word as it is; a run of unspaced script as its pairs of neighbours."""
    if not _UNSPACED_CHARACTER.match(term):
        return [term]
    if len(term) == 1:
        return [term]
    return [f"{first} {second}" for first, second in pairwise(term)]
