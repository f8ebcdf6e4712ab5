"""docs/logs.md names every event and every field of the log."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "logs.md").read_text("utf-8")
NAMED = set(re.findall(r"`([^`\n]+)`", PAGE))
LEVELS = {"debug", "info", "warning", "error", "log", "say", "fault", "_fault", "line"}
WRITERS = ("_log", "log", "get_logger()", "structlog.get_logger()")
# Arguments of the calls that are no fields.
NO_FIELDS = {"exc_info"}


def calls() -> Iterator[ast.Call]:
    """Yield every call that writes a line of the log."""
    for folder in ("service", "app", "web"):
        for file in sorted((ROOT / "kbsync" / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                if isinstance(node, ast.Call) and writes(node.func):
                    yield node


def writes(function: ast.expr) -> bool:
    if isinstance(function, ast.Name):
        return function.id in {"_fault", "level", "line"}
    if not isinstance(function, ast.Attribute) or function.attr not in LEVELS:
        return False
    return ast.unparse(function.value).endswith(WRITERS)


def test_every_event_is_on_the_page() -> None:
    events = {
        each.value
        for call in calls()
        for each in ast.walk(call.args[0] if call.args else ast.Constant(value=None))
        if isinstance(each, ast.Constant) and isinstance(each.value, str)
    }
    assert len(events) > 20
    assert events - NAMED == set()


def test_every_field_is_on_the_page() -> None:
    fields = {each.arg for call in calls() for each in call.keywords if each.arg} - NO_FIELDS
    assert {"mirror", "seconds", "digest", "version", "ms"} <= fields
    assert fields - NAMED == set()
