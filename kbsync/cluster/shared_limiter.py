"""The rate limiter of a process of a cluster: it uses up slices of the shared budget."""

from __future__ import annotations

import math
import random
from typing import Protocol

from kbsync.cluster.budget import Grant
from kbsync.messages import Problem

# Of the time that the budget reckons with; the rest is for what lies between the permit and the
# call: a look at the lease, and the way to the server.
USABLE = 0.75
# Between two questions of a process that did not get all it wanted: about so many seconds.
ASK_AGAIN = 0.5


class Grants(Protocol):
    """What permits come from: `kbsync.cluster.budget.Budget`."""

    slice_seconds: float
    burst: float

    def take(self, wanted: int) -> Grant:
        """Take up to `wanted` permits."""

    def pause(self, seconds: float) -> None:
        """Let every process wait."""


class SharedLimiter:
    """Says how long a writer has to wait before its next call; as `RateLimiter` (section 7).

    The clock that `now` is of never runs slower than time does. A slice is as large as the last one
    turned out to be used: what is not used in time is lost to all.

    Args:
        budget: of the server and key.
    """

    def __init__(self, budget: Grants) -> None:
        self._budget = budget
        self._permits: float = 0
        self._used = 0
        self._wanted = 1
        self._ask_at = -math.inf
        self._paused_until = -math.inf
        self.usable_until = -math.inf

    def reserve(self, now: float) -> float:
        """Return 0.0 with a permit, to be used until `usable_until`; else when to ask again."""
        paused = self.paused_for(now)
        if paused:
            return paused
        if self._permits < 1 or now >= self.usable_until:
            if now < self._ask_at:
                return self._ask_at - now
            self._take(now)
        if self._permits < 1:
            return max(self._ask_at - now, self.paused_for(now))
        self._permits -= 1
        self._used += 1
        return 0.0

    def holds(self, now: float) -> bool:
        """Whether a wait that is over makes a permit: never, it has to be asked for."""
        return False

    def pause(self, now: float, seconds: float) -> None:
        """Let every writer of every process wait: the server said too many requests."""
        self._paused_until = max(self._paused_until, now + seconds)
        self._permits = 0
        try:
            self._budget.pause(seconds)
        except Problem:  # the others learn it from the server
            return

    def paused_for(self, now: float) -> float:
        """Return how many seconds of a pause are left, as far as it is known here."""
        return max(0.0, self._paused_until - now)

    def _take(self, now: float) -> None:
        self._permits, used, self._used = 0, self._used, 0
        # Used up before its end: more is wanted. Otherwise as much as was used.
        grows = now < self.usable_until
        self._wanted = int(min(2 * self._wanted if grows else max(1, used), self._budget.burst))
        try:
            grant = self._budget.take(self._wanted)
        except Problem:  # without the database there are no permits
            grant = Grant(0, ASK_AGAIN)
        if grant.permits:
            self._permits = grant.permits
            self.usable_until = now + USABLE * self._budget.slice_seconds
        if grant.paused:
            self._paused_until = max(self._paused_until, now + grant.wait)
        elif grant.permits < self._wanted:
            # There is no more: it is given time to fill, and not all ask at the same moment.
            self._ask_at = now + max(grant.wait, _again())


def _again() -> float:
    return ASK_AGAIN * random.uniform(0.5, 1.5)  # noqa: S311 - it keeps processes apart
