"""The children of chunks, for the hierarchical form (docs/dify-api.md section 7)."""

from __future__ import annotations

import sqlite3

from .call import Call
from .envelope import Reply, invalid, not_found, reply
from .paging import MOST_ROWS
from .payloads import ChildChunkCreatePayload, ChildChunkListQuery, ChildChunkUpdatePayload
from .segment_shape import child_shape
from .segments import find_segment
from .store import fresh_id, now


def listing(call: Call) -> Reply:
    """GET child_chunks."""
    asked = ChildChunkListQuery.model_validate(dict(call.query))
    limit = min(asked.limit, MOST_ROWS)
    with call.service.store.reading() as db:
        segment = find_segment(db, call)
        rows = db.execute(
            "SELECT * FROM child_chunk WHERE segment = ? AND instr(fold(content), fold(?)) > 0 "
            "ORDER BY position",
            (segment["id"], asked.keyword or ""),
        ).fetchall()
    start = (asked.page - 1) * limit
    return reply(
        {
            "data": [child_shape(row) for row in rows[start : start + limit]],
            "total": len(rows),
            "total_pages": -(-len(rows) // limit),
            "page": asked.page,
            "limit": limit,
        }
    )


def add(call: Call) -> Reply:
    """POST child_chunks."""
    content = call.payload(ChildChunkCreatePayload).content
    child, moment = fresh_id(), now()
    with call.service.store.writing() as db:
        segment = find_segment(db, call)["id"]
        last = db.execute(
            "SELECT coalesce(max(position), 0) FROM child_chunk WHERE segment = ?", (segment,)
        ).fetchone()[0]
        db.execute(
            "INSERT INTO child_chunk (id, segment, position, content, word_count, type,"
            " created_at, updated_at) VALUES (?, ?, ?, ?, ?, 'customized', ?, ?)",
            (child, segment, last + 1, content, len(content), moment, moment),
        )
        return reply({"data": child_shape(_find(db, segment, child))})


def update(call: Call) -> Reply:
    """PATCH child_chunks/{id}."""
    content = call.payload(ChildChunkUpdatePayload).content
    with call.service.store.writing() as db:
        segment = _own_segment(db, call, "Segment not found.")
        row = _find(db, segment, call.path["id"])
        db.execute(
            "UPDATE child_chunk SET content = ?, word_count = ?, type = 'customized',"
            " updated_at = ? WHERE number = ?",
            (content, len(content), now(), row["number"]),
        )
        return reply({"data": child_shape(_find(db, segment, row["id"]))})


def delete(call: Call) -> Reply:
    """DELETE child_chunks/{id}: impossible here, as wherever no embedding model is configured.

    The real server opens its vector index for it even in an economy base (section 7).
    """
    with call.service.store.reading() as db:
        segment = _own_segment(db, call, "Document not found.")
        _find(db, segment, call.path["id"])
    raise invalid("Default model not found for text-embedding")


def _own_segment(db: sqlite3.Connection, call: Call, refusal: str) -> str:
    """The segment of the address, which here has to belong to the document of the address."""
    segment = find_segment(db, call)
    if segment["document"] != call.document:
        raise not_found(refusal)
    return str(segment["id"])


def _find(db: sqlite3.Connection, segment: str, child: str) -> sqlite3.Row:
    row: sqlite3.Row | None = db.execute(
        "SELECT * FROM child_chunk WHERE segment = ? AND id = ?", (segment, child)
    ).fetchone()
    if row is None:
        raise not_found("Child chunk not found.")
    return row
