"""Metadata fields and their assignment to documents (docs/dify-api.md section 8)."""

from __future__ import annotations

import json
import sqlite3
from typing import Final

from starlette.responses import Response

from . import documents
from .endpoint_call import UUID, EndpointCall, refuse_nul
from .metadata_values import BUILT_IN, built_in_values, stored
from .replies import InternalFaultError, JsonReply, emptied, invalid
from .request_models import (
    DocumentMetadataOperation,
    MetadataArgs,
    MetadataOperationData,
    MetadataUpdatePayload,
)
from .sqlite_store import fresh_id

MAX_FIELD_NAME: Final = 255
# It looked for nothing, and its own reply did not pass its validation.
_NO_FIELD: Final = (
    "1 validation error for DatasetMetadataResponse\n  Input should be a valid dictionary or "
    "instance of DatasetMetadataResponse [type=model_type, input_value=None, input_type=NoneType]"
)
_COUNTED: Final = """
SELECT id, name, type,
  (SELECT count(*) FROM metadata_binding WHERE metadata_binding.field = metadata_field.id) AS count
FROM metadata_field WHERE knowledge_base = ? ORDER BY number
"""


def listing(call: EndpointCall) -> JsonReply:
    """GET metadata."""
    with call.server.store.reading() as db:
        rows = db.execute(_COUNTED, (call.base,)).fetchall()
        base = db.execute("SELECT built_in FROM knowledge_base WHERE id = ?", (call.base,))
        switched_on = bool(base.fetchone()["built_in"])
    return JsonReply(
        {"doc_metadata": [dict(row) for row in rows], "built_in_field_enabled": switched_on}
    )


def create(call: EndpointCall) -> JsonReply:
    """POST metadata."""
    wanted = call.payload(MetadataArgs)
    field = fresh_id()
    with call.server.store.writing() as db:
        _check_name(db, call.base, wanted.name)
        db.execute(
            "INSERT INTO metadata_field (id, knowledge_base, type, name) VALUES (?, ?, ?, ?)",
            (field, call.base, wanted.type, wanted.name),
        )
    # The only 201 of the whole API.
    return JsonReply({"id": field, "type": wanted.type, "name": wanted.name}, 201)


def rename(call: EndpointCall) -> JsonReply:
    """PATCH metadata/{id}: old versions answer 200 and nulls for an unknown field."""
    name = call.payload(MetadataUpdatePayload).name
    with call.server.store.writing() as db:
        _check_name(db, call.base, name)
        field = _field(db, call)
        if field is None:
            if call.profile.metadata_refused:
                raise invalid(_NO_FIELD)
            return JsonReply({"id": None, "type": None, "name": None})
        _move_values(db, field, name)
        db.execute("UPDATE metadata_field SET name = ? WHERE id = ?", (name, field["id"]))
    return JsonReply({"id": field["id"], "type": field["type"], "name": name})


def delete(call: EndpointCall) -> Response:
    """DELETE metadata/{id}: an unknown field is no error."""
    with call.server.store.writing() as db:
        field = _field(db, call)
        if field is not None:
            _move_values(db, field, None)
            db.execute("DELETE FROM metadata_binding WHERE field = ?", (field["id"],))
            db.execute("DELETE FROM metadata_field WHERE id = ?", (field["id"],))
    return emptied(call.profile.emptied_field)


def built_in(call: EndpointCall) -> JsonReply:
    """GET metadata/built-in."""
    del call
    return JsonReply({"fields": [{"name": name, "type": kind} for name, kind in BUILT_IN.items()]})


def switch_built_in(call: EndpointCall) -> Response:
    """POST metadata/built-in/{action}: `enable` and `disable`; any other word does nothing."""
    action = call.path["action"]
    if action in {"enable", "disable"}:
        with call.server.store.writing() as db:
            _switch(db, call.base, switched_on=action == "enable")
    return emptied(call.profile.assigned)


