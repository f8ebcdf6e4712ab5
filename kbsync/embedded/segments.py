"""Chunks, which the API calls segments, and their children (docs/dify-api.md section 7)."""

from __future__ import annotations

import json
import sqlite3

from starlette.responses import Response

from . import chunk_rows, documents
from .endpoint_call import MAX_ROWS, EndpointCall, require_object
from .knowledge_bases import doc_form
from .replies import JsonReply, emptied, invalid, not_found
from .request_models import (
    ChildChunkCreatePayload,
    ChildChunkListQuery,
    ChildChunkUpdatePayload,
    SegmentUpdateArgs,
    SegmentUpdatePayload,
)
from .sqlite_store import fresh_id, now


def listing(call: EndpointCall) -> JsonReply:
    """GET segments; a page that is no number counts as absent."""
    page = call.lenient_page()
    conditions, values = ["document = ?"], [call.document]
    if statuses := call.query.getlist("status"):
        conditions.append(f"status IN ({', '.join('?' * len(statuses))})")
        values += statuses
    if keyword := call.query.get("keyword"):
        conditions.append("instr(fold(content), fold(?)) > 0")
        values.append(keyword)
    where = f"FROM segment WHERE {' AND '.join(conditions)}"
    with call.server.store.reading() as db:
        _document(db, call)
        total = db.execute(f"SELECT count(*) {where}", values).fetchone()[0]
        paged = page.sql if call.profile.chunk_pages else ""
        ordered = f"SELECT * {where} ORDER BY position, number {paged}"
        rows = db.execute(ordered, values).fetchall()
        found = [_segment_object(db, row, call.server.store.owner) for row in rows]
        form = doc_form(db, call.base)
    wrapped = page.wrap(found, total)
    order = ("total", "has_more", "limit", "page") if call.profile.chunk_pages else ("total",)
    return JsonReply({"data": found, "doc_form": form} | {name: wrapped[name] for name in order})


def add(call: EndpointCall) -> JsonReply:
    """POST segments: visible to search at once."""
    content = require_object(call.json())
    with call.server.store.writing() as db:
        document = _document(db, call)
        if document["status"] != "completed":
            raise not_found("Document is not completed.")
        if not document["enabled"]:
            raise not_found("Document is disabled.")
        wanted = content.get("segments")
        if not isinstance(wanted, list):
            # The one error that is no envelope (section 1.2).
            return JsonReply({"error": "Segments is required"}, 400)
        checked = [_checked(require_object(entry)) for entry in wanted]
        ids = [chunk_rows.insert_by_hand(db, document, *entry) for entry in checked]
        _count_words(db, document["id"])
        owner = call.server.store.owner
        added = [_segment_object(db, _find(db, segment), owner) for segment in ids]
        return JsonReply({"data": added, "doc_form": document["doc_form"]})


def get(call: EndpointCall) -> JsonReply:
    """GET one segment."""
    # As on the real server, the segment need not belong to the document of the address.
    with call.server.store.reading() as db:
        document = _document(db, call)
        row = _find(db, call.path["seg"])
        found = _segment_object(db, row, call.server.store.owner)
    return JsonReply({"data": found, "doc_form": document["doc_form"]})


def update(call: EndpointCall) -> JsonReply:
    """POST one segment."""
    wanted = call.payload(SegmentUpdatePayload).segment
    owner = call.server.store.owner
    with call.server.store.writing() as db:
        document = _document(db, call)
        row = _find(db, call.path["seg"])
        if wanted.content is None or not wanted.content.strip():
            raise invalid("Content is empty")
        _change(db, row, wanted)
        _stamp(db, row["number"], owner)
        _count_words(db, row["document"])
        changed = _segment_object(db, _find(db, row["id"]), owner)
    return JsonReply({"data": changed, "doc_form": document["doc_form"]})


def delete(call: EndpointCall) -> Response:
    """DELETE one segment."""
    with call.server.store.writing() as db:
        _document(db, call)
        row = _find(db, call.path["seg"])
        chunk_rows.delete(db, row["id"])
        _count_words(db, row["document"])
    return emptied(call.profile.emptied)


