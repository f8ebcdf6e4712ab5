"""Metadata filters of a search: which documents it looks at (docs/dify-api.md section 10)."""

from __future__ import annotations

import operator
import sqlite3
from collections.abc import Callable, Mapping
from typing import Final

from .metadata_values import stored

Test = Callable[[object, object], bool]


def matching_documents(db: sqlite3.Connection, base: str, filters: object) -> list[str] | None:
    """The ids of the documents the conditions let through; None when there are no conditions."""
    if not isinstance(filters, dict):
        return None
    conditions = [entry for entry in filters.get("conditions") or [] if isinstance(entry, dict)]
    if not conditions:
        return None
    combine = any if filters.get("logical_operator") == "or" else all
    rows = db.execute("SELECT id, metadata FROM document WHERE knowledge_base = ?", (base,))
    found = []
    for row in rows:
        values = stored(row)
        if combine(holds(condition, values) for condition in conditions):
            found.append(str(row["id"]))
    return found


def holds(condition: Mapping[str, object], values: Mapping[str, object]) -> bool:
    """Whether one condition holds; a document without the value only ever is `empty`."""
    comparison = condition.get("comparison_operator")
    have = values.get(str(condition.get("name")))
    if comparison == "empty":
        return have is None
    if have is None:
        return False
    if comparison == "not empty":
        return True
    test = _TESTS.get(str(comparison))
    return test is not None and test(have, condition.get("value"))


def _equal(have: object, want: object) -> bool:
    numbers = _numbers(have, want) if isinstance(want, int | float) else None
    return numbers[0] == numbers[1] if numbers else str(have) == str(want)


def _among(have: object, want: object) -> bool:
    choices = want if isinstance(want, list) else str(want).split(",")
    return str(have) in {str(choice).strip() for choice in choices}


def _compared(compare: Callable[[float, float], bool]) -> Test:
    def test(have: object, want: object) -> bool:
        numbers = _numbers(have, want)
        return numbers is not None and compare(*numbers)

    return test


def _numbers(have: object, want: object) -> tuple[float, float] | None:
    try:
        return float(str(have)), float(str(want))
    except ValueError:
        return None


def _not(test: Test) -> Test:
    return lambda have, want: not test(have, want)


def _contains(have: object, want: object) -> bool:
    return str(want) in str(have)


_TESTS: Final[dict[str, Test]] = {
    "contains": _contains,
    "not contains": _not(_contains),
    "start with": lambda have, want: str(have).startswith(str(want)),
    "end with": lambda have, want: str(have).endswith(str(want)),
    "is": _equal,
    "=": _equal,
    "is not": _not(_equal),
    "≠": _not(_equal),
    "in": _among,
    "not in": _not(_among),
    "before": _compared(operator.lt),
    "<": _compared(operator.lt),
    "after": _compared(operator.gt),
    ">": _compared(operator.gt),
    "≤": _compared(operator.le),
    "<=": _compared(operator.le),
    "≥": _compared(operator.ge),
    ">=": _compared(operator.ge),
}
