"""Chunks, which the API calls segments, and their children (docs/dify-api.md section 7)."""

from __future__ import annotations

import json
import sqlite3
from typing import Final

from pydantic import ValidationError
from starlette.responses import Response

from . import child_rows, chunk_rows, knowledge_bases, models, process_rules, vector_rows
from .endpoint_call import MAX_ROWS, EndpointCall, require_object
from .process_rules import TextChunk
from .replies import JsonReply, emptied, invalid, not_found, without
from .request_models import (
    ChildChunkCreatePayload,
    ChildChunkListQuery,
    ChildChunkUpdatePayload,
    SegmentCreatePayload,
    SegmentUpdateArgs,
    SegmentUpdatePayload,
)
from .sqlite_store import now

_BELOW_ONE: Final = (
    "1 validation error for SegmentListQuery\n  Input should be greater than or equal to 1"
)


def listing(call: EndpointCall) -> JsonReply:
    """GET segments; a page that is no number counts as absent."""
    page = call.lenient_page()
    if call.profile.chunks_validated and min(page.page, page.limit) < 1:
        raise invalid(_BELOW_ONE)
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
        found = [_segment_object(db, call, row) for row in rows]
        form = knowledge_bases.doc_form(db, call.base)
    wrapped = page.wrap(found, total)
    order = ("total", "has_more", "limit", "page") if call.profile.chunk_pages else ("total",)
    return JsonReply({"data": found, "doc_form": form} | {name: wrapped[name] for name in order})


def add(call: EndpointCall) -> JsonReply:
    """POST segments: visible to search at once."""
    content = call.json_object()
    with call.server.store.writing() as db:
        document = _document(db, call)
        if document["status"] != "completed":
            raise not_found("Document is not completed.")
        if not document["enabled"]:
            raise not_found("Document is disabled.")
        wanted = content.get("segments")
        if call.profile.chunks_validated:
            try:
                SegmentCreatePayload.model_validate(content)
            except ValidationError as error:
                return JsonReply({"error": str(error)}, 400)
        if not isinstance(wanted, list):
            # The one error that is no envelope (section 1.2).
            return JsonReply({"error": "Segments is required"}, 400)
        checked = [_checked(require_object(entry)) for entry in wanted]
        ids = [_insert(db, call, document, *entry) for entry in checked]
        _count_words(db, document["id"])
        added = [_segment_object(db, call, _find(db, segment)) for segment in ids]
        return JsonReply({"data": added, "doc_form": document["doc_form"]})


def get(call: EndpointCall) -> JsonReply:
    """GET one segment."""
    with call.server.store.reading() as db:
        document = _document(db, call)
        found = _segment_object(db, call, _addressed(db, call))
    return JsonReply({"data": found, "doc_form": document["doc_form"]})


def update(call: EndpointCall) -> JsonReply:
    """POST one segment."""
    wanted = call.payload(SegmentUpdatePayload).segment
    owner = call.server.store.owner
    with call.server.store.writing() as db:
        document = _document(db, call)
        row = _addressed(db, call)
        if not call.profile.chunk_keeps_text and not (wanted.content or "").strip():
            raise invalid("Content is empty")
        _change(db, call, document, row, wanted)
        _stamp(db, row["number"], owner)
        _count_words(db, row["document"])
        changed = _segment_object(db, call, _find(db, row["id"]))
    return JsonReply({"data": changed, "doc_form": document["doc_form"]})


def delete(call: EndpointCall) -> Response:
    """DELETE one segment."""
    with call.server.store.writing() as db:
        row = _addressed(db, call)
        chunk_rows.delete(db, row["id"])
        _count_words(db, row["document"])
    return emptied(call.profile.emptied)


def list_children(call: EndpointCall) -> JsonReply:
    """GET child_chunks."""
    asked = ChildChunkListQuery.model_validate(dict(call.query))
    limit = min(asked.limit, MAX_ROWS)
    with call.server.store.reading() as db:
        segment = _addressed(db, call)
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
    with call.server.store.writing() as db:
        document, segment = _document(db, call), _addressed(db, call)
        number = child_rows.insert_by_hand(db, segment["id"], content)
        if _embeds_children(document):
            vector_rows.replace(db, segment["number"], number, content)
        return JsonReply({"data": _child_object(_numbered_child(db, number))})


def update_child(call: EndpointCall) -> JsonReply:
    """PATCH child_chunks/{id}."""
    content = call.payload(ChildChunkUpdatePayload).content
    with call.server.store.writing() as db:
        document = _document(db, call)
        segment = _own_segment(db, call, "Segment not found.")
        child = _find_child(db, segment, call.path["id"])
        child_rows.set_content(db, child["number"], content)
        if _embeds_children(document):
            vector_rows.replace(db, segment["number"], child["number"], content)
        return JsonReply({"data": _child_object(_numbered_child(db, child["number"]))})


def delete_child(call: EndpointCall) -> Response:
    """DELETE child_chunks/{id}: refused by a server without an embedding model."""
    with call.server.store.writing() as db:
        _document(db, call)
        segment = _own_segment(db, call, "Document not found.")
        child = _find_child(db, segment, call.path["id"])
        # The real server opens its vector index for it even in an economy base (section 7).
        models.embedding_model(call.server.quirks, None, None)
        child_rows.delete(db, child["number"])
        vector_rows.delete(db, segment["number"], child["number"])
    return emptied(call.profile.emptied)


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