def list_children(call: EndpointCall) -> JsonReply:
    """GET child_chunks."""
    asked = ChildChunkListQuery.model_validate(dict(call.query))
    limit = min(asked.limit, MAX_ROWS)
    with call.server.store.reading() as db:
        segment = _find_segment(db, call)
        rows = db.execute(
            "SELECT * FROM child_chunk WHERE segment = ? AND instr(fold(content), fold(?)) > 0 "
            "ORDER BY position",
            (segment["id"], asked.keyword or ""),
        ).fetchall()
    start = (asked.page - 1) * limit
    return JsonReply(
        {
            "data": [_child_object(row) for row in rows[start : start + limit]],
            "total": len(rows),
            "total_pages": -(-len(rows) // limit),
            "page": asked.page,
            "limit": limit,
        }
    )


def add_child(call: EndpointCall) -> JsonReply:
    """POST child_chunks."""
    content = call.payload(ChildChunkCreatePayload).content
    child, moment = fresh_id(), now()
    with call.server.store.writing() as db:
        segment = _find_segment(db, call)["id"]
        last = db.execute(
            "SELECT coalesce(max(position), 0) FROM child_chunk WHERE segment = ?", (segment,)
        ).fetchone()[0]
        db.execute(
            "INSERT INTO child_chunk (id, segment, position, content, word_count, type,"
            " created_at, updated_at) VALUES (?, ?, ?, ?, ?, 'customized', ?, ?)",
            (child, segment, last + 1, content, len(content), moment, moment),
        )
        return JsonReply({"data": _child_object(_find_child(db, segment, child))})


def update_child(call: EndpointCall) -> JsonReply:
    """PATCH child_chunks/{id}."""
    content = call.payload(ChildChunkUpdatePayload).content
    with call.server.store.writing() as db:
        segment = _own_segment(db, call, "Segment not found.")
        row = _find_child(db, segment, call.path["id"])
        db.execute(
            "UPDATE child_chunk SET content = ?, word_count = ?, type = 'customized',"
            " updated_at = ? WHERE number = ?",
            (content, len(content), now(), row["number"]),
        )
        return JsonReply({"data": _child_object(_find_child(db, segment, row["id"]))})


def delete_child(call: EndpointCall) -> Response:
    """DELETE child_chunks/{id}: refused, as on every server without an embedding model."""
    # The real server opens its vector index for it even in an economy base (section 7).
    with call.server.store.reading() as db:
        segment = _own_segment(db, call, "Document not found.")
        _find_child(db, segment, call.path["id"])
    raise invalid("Default model not found for text-embedding")


def search_object(row: sqlite3.Row, owner: str) -> dict[str, object]:
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


def _find_segment(db: sqlite3.Connection, call: EndpointCall) -> sqlite3.Row:
    """The segment of the address; its document has to exist, too."""
    _document(db, call)
    return _find(db, call.path["seg"])


def _change(db: sqlite3.Connection, row: sqlite3.Row, wanted: SegmentUpdateArgs) -> None:
    if row["enabled"] and wanted.enabled is False:
        db.execute(
            "UPDATE segment SET enabled = 0, disabled_at = ? WHERE number = ?",
            (now(), row["number"]),
        )
        # A call that disables changes nothing else, whatever it carries.
        return
    if not row["enabled"]:
        if not wanted.enabled:
            raise invalid("Can't update disabled segment")
        db.execute(
            "UPDATE segment SET enabled = 1, disabled_at = NULL WHERE number = ?", (row["number"],)
        )
    if wanted.content is not None and wanted.content != row["content"]:
        chunk_rows.set_content(db, row["number"], wanted.content)
    if wanted.keywords:
        chunk_rows.set_keywords(db, row["number"], wanted.keywords)


def _stamp(db: sqlite3.Connection, number: int, owner: str) -> None:
    db.execute(
        "UPDATE segment SET updated_at = ?, updated_by = ?, indexing_at = ?, completed_at = ? "
        "WHERE number = ?",
        (now(), owner, now(), now(), number),
    )


def _checked(entry: dict[str, object]) -> tuple[str, list[str] | None]:
    content, given = entry.get("content"), entry.get("keywords")
    if not isinstance(content, str) or not content.strip():
        raise invalid("Content is empty")
    # The real server splits a string into its letters.
    words = [str(word) for word in given] if isinstance(given, list | str) else None
    return content, words


def _count_words(db: sqlite3.Connection, document: str) -> None:
    """Set the document's `word_count`; its rev stays, unlike after an upload (section 16)."""
    db.execute(
        "UPDATE document SET word_count = (SELECT coalesce(sum(word_count), 0) FROM segment "
        "WHERE segment.document = document.id) WHERE id = ?",
        (document,),
    )


def _document(db: sqlite3.Connection, call: EndpointCall) -> sqlite3.Row:
    row = documents.find(db, call.base, call.document)
    if row is None:
        raise not_found("Document not found.")
    return row


def _find(db: sqlite3.Connection, segment: str) -> sqlite3.Row:
    row: sqlite3.Row | None = db.execute(
        "SELECT * FROM segment WHERE id = ?", (segment,)
    ).fetchone()
    if row is None:
        raise not_found("Segment not found.")
    return row


def _own_segment(db: sqlite3.Connection, call: EndpointCall, refusal: str) -> str:
    """The segment of the address, which has to belong to the document of the address."""
    segment = _find_segment(db, call)
    if segment["document"] != call.document:
        raise not_found(refusal)
    return str(segment["id"])


def _find_child(db: sqlite3.Connection, segment: str, child: str) -> sqlite3.Row:
    row: sqlite3.Row | None = db.execute(
        "SELECT * FROM child_chunk WHERE segment = ? AND id = ?", (segment, child)
    ).fetchone()
    if row is None:
        raise not_found("Child chunk not found.")
    return row


def _segment_object(db: sqlite3.Connection, row: sqlite3.Row, owner: str) -> dict[str, object]:
    """The object of every segment reply."""
    children = db.execute(
        "SELECT * FROM child_chunk WHERE segment = ? ORDER BY position", (row["id"],)
    ).fetchall()
    whole = search_object(row, owner)
    after = ("indexing_at", "completed_at", "error", "stopped_at")
    head = {name: value for name, value in whole.items() if name not in after}
    return (
        head
        | {"updated_at": row["updated_at"], "updated_by": row["updated_by"]}
        | {name: whole[name] for name in after}
        | {"child_chunks": [_child_object(child) for child in children]}
        | {"attachments": [], "summary": None}
    )


def _child_object(row: sqlite3.Row) -> dict[str, object]:
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
