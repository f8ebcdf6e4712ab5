"""The configuration as a JSON Schema, for editors and for `kbsync schema`."""

from __future__ import annotations

from typing import Any

from kbsync.config.declaration import Declaration

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """Return the schema of `kbsync.yaml`, with a description of every key.

    Keys marked ``reserved`` are known, and refused unless they keep their default.
    """
    schema = Declaration.model_json_schema(mode="validation")
    return {"$schema": DIALECT, **schema, "title": "kbsync.yaml"}
