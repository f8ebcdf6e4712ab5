"""What stands beside an exported file: its metadata as YAML, its chunks as JSON lines. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from datetime import UTC, datetime

from kbsync.app.export.listing import ListedDocument
from kbsync.app.export.yaml_text import yaml_text
from kbsync.dify.schemas import ChildChunk, ChunkRow

TIME = "time"
NUMBER = "number"


def sidecar(document: ListedDocument) -> str:
    """Return the text of a document's sidecar file; empty where there is nothing to say.

    The type of a YAML value is that of its field: text, number, or a time in UTC.
    """
    said: dict[str, object] = {}
    if document.metadata:
        said["metadata"] = {name: _value(kind, value) for name, kind, value in document.metadata}
    if not document.searched:
        said["enabled"] = False
    return yaml_text(said) if said else ""


def _value(kind: str, value: str | float) -> object:
    if kind == TIME and (seconds := _number(value)) is not None:
        try:
            return datetime.fromtimestamp(seconds, UTC)
        except (ValueError, OverflowError, OSError):
            return seconds
    if kind == NUMBER and (number := _number(value)) is not None:
        return number
    return _storable(str(value))


def _number(value: str | float) -> int | float | None:
    """Return a number that servers keep as text, too."""
    if not isinstance(value, str):
        return value
    try:
        number = float(value)
    except ValueError:
        return None
    if not math.isfinite(number):
        return None
    return int(number) if number.is_integer() else number


def _storable(text: str) -> str:
    """Return `text` as a file can hold it: lone surrogates are no text."""
    return text.encode("utf-8", "replace").decode()


def chunk_lines(rows: Iterable[ChunkRow], *, qa: bool) -> Iterable[str]:
    """Yield a line of JSON for each chunk.

    Args:
        rows: with their children, where they have any.
        qa: each chunk is a question and its answer.
    """
    for row in rows:
        line: dict[str, object] = {"position": row.position, "content": row.content}
        if qa or row.answer:
            line["answer"] = row.answer or ""
        line |= {"keywords": list(row.keywords), "enabled": row.enabled}
        if row.children:
            line["children"] = list(map(_child, row.children))
        yield json.dumps(line) + "\n"


def _child(row: ChildChunk) -> dict[str, object]:
    return {"position": row.position, "content": row.content, "type": row.type}
