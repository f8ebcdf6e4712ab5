"""Documents: list, read, delete, switch, and their JSON (docs/dify-api.md sections 4.3 and 6)."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from typing import Final

from starlette.responses import Response

from . import chunk_rows, knowledge_bases, process_rules
from .endpoint_call import UUID, EndpointCall
from .indexer import IndexTask
from .metadata_values import details
from .pipelines import FROM_PIPELINE, source_of
from .replies import (
    EnvelopeError,
    InternalFaultError,
    JsonReply,
    emptied,
    not_found,
    success,
    unauthorized,
    without,
)
from .sqlite_store import now

_SELECT: Final = """
SELECT document.*, upload.name AS file_name, upload.size, upload.extension, upload.mime_type,
  upload.created_at AS uploaded_at
FROM document JOIN upload ON upload.id = document.upload
"""
_INDEXING: Final = frozenset({"parsing", "cleaning", "splitting", "indexing"})
_LIVE: Final = "document.status = 'completed' AND document.archived = 0"
_STATUS: Final = {
    "queuing": "document.status = 'waiting'",
    "indexing": "document.status IN ('parsing', 'cleaning', 'splitting', 'indexing')",
    "paused": "document.status = 'paused'",
    "error": "document.status = 'error'",
    "available": f"{_LIVE} AND document.enabled = 1",
    "disabled": f"{_LIVE} AND document.enabled = 0",
    "archived": "document.status = 'completed' AND document.archived = 1",
}
_ALIASES: Final = {"active": "available", "enabled": "available"}
_TIMES: Final = (
    "processing_started_at",
    "parsing_completed_at",
    "cleaning_completed_at",
    "splitting_completed_at",
    "completed_at",
)
_PROGRESS: Final = """
SELECT document.*,
  (SELECT count(*) FROM segment AS chunk
   WHERE chunk.document = document.id AND chunk.status <> 're_segment') AS total,
  (SELECT count(*) FROM segment AS chunk
   WHERE chunk.document = document.id AND chunk.status = 'completed') AS done
FROM document WHERE knowledge_base = ? AND batch = ? ORDER BY number
"""


def listing(call: EndpointCall) -> JsonReply:
    """GET /datasets/{ds}/documents."""
    page = call.page()
    conditions, values = ["knowledge_base = ?"], [call.base]
    if keyword := call.query.get("keyword"):
        conditions.append("document.name GLOB ?")
        values.append(_glob(keyword))
    status = call.query.get("status", "").lower() if call.profile.status_filter else ""
    if condition := _STATUS.get(_ALIASES.get(status, status)):
        conditions.append(condition)
    where = " AND ".join(conditions)
    with call.server.store.reading() as db:
        counted = f"SELECT count(*) FROM document WHERE {where}"  # noqa: S608 - all words our own
        total = db.execute(counted, values).fetchone()[0]
        order = "document.created_at DESC, document.position DESC"
        rows = db.execute(f"{_SELECT} WHERE {where} ORDER BY {order} {page.sql}", values).fetchall()
        return JsonReply(page.wrap(_row_objects(db, call, rows), total))


def get(call: EndpointCall) -> JsonReply:
    """GET /datasets/{ds}/documents/{doc}."""
    metadata = call.query.get("metadata", "all")
    if metadata not in {"all", "only", "without"}:
        raise EnvelopeError(400, "invalid_metadata", f"Invalid metadata value: {metadata}")
    with call.server.store.reading() as db:
        row = find(db, call.base, call.document)
        if row is None:
            raise not_found("Document not found.")
        return JsonReply(_full_object(db, row, call.server.store.owner, metadata))


def indexing_status(call: EndpointCall) -> JsonReply:
    """GET /datasets/{ds}/documents/{batch}/indexing-status."""
    with call.server.store.reading() as db:
        rows = db.execute(_PROGRESS, (call.base, call.path["batch"])).fetchall()
    if not rows:
        raise not_found("Documents not found.")
    progress = [
        {"id": row["id"], "indexing_status": row["status"]}
        | {name: row[name] for name in _TIMES}
        | ({"processing_started_at": None} if row["created_from"] == FROM_PIPELINE else {})
        | {"paused_at": None, "error": row["error"], "stopped_at": row["stopped_at"]}
        | {"completed_segments": row["done"], "total_segments": row["total"]}
        for row in rows
    ]
    return JsonReply({"data": progress})


def delete(call: EndpointCall) -> Response:
    """DELETE /datasets/{ds}/documents/{doc}: allowed in every indexing state."""
    document = call.document
    with call.server.store.writing() as db:
        row = find(db, call.base, document)
        if row is None:
            raise not_found("Document Not Exists.")
        if row["archived"]:
            raise EnvelopeError(
                403, "archived_document_immutable", "The archived document is not editable."
            )
        chunk_rows.delete_of_document(db, document)
        db.execute("DELETE FROM metadata_binding WHERE document = ?", (document,))
        # Several documents may have been made of a pipeline's file.
        if row["created_from"] != FROM_PIPELINE:
            db.execute("DELETE FROM upload WHERE id = ?", (row["upload"],))
        db.execute("DELETE FROM document WHERE id = ?", (document,))
    # On a server with the wedging update even the delete of such a document costs a thread.
    if row["wedged"] == 1:
        call.server.indexer.submit(document, row["generation"], IndexTask.BLOCK)
    return emptied(call.profile.emptied)


def switch(call: EndpointCall) -> Response:
    """PATCH /datasets/{ds}/documents/status/{action}: all documents of the list or none."""
    ids = call.json_object().get("document_ids") or []
    if not isinstance(ids, list):
        raise InternalFaultError
    action = call.path["action"]
    if ids and action not in _SWITCHES:
        raise _refused(f"Invalid action: {action}. Must be one of {list(_SWITCHES)}")
    # One transaction: an error at one document leaves all of them as they were.
    with call.server.store.writing() as db:
        knowledge_bases.usable(call, db)
        for document in ids:
            _switch_one(call, db, document)
    return success()


def file_preview(call: EndpointCall) -> Response:
    """GET /files/{id}/preview: refused, the keys of the knowledge API open no file."""
    del call
    raise unauthorized("Access token is invalid")


def find(db: sqlite3.Connection, base: str, document: str) -> sqlite3.Row | None:
    """The document of that id in that base, joined with its file."""
    row: sqlite3.Row | None = db.execute(
        f"{_SELECT} WHERE document.id = ? AND knowledge_base = ?", (document, base)
    ).fetchone()
    return row


def display_status(row: sqlite3.Row) -> str:
    """The `display_status` of a document (section 1.5)."""
    status: str = row["status"]
    if status == "waiting":
        return "queuing"
    if status in _INDEXING:
        return "indexing"
    if status != "completed":
        return status
    if row["archived"]:
        return "archived"
    return "available" if row["enabled"] else "disabled"


def upload_reply(db: sqlite3.Connection, call: EndpointCall, document: str) -> dict[str, object]:
    """The reply to a create or update."""
    row = find(db, call.base, document)
    assert row is not None  # noqa: S101 - written in this very transaction
    return {"document": _row_objects(db, call, [row])[0], "batch": row["batch"]}


def generation(db: sqlite3.Connection, document: str) -> int:
    """The number of the document's present upload; an indexing run ends when it changes."""
    row = db.execute("SELECT generation FROM document WHERE id = ?", (document,)).fetchone()
    return int(row["generation"])


