"""One trouble from its beginning to its end, as one receiver is notified of it. Pure."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

# Seconds: what the guard holds back is told once it has stood still for so long, so that the
# command in it releases all of it; it is told at the latest after so long.
STILL, LATEST = 10.0, 60.0
# Seconds between two notifications of one trouble: a folder that is emptied slowly is no storm.
AGAIN = 300.0


class Episode:
    """When a receiver is to be notified of one trouble.

    Args:
        began: when it was seen first, in seconds since the epoch.

    Attributes:
        told: whether the receiver was notified.
    """

    def __init__(self, began: float) -> None:
        self.began = began
        self.told = False
        self._told_at = began
        self._released: AbstractSet[str] = frozenset()
        self._seen: AbstractSet[str] = frozenset()
        self._changed = began
        self._grew: float | None = None

    def due(self, held: AbstractSet[str] | None, now: float) -> bool:
        """Whether the receiver is to be notified now; if so it counts as done.

        Args:
            held: names each change that the guard holds back, None where it is not the guard. The
                notification is due again once there are changes that the command in the one before
                does not release.
            now: seconds since the epoch.
        """
        due = not self.told if held is None else self._is_due(held, now)
        if due:
            self.told, self._told_at, self._grew = True, now, None
            self._released = held or frozenset()
        return due

    def _is_due(self, held: AbstractSet[str], now: float) -> bool:
        if held != self._seen:
            self._seen, self._changed = held, now
        if self.told and held <= self._released:
            self._grew = None
            return False
        if self._grew is None:
            self._grew = now
        settled = _over(self._changed, STILL, now) or _over(self._grew, LATEST, now)
        return settled and (not self.told or _over(self._told_at, AGAIN, now))


def _over(since: float, seconds: float, now: float) -> bool:
    """Whether so long is over; a clock that was set back ends it."""
    return not 0 <= now - since < seconds
