"""A document as JSON (docs/dify-api.md sections 4.3 and 6)."""

from __future__ import annotations

import sqlite3
from typing import Final

from . import process_rules
from .metadata_values import details

SELECT: Final = """
SELECT document.*, upload.name AS file_name, upload.size, upload.extension, upload.mime_type,
  upload.created_at AS uploaded_at
FROM document JOIN upload ON upload.id = document.upload
"""
_AT_WORK: Final = frozenset({"parsing", "cleaning", "splitting", "indexing"})


def find(db: sqlite3.Connection, base: str, document: str) -> sqlite3.Row | None:
    """The document of that id in that base, with what is known of its file."""
    row: sqlite3.Row | None = db.execute(
        f"{SELECT} WHERE document.id = ? AND knowledge_base = ?", (document, base)
    ).fetchone()
    return row


def display_status(row: sqlite3.Row) -> str:
    """The status as people see it (section 1.5)."""
    status: str = row["status"]
    if status == "waiting":
        return "queuing"
    if status in _AT_WORK:
        return "indexing"
    if status != "completed":
        return status
    if row["archived"]:
        return "archived"
    return "available" if row["enabled"] else "disabled"


def rows_shape(
    db: sqlite3.Connection, rows: list[sqlite3.Row], owner: str
) -> list[dict[str, object]]:
    """The objects of a list, of a create and of an update."""
    values = details(db, rows)
    return [_row_shape(row, owner) | {"doc_metadata": values[row["id"]]} for row in rows]


def upload_reply(db: sqlite3.Connection, base: str, document: str, owner: str) -> dict[str, object]:
    """The reply to a create or update."""
    row = find(db, base, document)
    assert row is not None  # noqa: S101 - written in this very transaction
    return {"document": rows_shape(db, [row], owner)[0], "batch": row["batch"]}


def generation(db: sqlite3.Connection, document: str) -> int:
    """Which upload of the document is the present one; a worker ends when it changes."""
    row = db.execute("SELECT generation FROM document WHERE id = ?", (document,)).fetchone()
    return int(row["generation"])


def full_shape(
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
    rule = {"dataset_process_rule_id": row["rule"]} | _rules_of(db, row)
    whole = head | rule | _state(row, owner)
    if metadata == "all":
        whole |= kind_and_values
    return whole | _tail(db, row)


def _row_shape(row: sqlite3.Row, owner: str) -> dict[str, object]:
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
    return {
        "id": row["id"],
        "position": row["position"],
        "data_source_type": "upload_file",
        "data_source_info": {"upload_file": _file(row, owner)},
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
        "dataset_process_rule": process_rules.shape(process_rules.latest(db, base)),
        "document_process_rule": {"id": row["rule"], "dataset_id": base} | process_rules.shape(own),
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