def _addressed(db: sqlite3.Connection, call: EndpointCall) -> sqlite3.Row:
    """The segment of the address; its document has to exist, too.

    As on the real server it may be of another document than that, in old versions.
    """
    document = _document(db, call)
    row = _find(db, call.path["seg"])
    if call.profile.own_chunks and row["document"] != document["id"]:
        raise not_found("Segment not found.")
    return row


def _insert(
    db: sqlite3.Connection,
    call: EndpointCall,
    document: sqlite3.Row,
    content: str,
    given: list[str] | None,
) -> str:
    """Add one chunk at the end of a document and return its id."""
    chunk = TextChunk(content)
    if not document["high_quality"]:
        vectors = None
    elif _embeds_children(document):
        texts = process_rules.children(db, document, content, spared=call.profile.spared_text)
        chunk = TextChunk(content, texts)
        vectors = [vector_rows.of_chunk(chunk, hierarchical=True)]
    else:
        vectors = [vector_rows.of_chunk(chunk, hierarchical=False)]
    base = document["knowledge_base"]
    (segment,) = chunk_rows.insert(
        db, base, document["id"], [chunk], status="completed", vectors=vectors
    )
    if given:
        chunk_rows.set_keywords(db, _find(db, segment)["number"], given)
    return segment


def _change(
    db: sqlite3.Connection,
    call: EndpointCall,
    document: sqlite3.Row,
    row: sqlite3.Row,
    wanted: SegmentUpdateArgs,
) -> None:
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
    if wanted.content and wanted.content != row["content"]:
        _set_content(db, document, row["number"], wanted.content)
    if wanted.regenerate_child_chunks and _embeds_children(document):
        _cut_children(db, call, document, row, wanted.content or row["content"])
    if wanted.keywords:
        chunk_rows.set_keywords(db, row["number"], wanted.keywords)


def _set_content(db: sqlite3.Connection, document: sqlite3.Row, number: int, content: str) -> None:
    high_quality = bool(document["high_quality"])
    chunk_rows.set_content(db, number, content, high_quality=high_quality)
    if high_quality and not _embeds_children(document):
        vector_rows.replace(db, number, vector_rows.NO_CHILD, content)


def _cut_children(
    db: sqlite3.Connection,
    call: EndpointCall,
    document: sqlite3.Row,
    row: sqlite3.Row,
    content: str,
) -> None:
    """Replace the child chunks of a chunk by those its text is cut into."""
    old = db.execute("SELECT number FROM child_chunk WHERE segment = ?", (row["id"],)).fetchall()
    for child in old:
        child_rows.delete(db, child["number"])
        vector_rows.delete(db, row["number"], child["number"])
    texts = process_rules.children(db, document, content, spared=call.profile.spared_text)
    placed = [(row["id"], place, text) for place, text in enumerate(texts, 1)]
    numbers = child_rows.insert(db, placed, kind="automatic")
    for number, text in zip(numbers, texts, strict=True):
        vector_rows.replace(db, row["number"], number, text)


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
    """The document of the address, with `high_quality`: whether its chunks are embedded."""
    knowledge_bases.usable(call, db)
    row: sqlite3.Row | None = db.execute(
        "SELECT document.*, technique = 'high_quality' AS high_quality FROM document"
        " JOIN knowledge_base ON knowledge_base.id = document.knowledge_base"
        " WHERE document.id = ? AND knowledge_base = ?",
        (call.document, call.base),
    ).fetchone()
    if row is None:
        raise not_found("Document not found.")
    return row


def _embeds_children(document: sqlite3.Row) -> bool:
    """Whether the vectors are those of the child chunks, and not of the chunks themselves."""
    return bool(document["high_quality"]) and document["doc_form"] == "hierarchical_model"


def _find(db: sqlite3.Connection, segment: str) -> sqlite3.Row:
    row: sqlite3.Row | None = db.execute(
        "SELECT * FROM segment WHERE id = ?", (segment,)
    ).fetchone()
    if row is None:
        raise not_found("Segment not found.")
    return row


def _own_segment(db: sqlite3.Connection, call: EndpointCall, refusal: str) -> sqlite3.Row:
    """The segment of the address, which has to belong to the document of the address."""
    segment = _addressed(db, call)
    if segment["document"] != call.document:
        raise not_found(refusal)
    return segment


def _find_child(db: sqlite3.Connection, segment: sqlite3.Row, child: str) -> sqlite3.Row:
    row: sqlite3.Row | None = db.execute(
        "SELECT * FROM child_chunk WHERE segment = ? AND id = ?", (segment["id"], child)
    ).fetchone()
    if row is None:
        raise not_found("Child chunk not found.")
    return row


def _numbered_child(db: sqlite3.Connection, number: int) -> sqlite3.Row:
    row: sqlite3.Row = db.execute(
        "SELECT * FROM child_chunk WHERE number = ?", (number,)
    ).fetchone()
    return row


def _segment_object(
    db: sqlite3.Connection, call: EndpointCall, row: sqlite3.Row
) -> dict[str, object]:
    """The object of every segment reply, as far as the version knows its fields."""
    children = db.execute(
        "SELECT * FROM child_chunk WHERE segment = ? ORDER BY position", (row["id"],)
    ).fetchall()
    whole = search_object(row, call.server.store.owner)
    after = ("indexing_at", "completed_at", "error", "stopped_at")
    head = {name: value for name, value in whole.items() if name not in after}
    return without(
        head
        | {"updated_at": row["updated_at"], "updated_by": row["updated_by"]}
        | {name: whole[name] for name in after}
        | {"child_chunks": [_child_object(child) for child in children]}
        | {"attachments": [], "summary": None},
        call.profile.chunk_lacks,
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
