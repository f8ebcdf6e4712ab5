"""What was read of a key lately: it is asked for many times between two of its changes.

No other process changes a row under a writer (docs/design.md section 8), so that what was read
holds until this process writes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import TypeVar

from kbsync.model import DocKey

T = TypeVar("T")
MOST = 1000


class KnownRows:
    """Values that were read, by kind and key.

    Args:
        kept: whether anything is kept: not where another process writes.
    """

    def __init__(self, *, kept: bool) -> None:
        self._most = MOST if kept else 0
        self._lock = threading.Lock()
        self._values: dict[DocKey, dict[str, object]] = {}
        self._changes = 0

    def get(self, kind: str, key: DocKey, read: Callable[[], T]) -> T:
        """Return the value of `key`, which `read` reads from the database.

        Args:
            kind: what is read; always of the same type.
            key: whose value.
            read: called where it is not known.
        """
        known = self._values.get(key, {})
        if kind in known:
            return known[kind]  # type: ignore[return-value]
        changes = self._changes
        value = read()
        with self._lock:
            if changes == self._changes and self._most:  # otherwise it may be of before a change
                self._values.setdefault(key, {})[kind] = value
                while len(self._values) > self._most:
                    del self._values[next(iter(self._values))]
        return value

    def forget(self, keys: Iterable[DocKey] | None) -> None:
        """Note that the rows of `keys` were changed; None: any row may have been."""
        with self._lock:
            self._changes += 1
            if keys is None:
                self._values = {}
                return
            for key in keys:
                self._values.pop(key, None)
