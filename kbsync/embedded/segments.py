"""Chunks by hand; the wire calls them segments (docs/dify-api.md section 7)."""

from __future__ import annotations

import sqlite3

from . import chunk_rows, document_shape
from .base_shape import doc_form
from .call import Call, require_object
from .envelope import Reply, invalid, no_content, not_found, reply
from .payloads import SegmentUpdateArgs, SegmentUpdatePayload
from .segment_shape import shape
from .store import now


def listing(call: Call) -> Reply:
    """GET segments; what is no page number counts as absent."""
    page = call.lenient_page()
    conditions, values = ["document = ?"], [call.document]
    if statuses := call.query.getlist("status"):
        conditions.append(f"status IN ({', '.join('?' * len(statuses))})")
        values += statuses
    if keyword := call.query.get("keyword"):
        conditions.append("instr(fold(content), fold(?)) > 0")
        values.append(keyword)
    where = f"FROM segment WHERE {' AND '.join(conditions)}"
    with call.service.store.reading() as db:
        _document(db, call)
        total = db.execute(f"SELECT count(*) {where}", values).fetchone()[0]
        ordered = f"SELECT * {where} ORDER BY position, number {page.sql}"
        rows = db.execute(ordered, values).fetchall()
        found = [shape(db, row, call.service.store.owner) for row in rows]
        form = doc_form(db, call.base)
    wrapped = page.wrap(found, total)
    order = ("total", "has_more", "limit", "page")
    return reply({"data": found, "doc_form": form} | {name: wrapped[name] for name in order})


def add(call: Call) -> Reply:
    """POST segments: visible to search at once."""
    content = require_object(call.json())
    with call.service.store.writing() as db:
        document = _document(db, call)
        if document["status"] != "completed":
            raise not_found("Document is not completed.")
        if not document["enabled"]:
            raise not_found("Document is disabled.")
        wanted = content.get("segments")
        if not isinstance(wanted, list):
            return reply({"error": "Segments is required"}, 400)
        checked = [_checked(require_object(entry)) for entry in wanted]
        ids = [chunk_rows.insert_by_hand(db, document, *entry) for entry in checked]
        _count_words(db, document["id"])
        owner = call.service.store.owner
        added = [shape(db, _find(db, segment), owner) for segment in ids]
        return reply({"data": added, "doc_form": document["doc_form"]})


def get(call: Call) -> Reply:
    """GET one segment: the document of the address need not be its own."""
    with call.service.store.reading() as db:
        document = _document(db, call)
        row = _find(db, call.path["seg"])
        found = shape(db, row, call.service.store.owner)
    return reply({"data": found, "doc_form": document["doc_form"]})


def update(call: Call) -> Reply:
    """POST one segment."""
    wanted = call.payload(SegmentUpdatePayload).segment
    owner = call.service.store.owner
    with call.service.store.writing() as db:
        document = _document(db, call)
        row = _find(db, call.path["seg"])
        if wanted.content is None or not wanted.content.strip():
            raise invalid("Content is empty")
        _change(db, row, wanted)
        _stamp(db, row["number"], owner)
        _count_words(db, row["document"])
        changed = shape(db, _find(db, row["id"]), owner)
    return reply({"data": changed, "doc_form": document["doc_form"]})


def delete(call: Call) -> Reply:
    """DELETE one segment."""
    with call.service.store.writing() as db:
        _document(db, call)
        row = _find(db, call.path["seg"])
        chunk_rows.delete(db, row["id"])
        _count_words(db, row["document"])
    return no_content()


def find_segment(db: sqlite3.Connection, call: Call) -> sqlite3.Row:
    """The segment of the address, its document checked first."""
    _document(db, call)
    return _find(db, call.path["seg"])


def _change(db: sqlite3.Connection, row: sqlite3.Row, wanted: SegmentUpdateArgs) -> None:
    if row["enabled"] and wanted.enabled is False:
        db.execute(
            "UPDATE segment SET enabled = 0, disabled_at = ? WHERE number = ?",
            (now(), row["number"]),
        )
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
    # A string is split into its letters, as the real server does it.
    words = [str(word) for word in given] if isinstance(given, list | str) else None
    return content, words


def _count_words(db: sqlite3.Connection, document: str) -> None:
    """The document's `word_count` follows chunk edits while its rev stays (section 16)."""
    db.execute(
        "UPDATE document SET word_count = (SELECT coalesce(sum(word_count), 0) FROM segment "
        "WHERE segment.document = document.id) WHERE id = ?",
        (document,),
    )


def _document(db: sqlite3.Connection, call: Call) -> sqlite3.Row:
    row = document_shape.find(db, call.base, call.document)
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
