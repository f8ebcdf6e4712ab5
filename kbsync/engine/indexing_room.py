"""The room a base has for documents that are being indexed: all mirrors on the base share it.

Where a server loses what is indexed at the same time from search, only one document takes room,
and a search proves something only while nothing else is on its way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from kbsync.model import DocKey


class IndexingRoom:
    """What is on its way to one base.

    Attributes:
        resting: keys whose documents are indexed and not searched for yet.
    """

    def __init__(self) -> None:
        self.resting: set[DocKey] = set()
        self._alone = 0
        self._taken: dict[object, Callable[[], set[DocKey]]] = {}
        self._wake: dict[object, Callable[[], None]] = {}

    @contextmanager
    def joined(
        self, who: object, taken: Callable[[], set[DocKey]], wake: Callable[[], None]
    ) -> Iterator[None]:
        """Share the room for as long as the context lasts.

        Args:
            who: one pool.
            taken: returns the keys it sends and follows.
            wake: called when there may be more room.
        """
        self._taken[who], self._wake[who] = taken, wake
        try:
            yield
        finally:
            self.resting -= taken()
            del self._taken[who], self._wake[who]
            self.wake()

    def taken(self) -> set[DocKey]:
        """Return the keys of all pools that are being sent or followed."""
        return set().union(*(taken() for taken in self._taken.values()))

    @property
    def quiet(self) -> bool:
        """Nothing is on its way: what was sent is indexed, and nothing is about to be sent."""
        return not self.closed and self.taken() <= self.resting

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Let nothing be begun for as long as the context lasts."""
        self._alone += 1
        try:
            yield
        finally:
            self._alone -= 1
            self.wake()

    @property
    def closed(self) -> bool:
        """Whether nothing is begun, because documents are searched for or repaired."""
        return self._alone > 0

    def wake(self) -> None:
        """Wake every pool: there may be more room."""
        for wake in list(self._wake.values()):
            wake()


class IndexingRooms:
    """The rooms of all bases that one process fills."""

    def __init__(self) -> None:
        self._rooms: dict[tuple[str, str], IndexingRoom] = {}

    def of(self, server: str, base_id: str) -> IndexingRoom:
        """Return the room of a base of the server at that address."""
        return self._rooms.setdefault((server, base_id), IndexingRoom())