def _row_objects(
    db: sqlite3.Connection, call: EndpointCall, rows: list[sqlite3.Row]
) -> list[dict[str, object]]:
    """The objects of a list, of a create and of an update."""
    values = details(db, rows)
    none: list[dict[str, object]] | None = [] if call.profile.bare_metadata_list else None
    return [
        without(
            _row_object(row, call.server.store.owner)
            | {"doc_metadata": none if values[row["id"]] is None else values[row["id"]]},
            call.profile.document_lacks,
        )
        for row in rows
    ]


def _full_object(
    db: sqlite3.Connection, row: sqlite3.Row, owner: str, metadata: str
) -> dict[str, object]:
    """The object of GET one document; `metadata` is all, only or without (section 6.3)."""
    kind_and_values: dict[str, object] = {
        "doc_type": None,
        "doc_metadata": details(db, [row])[row["id"]],
    }
    if metadata == "only":
        return {"id": row["id"]} | kind_and_values
    head = _head(row, owner)
    made = row["created_from"] == FROM_PIPELINE
    rule = {"dataset_process_rule_id": None if made else row["rule"]} | _rules_of(db, row)
    whole = head | rule | _state(row, owner)
    if metadata == "all":
        whole |= kind_and_values
    return whole | _tail(db, row)


def _switch_one(call: EndpointCall, db: sqlite3.Connection, document: object) -> None:
    if not isinstance(document, str) or not UUID.fullmatch(document):
        raise InternalFaultError
    row = find(db, call.base, document.lower())
    if row is None:
        return
    # Only the quirk `locking-toggles` sets it.
    if row["locked_until"] > time.time():
        raise _refused(f"Document:{row['name']} is being indexed, please try again later")
    columns = _SWITCHES[call.path["action"]](row)
    if columns is None:
        return
    if columns.get("enabled"):
        upload = (str(row["id"]), int(row["generation"]))
        call.server.keyword_tables.rebuild(db, call.base, upload)
    quirks = call.server.quirks
    if "locking-toggles" in quirks:
        columns["locked_until"] = time.time() + quirks.toggle_lock_seconds
    names = ", ".join(f"{name} = ?" for name in columns)
    db.execute(
        f"UPDATE document SET {names} WHERE id = ?",  # noqa: S608 - all words are our own
        (*columns.values(), row["id"]),
    )


def _enable(row: sqlite3.Row) -> dict[str, object] | None:
    return None if row["enabled"] else {"enabled": 1, "disabled_at": None, "updated_at": now()}


