"""Tags of knowledge bases (docs/dify-api.md section 9)."""

from __future__ import annotations

import sqlite3
from typing import Final

from starlette.responses import Response

from . import knowledge_bases
from .endpoint_call import EndpointCall, refuse_nul
from .replies import JsonReply, emptied, invalid, not_found
from .request_models import (
    TagBindingPayload,
    TagCreatePayload,
    TagDeletePayload,
    TagUnbindingPayload,
    TagUpdatePayload,
)
from .sqlite_store import fresh_id

_SELECT: Final = """
SELECT id, name, (SELECT count(*) FROM tag_binding WHERE tag_binding.tag = tag.id) AS bindings
FROM tag
"""


def listing(call: EndpointCall) -> JsonReply:
    """GET /datasets/tags, newest first."""
    with call.server.store.reading() as db:
        rows = db.execute(f"{_SELECT} ORDER BY number DESC").fetchall()
    if rows and "broken-tags" in call.server.quirks:
        places = [(f"{place}.", row["bindings"]) for place, row in enumerate(rows)]
        raise invalid(_validation_message("list[DataSetTag]", places))
    return JsonReply([_tag_object(row) for row in rows])


def create(call: EndpointCall) -> JsonReply:
    """POST /datasets/tags."""
    name = call.payload(TagCreatePayload).name
    tag = fresh_id()
    with call.server.store.writing() as db:
        _check_name(db, name)
        db.execute("INSERT INTO tag (id, name) VALUES (?, ?)", (tag, name))
    return _one(call, tag)


def rename(call: EndpointCall) -> JsonReply:
    """PATCH /datasets/tags."""
    wanted = call.payload(TagUpdatePayload)
    with call.server.store.writing() as db:
        _check_name(db, wanted.name)
        _find(db, wanted.tag_id)
        db.execute("UPDATE tag SET name = ? WHERE id = ?", (wanted.name, wanted.tag_id))
    return _one(call, wanted.tag_id)


def delete(call: EndpointCall) -> Response:
    """DELETE /datasets/tags."""
    tag = call.payload(TagDeletePayload).tag_id
    with call.server.store.writing() as db:
        _find(db, tag)
        db.execute("DELETE FROM tag_binding WHERE tag = ?", (tag,))
        db.execute("DELETE FROM tag WHERE id = ?", (tag,))
    return emptied(call.profile.emptied)


def bind(call: EndpointCall) -> Response:
    """POST /datasets/tags/binding; binding twice is no error."""
    wanted = call.payload(TagBindingPayload)
    with call.server.store.writing() as db:
        base = knowledge_bases.find(db, wanted.target_id)["id"]
        db.executemany(
            "INSERT OR IGNORE INTO tag_binding (tag, knowledge_base) VALUES (?, ?)",
            [(tag, base) for tag in wanted.tag_ids],
        )
    return emptied(call.profile.emptied)


def unbind(call: EndpointCall) -> Response:
    """POST /datasets/tags/unbinding."""
    wanted = call.payload(TagUnbindingPayload)
    with call.server.store.writing() as db:
        base = knowledge_bases.find(db, wanted.target_id)["id"]
        db.execute(
            "DELETE FROM tag_binding WHERE tag = ? AND knowledge_base = ?", (wanted.tag_id, base)
        )
    return emptied(call.profile.emptied)


def of_base(call: EndpointCall) -> JsonReply:
    """GET /datasets/{ds}/tags."""
    with call.server.store.reading() as db:
        rows = db.execute(
            "SELECT id, name FROM tag WHERE id IN "
            "(SELECT tag FROM tag_binding WHERE knowledge_base = ?) ORDER BY number",
            (call.base,),
        ).fetchall()
    return JsonReply({"data": [dict(row) for row in rows], "total": len(rows)})


def _one(call: EndpointCall, tag: str) -> JsonReply:
    with call.server.store.reading() as db:
        row = _find(db, tag)
    # A server with broken tags has done the work by then, and only its reply is an error.
    if "broken-tags" in call.server.quirks:
        raise invalid(_validation_message("DataSetTag", [("", row["bindings"])]))
    return JsonReply(_tag_object(row))


def _tag_object(row: sqlite3.Row) -> dict[str, object]:
    return {
        "id": row["id"],
        "name": row["name"],
        "type": "knowledge",
        "binding_count": row["bindings"],
    }


def _find(db: sqlite3.Connection, tag: str) -> sqlite3.Row:
    row: sqlite3.Row | None = db.execute(f"{_SELECT} WHERE id = ?", (tag,)).fetchone()
    if row is None:
        raise not_found("Tag not found")
    return row


def _check_name(db: sqlite3.Connection, name: str) -> None:
    refuse_nul(name)
    if db.execute("SELECT 1 FROM tag WHERE name = ?", (name,)).fetchone():
        raise invalid("Tag name already exists")


def _validation_message(model: str, places: list[tuple[str, int]]) -> str:
    """The message of the quirk `broken-tags`: the reply fails its own validation."""
    plural = "" if len(places) == 1 else "s"
    lines = [f"{len(places)} validation error{plural} for {model}"]
    for place, bindings in places:
        lines += [
            f"{place}binding_count",
            f"  Input should be a valid string [type=string_type, input_value={bindings}, "
            "input_type=int]",
            "    For further information visit https://errors.pydantic.dev/2.11/v/string_type",
        ]
    return "\n".join(lines)
