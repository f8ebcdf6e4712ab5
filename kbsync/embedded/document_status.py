"""Deleting, disabling and archiving documents (docs/dify-api.md sections 6.4 and 6.5)."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from typing import Final

from . import chunk_rows
from .call import UUID, Call, require_object
from .document_shape import find
from .envelope import InternalFaultError, Refusal, Reply, no_content, not_found, success
from .indexing import Task
from .store import now


def delete(call: Call) -> Reply:
    """DELETE /datasets/{ds}/documents/{doc}: allowed in every indexing state."""
    document = call.document
    with call.service.store.writing() as db:
        row = find(db, call.base, document)
        if row is None:
            raise not_found("Document Not Exists.")
        if row["archived"]:
            raise Refusal(
                403, "archived_document_immutable", "The archived document is not editable."
            )
        chunk_rows.delete_of_document(db, document)
        db.execute("DELETE FROM metadata_binding WHERE document = ?", (document,))
        db.execute("DELETE FROM upload WHERE id = ?", (row["upload"],))
        db.execute("DELETE FROM document WHERE id = ?", (document,))
    if row["wedged"] == 1:
        call.service.indexers.submit(document, row["generation"], Task.BLOCK)
    return no_content()


def change(call: Call) -> Reply:
    """PATCH /datasets/{ds}/documents/status/{action}: all documents of the list or none."""
    documents = require_object(call.json()).get("document_ids") or []
    if not isinstance(documents, list):
        raise InternalFaultError
    action = call.path["action"]
    if documents and action not in _CHANGES:
        raise _refused(f"Invalid action: {action}. Must be one of {list(_CHANGES)}")
    with call.service.store.writing() as db:
        for document in documents:
            _change_one(call, db, document)
    return success()


def _change_one(call: Call, db: sqlite3.Connection, document: object) -> None:
    if not isinstance(document, str) or not UUID.fullmatch(document):
        raise InternalFaultError
    row = find(db, call.base, document.lower())
    if row is None:
        return
    if row["locked_until"] > time.time():
        raise _refused(f"Document:{row['name']} is being indexed, please try again later")
    columns = _CHANGES[call.path["action"]](row)
    if columns is None:
        return
    quirks = call.service.quirks
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


def _refused(message: str) -> Refusal:
    return Refusal(400, "invalid_action", message)


_CHANGES: Final[dict[str, Callable[[sqlite3.Row], dict[str, object] | None]]] = {
    "enable": _enable,
    "disable": _disable,
    "archive": _archive,
    "un_archive": _un_archive,
}
