"""Files that are gone, and how long: their documents stay a while. Pure: time is passed in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from kbsync.model import DocKey


@dataclass(frozen=True, slots=True)
class _Gone:
    """One file that is gone. `size`: in bytes, None when nobody knows."""

    since: float
    size: int | None


class Grace:
    """Remembers since when files are gone.

    A file that comes back meanwhile, or turns up elsewhere, has kept its document.

    Args:
        seconds: how long a file has to be gone.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._gone: dict[DocKey, _Gone] = {}
        self._by_size: dict[int | None, set[DocKey]] = defaultdict(set)
        self._next: float | None = None

    def __len__(self) -> int:
        return len(self._gone)

    @property
    def keys(self) -> Collection[DocKey]:
        """The keys of the files that are gone."""
        return self._gone.keys()

    def note(self, key: DocKey, since: float, size: int | None) -> None:
        """Note that the file of `key` is gone; what is known of it stays."""
        if key in self._gone:
            return
        self._gone[key] = _Gone(since, size)
        self._by_size[size].add(key)
        if self._next is not None:
            self._next = min(self._next, since + self._seconds)

    def forget(self, keys: Iterable[DocKey]) -> None:
        """Forget `keys`: their files are back, or their documents have been seen to."""
        for key in keys:
            gone = self._gone.pop(key, None)
            if gone is None:
                continue
            self._next = None
            alike = self._by_size[gone.size]
            alike.discard(key)
            if not alike:
                del self._by_size[gone.size]

    def over(self, key: DocKey, now: float) -> bool:
        """Whether the file of `key` is gone for long enough."""
        gone = self._gone.get(key)
        return gone is not None and gone.since + self._seconds <= now

    def ripe(self, now: float) -> set[DocKey]:
        """Return the keys whose file is gone for long enough."""
        due = self.next_due()
        if due is None or due > now:
            return set()
        return {key for key in self._gone if self.over(key, now)}

    def of_size(self, sizes: Iterable[int]) -> set[DocKey]:
        """Return the keys whose file had one of `sizes`: it may stand elsewhere now."""
        return {key for size in sizes for key in self._by_size.get(size, ())}

    def next_due(self) -> float | None:
        """Return when the next grace is over, None while no file is gone."""
        if self._next is None and self._gone:
            self._next = min(gone.since for gone in self._gone.values()) + self._seconds
        return self._next