def _disable(row: sqlite3.Row) -> dict[str, object] | None:
    if row["status"] != "completed":
        raise _refused(f"Document: {row['name']} is not completed.")
    if not row["enabled"]:
        return None
    return {"enabled": 0, "disabled_at": now(), "updated_at": now()}


def _archive(row: sqlite3.Row) -> dict[str, object] | None:
    return None if row["archived"] else {"archived": 1, "updated_at": now()}


def _un_archive(row: sqlite3.Row) -> dict[str, object] | None:
    return {"archived": 0, "updated_at": now()} if row["archived"] else None


def _refused(message: str) -> EnvelopeError:
    return EnvelopeError(400, "invalid_action", message)


_SWITCHES: Final[dict[str, Callable[[sqlite3.Row], dict[str, object] | None]]] = {
    "enable": _enable,
    "disable": _disable,
    "archive": _archive,
    "un_archive": _un_archive,
}


def _glob(keyword: str) -> str:
    """The keyword as a GLOB pattern, which counts case as PostgreSQL's LIKE does.

    `%` and `_` are wildcards, and a backslash takes that from the next character.
    """
    pattern, escaped = ["*"], False
    for character in f"{keyword}%":
        if character == "\\" and not escaped:
            escaped = True
            continue
        wild = {"%": "*", "_": "?"}.get(character) if not escaped else None
        pattern.append(wild or (f"[{character}]" if character in "*?[" else character))
        escaped = False
    return "".join(pattern)


def _row_object(row: sqlite3.Row, owner: str) -> dict[str, object]:
    return {
        "id": row["id"],
        "position": row["position"],
        "data_source_type": "upload_file",
        "data_source_info": {"upload_file_id": row["upload"]},
        "data_source_detail_dict": {"upload_file": _file(row, owner)},
        "dataset_process_rule_id": row["rule"],
        "name": row["name"],
        "created_from": row["created_from"],
        "created_by": owner,
        "created_at": row["created_at"],
        "tokens": row["tokens"],
        "indexing_status": row["status"],
        "error": row["error"],
        "enabled": bool(row["enabled"]),
        "disabled_at": row["disabled_at"],
        "disabled_by": owner if row["disabled_at"] else None,
        "archived": bool(row["archived"]),
        "display_status": display_status(row),
        "word_count": row["word_count"],
        "hit_count": 0,
        "doc_form": row["doc_form"],
        "doc_metadata": None,
        "summary_index_status": None,
        "need_summary": False,
        **(source_of(row) if row["created_from"] == FROM_PIPELINE else {}),
    }


def _file(row: sqlite3.Row, owner: str) -> dict[str, object]:
    return {
        "id": row["upload"],
        "name": row["file_name"],
        "size": row["size"],
        "extension": row["extension"],
        "mime_type": row["mime_type"],
        "created_by": owner,
        "created_at": row["uploaded_at"],
    }


def _head(row: sqlite3.Row, owner: str) -> dict[str, object]:
    made = row["created_from"] == FROM_PIPELINE
    return {
        "id": row["id"],
        "position": row["position"],
        "data_source_type": "local_file" if made else "upload_file",
        "data_source_info": {} if made else {"upload_file": _file(row, owner)},
    }


def _state(row: sqlite3.Row, owner: str) -> dict[str, object]:
    return {
        "name": row["name"],
        "created_from": row["created_from"],
        "created_by": owner,
        "created_at": row["created_at"],
        "tokens": row["tokens"],
        "indexing_status": row["status"],
        "completed_at": row["completed_at"],
        "updated_at": row["updated_at"],
        "indexing_latency": row["indexing_latency"],
        "error": row["error"],
        "enabled": bool(row["enabled"]),
        "disabled_at": row["disabled_at"],
        "disabled_by": owner if row["disabled_at"] else None,
        "archived": bool(row["archived"]),
    }


def _rules_of(db: sqlite3.Connection, row: sqlite3.Row) -> dict[str, object]:
    base = row["knowledge_base"]
    own = db.execute("SELECT * FROM process_rule WHERE id = ?", (row["rule"],)).fetchone()
    return {
        "dataset_process_rule": process_rules.rule_object(process_rules.latest(db, base)),
        "document_process_rule": {"id": row["rule"], "dataset_id": base}
        | process_rules.rule_object(own),
    }


def _tail(db: sqlite3.Connection, row: sqlite3.Row) -> dict[str, object]:
    count = db.execute("SELECT count(*) FROM segment WHERE document = ?", (row["id"],))
    segments: int = count.fetchone()[0]
    return {
        "segment_count": segments,
        "average_segment_length": (row["word_count"] or 0) // segments if segments else 0,
        "hit_count": 0,
        "display_status": display_status(row),
        "doc_form": row["doc_form"],
        "doc_language": row["doc_language"],
        "summary_index_status": None,
        "need_summary": False,
    }
