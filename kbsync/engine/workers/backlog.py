"""The keys that wait for their first turn: begun in order, while the server has room."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator

from kbsync.engine.workers.canary import Canary
from kbsync.engine.workers.room import Room
from kbsync.model import DocKey


class Backlog:
    """Hands out its keys in order; those behind one that has no room wait too.

    Args:
        room: at the server.
        canary: an update that others wait for.
        needs_room: whether a key is begun only while there is room.
    """

    def __init__(self, room: Room, canary: Canary, needs_room: Callable[[DocKey], bool]) -> None:
        self._room = room
        self._canary = canary
        self._needs_room = needs_room
        self._keys: OrderedDict[DocKey, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, key: DocKey) -> bool:
        return key in self._keys

    def __iter__(self) -> Iterator[DocKey]:
        return iter(self._keys)

    def add(self, keys: Iterable[DocKey]) -> None:
        """Add `keys` behind the others, but those that take room already in front of them."""
        new = dict.fromkeys(keys)
        self._keys.update(new)
        self.put_in_front([key for key in new if self._room.is_taken(key)])

    def put_in_front(self, keys: Iterable[DocKey]) -> None:
        """Put `keys` before the others, the last of them first."""
        for key in keys:
            self._keys[key] = None
            self._keys.move_to_end(key, last=False)

    def take(self) -> DocKey | None:
        """Hand out the first key, which takes its room; None without one that may be begun."""
        key = next(iter(self._keys), None)
        if key is None:
            return None
        full = not self._room.is_taken(key) and self._room.full(key)
        if full and self._needs_room(key):
            if not (self.has_probe and self._room.probe_due()):
                return None
            self._room.let_pass(key)
        del self._keys[key]
        self._room.take(key)
        return key

    @property
    def has_probe(self) -> bool:
        """Whether its first key may be sent to see whether the server works."""
        # Where updates are not known to end, another one tells less than it may cost.
        return bool(self._keys) and self._canary.since is None