def assign(call: EndpointCall) -> Response:
    """POST documents/metadata: in old versions a success even when nothing was stored."""
    operations = call.payload(MetadataOperationData).operation_data
    if "dropped-metadata" in call.server.quirks:
        return emptied(call.profile.assigned)
    refused: Exception | None = None
    with call.server.store.writing() as db:
        for operation in operations:
            refused = _refusal(db, call, operation)
            if isinstance(refused, InternalFaultError) or (
                refused and call.profile.metadata_refused
            ):
                # What stands before this one is stored; all that stands behind it is lost.
                break
            if refused is None:
                _assign(db, call, operation)
    if refused and call.profile.metadata_refused:
        raise refused
    return emptied(call.profile.assigned)


def _refusal(
    db: sqlite3.Connection, call: EndpointCall, operation: DocumentMetadataOperation
) -> Exception | None:
    """What newer versions answer to an operation that cannot be done, and older ones keep back."""
    ids = [operation.document_id, *(value.id for value in operation.metadata_list)]
    if not all(UUID.fullmatch(identity) for identity in ids):
        return InternalFaultError()
    if documents.find(db, call.base, operation.document_id.lower()) is None:
        return invalid("Document not found.")
    return None


def _assign(
    db: sqlite3.Connection, call: EndpointCall, operation: DocumentMetadataOperation
) -> None:
    document, base = operation.document_id.lower(), call.base
    row = documents.find(db, base, document)
    assert row is not None  # noqa: S101 - `_refusal` has found it
    merging = operation.partial_update and call.profile.partial_update
    values = stored(row) if merging else {}
    values |= {value.name: value.value for value in operation.metadata_list}
    switch = db.execute("SELECT built_in FROM knowledge_base WHERE id = ?", (base,)).fetchone()
    if switch["built_in"]:
        values |= built_in_values(row)
    _store(db, document, values)
    # A value is read back only through the link between its document and its field.
    if not merging:
        db.execute("DELETE FROM metadata_binding WHERE document = ?", (document,))
    db.executemany(
        "INSERT OR IGNORE INTO metadata_binding (document, field) VALUES (?, ?)",
        [(document, value.id.lower()) for value in operation.metadata_list],
    )


def _switch(db: sqlite3.Connection, base: str, *, switched_on: bool) -> None:
    db.execute("UPDATE knowledge_base SET built_in = ? WHERE id = ?", (switched_on, base))
    rows = db.execute("SELECT * FROM document WHERE knowledge_base = ?", (base,)).fetchall()
    for row in rows:
        own = {name: value for name, value in stored(row).items() if name not in BUILT_IN}
        _store(db, row["id"], own | built_in_values(row) if switched_on else own)


def _move_values(db: sqlite3.Connection, field: sqlite3.Row, name: str | None) -> None:
    """Rename the values of a field with it, or drop them: they are stored by its name."""
    bound = "SELECT document FROM metadata_binding WHERE field = ?"
    rows = db.execute(
        f"SELECT id, metadata FROM document WHERE id IN ({bound})",  # noqa: S608 - our own
        (field["id"],),
    ).fetchall()
    for row in rows:
        values = stored(row)
        value = values.pop(field["name"], None)
        _store(db, row["id"], values if name is None else values | {name: value})


def _store(db: sqlite3.Connection, document: str, values: dict[str, object]) -> None:
    db.execute("UPDATE document SET metadata = ? WHERE id = ?", (json.dumps(values), document))


def _check_name(db: sqlite3.Connection, base: str, name: str) -> None:
    if len(name) > MAX_FIELD_NAME:
        raise invalid("Metadata name cannot exceed 255 characters.")
    refuse_nul(name)
    taken = "SELECT 1 FROM metadata_field WHERE knowledge_base = ? AND name = ?"
    if db.execute(taken, (base, name)).fetchone():
        raise invalid("Metadata name already exists.")
    if name in BUILT_IN:
        raise invalid("Metadata name already exists in Built-in fields.")


def _field(db: sqlite3.Connection, call: EndpointCall) -> sqlite3.Row | None:
    row: sqlite3.Row | None = db.execute(
        "SELECT * FROM metadata_field WHERE id = ? AND knowledge_base = ?",
        (call.path["id"], call.base),
    ).fetchone()
    return row
