"""Mount points among key paths: which of them a path is below. Pure."""

from __future__ import annotations

from collections.abc import Iterable


def is_at_or_below(path: str, point: str) -> bool:
    """Whether the key path `path` is `point` or below it."""
    return path == point or path.startswith(f"{point}/")


def innermost_above(path: str, points: Iterable[str]) -> str | None:
    """Return the longest of `points` that `path` is at or below; None for none."""
    above = (each for each in points if is_at_or_below(path, each))
    return max(above, key=len, default=None)
