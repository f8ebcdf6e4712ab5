"""Metadata filters of a search: which documents they let through (docs/dify-api.md section 10)."""

from __future__ import annotations

import operator
import sqlite3
from collections.abc import Callable, Mapping
from typing import Final

from .metadata_values import stored

Comparison = Callable[[object, object], bool]


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
        if combine(_holds(condition, values) for condition in conditions):
            found.append(str(row["id"]))
    return found


def _holds(condition: Mapping[str, object], values: Mapping[str, object]) -> bool:
    """Whether one condition holds; of a document without the value only `empty` does."""
    comparison = condition.get("comparison_operator")
    have = values.get(str(condition.get("name")))
    if comparison == "empty":
        return have is None
    if have is None:
        return False
    if comparison == "not empty":
        return True
    test = _COMPARISONS.get(str(comparison))
    return test is not None and test(have, condition.get("value"))


def _equal(have: object, want: object) -> bool:
    numbers = _numbers(have, want) if isinstance(want, int | float) else None
    return numbers[0] == numbers[1] if numbers else str(have) == str(want)


def _among(have: object, want: object) -> bool:
    choices = want if isinstance(want, list) else str(want).split(",")
    return str(have) in {str(choice).strip() for choice in choices}


def _numeric(compare: Callable[[float, float], bool]) -> Comparison:
    def test(have: object, want: object) -> bool:
        numbers = _numbers(have, want)
        return numbers is not None and compare(*numbers)

    return test


def _numbers(have: object, want: object) -> tuple[float, float] | None:
    try:
        return float(str(have)), float(str(want))
    except ValueError:
        return None


def _negated(test: Comparison) -> Comparison:
    return lambda have, want: not test(have, want)


def _contains(have: object, want: object) -> bool:
    return str(want) in str(have)


_COMPARISONS: Final[dict[str, Comparison]] = {
    "contains": _contains,
    "not contains": _negated(_contains),
    "start with": lambda have, want: str(have).startswith(str(want)),
    "end with": lambda have, want: str(have).endswith(str(want)),
    "is": _equal,
    "=": _equal,
    "is not": _negated(_equal),
    "≠": _negated(_equal),
    "in": _among,
    "not in": _negated(_among),
    "before": _numeric(operator.lt),
    "<": _numeric(operator.lt),
    "after": _numeric(operator.gt),
    ">": _numeric(operator.gt),
    "≤": _numeric(operator.le),
    "<=": _numeric(operator.le),
    "≥": _numeric(operator.ge),
    ">=": _numeric(operator.ge),
}
