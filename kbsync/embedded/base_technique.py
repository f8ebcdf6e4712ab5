"""A knowledge base changes its technique: its documents are indexed anew (section 3).

What is completed keeps its chunks, and the indexer embeds them or not. What is being indexed
starts again, because half of it is of the old technique.
"""

from __future__ import annotations

import json
import sqlite3
from typing import Final

from . import vector_rows
from .indexer import IndexTask, QueuedTask
from .words import keywords

_UNFINISHED: Final = "status NOT IN ('completed', 'error') AND wedged = 0"


def to_high_quality(
    db: sqlite3.Connection, base: str, provider: str, model: str
) -> list[QueuedTask]:
    """Give a base its embedding model, and return what the indexer has to do."""
    db.execute(
        "UPDATE knowledge_base SET technique = 'high_quality', embedding_provider = ?,"
        " embedding_model = ? WHERE id = ?",
        (provider, model, base),
    )
    unfinished = _start_again(db, base)
    # While they are embedded they can be searched for words, but take no new chunk.
    db.execute(
        "UPDATE document SET status = 'indexing', embeds = generation"
        " WHERE knowledge_base = ? AND status = 'completed'",
        (base,),
    )
    completed = _tasks(db, base, "embeds = generation AND status = 'indexing'", IndexTask.EMBED)
    return completed + unfinished


def to_economy(db: sqlite3.Connection, base: str) -> list[QueuedTask]:
    """Take a base its vectors, and return what the indexer has to do."""
    db.execute(
        "UPDATE knowledge_base SET technique = 'economy', embedding_provider = NULL,"
        " embedding_model = NULL WHERE id = ?",
        (base,),
    )
    vector_rows.delete_of_base(db, base)
    found = db.execute(
        "SELECT number, content FROM segment WHERE knowledge_base = ? AND status = 'completed'",
        (base,),
    ).fetchall()
    db.executemany(
        "UPDATE segment SET keywords = ?, tokens = 0, lost = 0 WHERE number = ?",
        [(json.dumps(keywords(row["content"])), row["number"]) for row in found],
    )
    return _start_again(db, base)


def _start_again(db: sqlite3.Connection, base: str) -> list[QueuedTask]:
    """Let documents that are not completed be indexed from their start, by the new technique."""
    # Another generation ends the run that is on its way.
    db.execute(
        "UPDATE document SET generation = generation + 1, status = 'waiting' "  # noqa: S608 - ours
        f"WHERE knowledge_base = ? AND {_UNFINISHED}",
        (base,),
    )
    return _tasks(db, base, _UNFINISHED, IndexTask.INDEX)


def _tasks(db: sqlite3.Connection, base: str, condition: str, task: IndexTask) -> list[QueuedTask]:
    found = db.execute(
        "SELECT id, generation FROM document "  # noqa: S608 - all words are our own
        f"WHERE knowledge_base = ? AND {condition} ORDER BY number",
        (base,),
    )
    return [(row["id"], row["generation"], task) for row in found]
