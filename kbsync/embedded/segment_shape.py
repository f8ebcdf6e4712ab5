"""A chunk as JSON; the wire calls it a segment (docs/dify-api.md section 7)."""

from __future__ import annotations

import json
import sqlite3


def shape(db: sqlite3.Connection, row: sqlite3.Row, owner: str) -> dict[str, object]:
    """The object of every segment reply."""
    children = db.execute(
        "SELECT * FROM child_chunk WHERE segment = ? ORDER BY position", (row["id"],)
    ).fetchall()
    whole = search_shape(row, owner)
    after = ("indexing_at", "completed_at", "error", "stopped_at")
    head = {name: value for name, value in whole.items() if name not in after}
    return (
        head
        | {"updated_at": row["updated_at"], "updated_by": row["updated_by"]}
        | {name: whole[name] for name in after}
        | {"child_chunks": [child_shape(child) for child in children]}
        | {"attachments": [], "summary": None}
    )


def search_shape(row: sqlite3.Row, owner: str) -> dict[str, object]:
    """The object inside a search record, which lacks some fields."""
    return {
        "id": row["id"],
        "position": row["position"],
        "document_id": row["document"],
        "content": row["content"],
        "sign_content": row["content"],
        "answer": row["answer"],
        "word_count": row["word_count"],
        "tokens": row["tokens"],
        "keywords": json.loads(row["keywords"]),
        "index_node_id": row["node_id"],
        "index_node_hash": row["node_hash"],
        "hit_count": 0,
        "enabled": bool(row["enabled"]),
        "disabled_at": row["disabled_at"],
        "disabled_by": owner if row["disabled_at"] else None,
        "status": row["status"],
        "created_by": owner,
        "created_at": row["created_at"],
        "indexing_at": row["indexing_at"],
        "completed_at": row["completed_at"],
        "error": None,
        "stopped_at": None,
    }


def child_shape(row: sqlite3.Row) -> dict[str, object]:
    """The object of every child chunk reply."""
    return {
        "id": row["id"],
        "segment_id": row["segment"],
        "content": row["content"],
        "position": row["position"],
        "word_count": row["word_count"],
        "type": row["type"],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
    }
