"""Which keys a verb was told to work on: gitignore patterns, relative to each source."""

from __future__ import annotations

from collections.abc import Sequence

from kbsync.messages import Problem
from kbsync.messages import guard as say
from kbsync.model import DocKey
from kbsync.source.patterns import compiled


class Target:
    """Tells whether a key is meant.

    Args:
        patterns: gitignore patterns; a later one that matches decides. None mean everything.

    Raises:
        Problem: a pattern that cannot match anything.
    """

    def __init__(self, patterns: Sequence[str]) -> None:
        for pattern in patterns:
            if "\n" in pattern or not compiled(pattern):
                raise Problem(say.BAD_TARGET(pattern=pattern))
        self._patterns = compiled("\n".join(patterns)) if patterns else None

    def __call__(self, key: DocKey) -> bool:
        """Return whether `key` is meant: by its own path, or by a folder it is in."""
        if self._patterns is None:
            return True
        parts = key.path.split("/")
        folders = ("/".join(parts[:n]) + "/" for n in range(1, len(parts)))
        meant = False
        for path in (*folders, key.path):
            verdict = self._patterns.verdict(path)
            meant = meant if verdict is None else verdict
        return meant
