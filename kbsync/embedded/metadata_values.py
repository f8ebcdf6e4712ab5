"""The metadata values of documents, as stored and as read back (docs/dify-api.md section 8)."""

from __future__ import annotations

import json
import sqlite3
from typing import Final

BUILT_IN: Final = {
    "document_name": "string",
    "uploader": "string",
    "upload_date": "time",
    "last_update_date": "time",
    "source": "string",
}
_BINDINGS: Final = """
SELECT metadata_binding.document, metadata_field.id, metadata_field.name, metadata_field.type
FROM metadata_binding JOIN metadata_field ON metadata_field.id = metadata_binding.field
WHERE metadata_binding.document IN (SELECT value FROM json_each(?))
ORDER BY metadata_field.number
"""

Details = list[dict[str, object]]


def stored(row: sqlite3.Row) -> dict[str, object]:
    """The stored values by field name."""
    values: dict[str, object] = json.loads(row["metadata"]) if row["metadata"] else {}
    return values


def details(db: sqlite3.Connection, rows: list[sqlite3.Row]) -> dict[str, Details | None]:
    """The `doc_metadata` of each document, by its id.

    None until something is assigned; then the linked fields, each with the value stored under its
    present name, and the five built-in ones.
    """
    values = {row["id"]: stored(row) for row in rows}
    named = [document for document in values if values[document]]
    found: dict[str, Details | None] = dict.fromkeys(values)
    for document in named:
        found[document] = []
    # One query for a whole page of documents.
    if named:
        for field in db.execute(_BINDINGS, (json.dumps(named),)):
            value = values[field["document"]].get(field["name"])
            _add(found, field["document"], field["id"], field["name"], field["type"], value)
    for row in rows:
        if values[row["id"]]:
            for name, value in built_in_values(row).items():
                _add(found, row["id"], "built-in", name, BUILT_IN[name], value)
    return found


def built_in_values(row: sqlite3.Row) -> dict[str, object]:
    """The values of the built-in fields of one document."""
    return {
        "document_name": row["name"],
        "uploader": "owner",
        # As text: the real server reads them back as the text of a Python float.
        "upload_date": f"{row['created_at']}.0",
        "last_update_date": f"{row['updated_at']}.0",
        "source": "file_upload",
    }


def _add(
    found: dict[str, Details | None],
    document: str,
    field: str,
    name: str,
    kind: str,
    value: object,
) -> None:
    rows = found[document]
    if rows is not None:
        rows.append({"id": field, "name": name, "type": kind, "value": value})
