"""Reading documents: list, one, and the indexing status (docs/dify-api.md section 6)."""

from __future__ import annotations

from typing import Final

from .call import Call
from .document_shape import SELECT, find, full_shape, rows_shape
from .envelope import Refusal, Reply, not_found, reply

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


def listing(call: Call) -> Reply:
    """GET /datasets/{ds}/documents."""
    page = call.page()
    conditions, values = ["knowledge_base = ?"], [call.base]
    if keyword := call.query.get("keyword"):
        conditions.append("document.name GLOB ?")
        values.append(_glob(keyword))
    status = call.query.get("status", "").lower()
    if condition := _STATUS.get(_ALIASES.get(status, status)):
        conditions.append(condition)
    where = " AND ".join(conditions)
    with call.service.store.reading() as db:
        counted = f"SELECT count(*) FROM document WHERE {where}"  # noqa: S608 - all words our own
        total = db.execute(counted, values).fetchone()[0]
        order = "document.created_at DESC, document.position DESC"
        rows = db.execute(f"{SELECT} WHERE {where} ORDER BY {order} {page.sql}", values).fetchall()
        return reply(page.wrap(rows_shape(db, rows, call.service.store.owner), total))


def get(call: Call) -> Reply:
    """GET /datasets/{ds}/documents/{doc}."""
    metadata = call.query.get("metadata", "all")
    if metadata not in {"all", "only", "without"}:
        raise Refusal(400, "invalid_metadata", f"Invalid metadata value: {metadata}")
    with call.service.store.reading() as db:
        row = find(db, call.base, call.document)
        if row is None:
            raise not_found("Document not found.")
        return reply(full_shape(db, row, call.service.store.owner, metadata))


def indexing_status(call: Call) -> Reply:
    """GET /datasets/{ds}/documents/{batch}/indexing-status."""
    with call.service.store.reading() as db:
        rows = db.execute(_PROGRESS, (call.base, call.path["batch"])).fetchall()
    if not rows:
        raise not_found("Documents not found.")
    progress = [
        {"id": row["id"], "indexing_status": row["status"]}
        | {name: row[name] for name in _TIMES}
        | {"paused_at": None, "error": row["error"], "stopped_at": row["stopped_at"]}
        | {"completed_segments": row["done"], "total_segments": row["total"]}
        for row in rows
    ]
    return reply({"data": progress})


def _glob(keyword: str) -> str:
    """The keyword as a GLOB pattern: case counts, `%` and `_` are wild, a backslash shields."""
    pattern, shielded = ["*"], False
    for character in f"{keyword}%":
        if character == "\\" and not shielded:
            shielded = True
            continue
        wild = {"%": "*", "_": "?"}.get(character) if not shielded else None
        pattern.append(wild or (f"[{character}]" if character in "*?[" else character))
        shielded = False
    return "".join(pattern)
