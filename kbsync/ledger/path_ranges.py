"""Ranges of key paths in selects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, bindparam

from kbsync.planning.path_range import PathRange

# No path is as large: the last code point there is, behind which nothing can stand.
_BEHIND_ALL = chr(0x10FFFF) * 2


def in_range(path: ColumnElement[str]) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions under which `path` is in the range that `range_values` gives."""
    first: ColumnElement[Any] = bindparam("range_first")
    end: ColumnElement[Any] = bindparam("range_end")
    return path >= first, path < end


def range_values(within: PathRange) -> Mapping[str, str]:
    """Return the values of the conditions of `in_range`."""
    end = _BEHIND_ALL if within.end is None else within.end
    return {"range_first": within.first, "range_end": end}
