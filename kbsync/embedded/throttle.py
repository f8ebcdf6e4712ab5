"""The cloud's rate limit: a sliding window that counts refused calls too (section 12)."""

from __future__ import annotations

import time
from collections import deque
from typing import Final

from .envelope import forbidden

WINDOW_SECONDS: Final = 60.0


class Throttle:
    """Counts calls of the last minute. Only used from the event loop, so it needs no lock."""

    def __init__(self, *, limit: int) -> None:
        self._limit = limit
        self._calls: deque[float] = deque()

    def count(self) -> None:
        """Count one call; refuse it when the window held `limit` calls already."""
        moment = time.monotonic()
        while self._calls and self._calls[0] <= moment - WINDOW_SECONDS:
            self._calls.popleft()
        self._calls.append(moment)
        if len(self._calls) > self._limit:
            raise forbidden(
                "Sorry, you have reached the knowledge base request rate limit of your "
                "subscription."
            )
