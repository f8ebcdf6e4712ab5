"""A queue of keys, not of events (docs/design.md section 7). Pure: time is passed in.

Three sets do it: *dirty* keys are to be handed out, *processing* keys are out, and a key that gets
dirty while it is out is handed out again when it comes back. So no key is ever out twice.
"""

from __future__ import annotations

import heapq
from collections import OrderedDict
from collections.abc import Collection
from collections.abc import Set as AbstractSet

from kbsync.model import DocKey


class KeyQueue:
    """Coalescing queue with mutual exclusion per key and keys that wait for their time."""

    def __init__(self) -> None:
        self._dirty: OrderedDict[DocKey, None] = OrderedDict()
        self._processing: set[DocKey] = set()
        self._later: list[tuple[float, DocKey]] = []
        self._due: dict[DocKey, float] = {}

    def add(self, key: DocKey, *, first: bool = False) -> None:
        """Make `key` dirty; `first` lets a fresh edit overtake a backlog."""
        self._due.pop(key, None)
        self._dirty.setdefault(key)
        if first:
            self._dirty.move_to_end(key, last=False)

    def add_at(self, key: DocKey, due: float) -> None:
        """Make `key` dirty at `due`; an earlier time or a dirty key wins."""
        if key in self._dirty or self._due.get(key, due + 1) <= due:
            return
        self._due[key] = due  # what the heap holds of the key for a later time is stale now
        heapq.heappush(self._later, (due, key))

    def take(self, now: float) -> DocKey | None:
        """Hand out the next key that is not out already, None when there is none now."""
        self._make_due_dirty(now)
        for key in self._dirty:
            if key not in self._processing:
                del self._dirty[key]
                self._processing.add(key)
                return key
        return None

    def done(self, key: DocKey) -> None:
        """Take back a key that was handed out."""
        self._processing.discard(key)

    def reserve(self, keys: Collection[DocKey]) -> bool:
        """Take all of `keys` out at once, dirty or not; none of them when one is out already."""
        if not self._processing.isdisjoint(keys):
            return False
        self._processing.update(keys)
        return True

    def __contains__(self, key: DocKey) -> bool:
        """Whether `key` is dirty or waits for its time."""
        return key in self._dirty or key in self._due

    def next_due(self) -> float | None:
        """Return when the next waiting key is due, None when none waits."""
        self._drop_stale()
        return self._later[0][0] if self._later else None

    @property
    def keys(self) -> AbstractSet[DocKey]:
        """The keys that wait or are worked on."""
        return self._dirty.keys() | self._processing | self._due.keys()

    @property
    def idle(self) -> bool:
        """True when nothing is dirty, out or waiting for its time."""
        return not (self._dirty or self._processing or self._due)

    @property
    def waiting(self) -> int:
        """How many keys wait for their time."""
        return len(self._due)

    @property
    def out(self) -> int:
        """How many keys are out."""
        return len(self._processing)

    @property
    def active(self) -> int:
        """How many keys are dirty or out."""
        return len(self._dirty) + len(self._processing)

    def _make_due_dirty(self, now: float) -> None:
        self._drop_stale()
        while self._later and self._later[0][0] <= now:
            due, key = heapq.heappop(self._later)
            if self._due.get(key) == due:
                del self._due[key]
                self._dirty.setdefault(key)
            self._drop_stale()

    def _drop_stale(self) -> None:
        # A heap cannot remove from its middle, so stale pairs stay until they come up.
        while self._later and self._due.get(self._later[0][1]) != self._later[0][0]:
            heapq.heappop(self._later)
