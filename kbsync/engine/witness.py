"""Whether a source still is what it was, without walking it: one recorded file that stands."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from kbsync.engine.ports import Ledger, Source
from kbsync.model import DocKey, Present

LOOKS = 20


class Witness:
    """Finds a recorded file that stands; asks first the one that stood last.

    Args:
        mirror: the mirror's name.
        source: its folder.
        ledger: knows its files.
    """

    def __init__(self, mirror: str, source: Source, ledger: Ledger) -> None:
        self._mirror = mirror
        self._source = source
        self._ledger = ledger
        self._last: DocKey | None = None

    def stands(self, away: AbstractSet[DocKey]) -> bool:
        """Return whether any of a few recorded files stands; False proves nothing.

        Args:
            away: the keys in question, which are nobody's witness.
        """
        if self._last is not None and self._last not in away and self._testifies(self._last):
            return True
        looked = 0
        for entry in self._ledger.entries(self._mirror):
            if entry.key in away:
                continue
            if self._testifies(entry.key):
                self._last = entry.key
                return True
            looked += 1
            if looked == LOOKS:
                break
        return False

    def _testifies(self, key: DocKey) -> bool:
        recorded = self._ledger.entry(key) is not None
        return recorded and isinstance(self._source.look(key.path), Present)
