"""Writes per minute to one server with one key (docs/design.md section 7). Pure: time passed in.

A server that counts refused calls into a sliding window (docs/dify-api.md section 12) must never
see more than its limit in any window, so burst and refill together stay below it.
"""

from __future__ import annotations

import math
from typing import Protocol

WINDOW = 60.0


class WriteLimit(Protocol):
    """What a writer waits for before its call; `now`: seconds that never go back."""

    @property
    def usable_until(self) -> float:
        """The last moment for a call with the permit that was given last."""

    def reserve(self, now: float) -> float:
        """Return 0.0 with a permit, or the seconds to wait."""

    def holds(self, now: float) -> bool:
        """Whether a wait that is over is a permit; otherwise `reserve` is asked again."""

    def pause(self, now: float, seconds: float) -> None:
        """Let every writer wait."""

    def paused_for(self, now: float) -> float:
        """Return how many seconds of a pause are left."""


class RateLimiter:
    """Says how long a writer has to wait before its next call.

    Args:
        per_minute: writes the server allows in any 60 seconds; None for no limit.
    """

    usable_until = math.inf

    def __init__(self, per_minute: int | None = None) -> None:
        # A burst of a tenth, and a refill that leaves room for it in every window.
        self._burst = max(1, per_minute // 10) if per_minute else 0
        self._interval = WINDOW / max(1, per_minute - self._burst) if per_minute else 0.0
        self._free_at = float("-inf")
        self._paused_until = float("-inf")

    def reserve(self, now: float) -> float:
        """Reserve the next moment for a write; return the seconds until then."""
        start = max(now, self._paused_until)
        if not self._burst:  # no limit, but a pause counts
            return start - now
        earliest = start - self._interval * (self._burst - 1)
        self._free_at = max(self._free_at, earliest)
        due = max(start, self._free_at)
        self._free_at += self._interval
        return due - now

    def holds(self, now: float) -> bool:
        """Whether a moment that was reserved counts: not where a pause came meanwhile."""
        return not self.paused_for(now)

    def pause(self, now: float, seconds: float) -> None:
        """Let every writer wait: the server said too many requests."""
        self._paused_until = max(self._paused_until, now + seconds)

    def paused_for(self, now: float) -> float:
        """Return how many seconds of a pause are left."""
        return max(0.0, self._paused_until - now)
