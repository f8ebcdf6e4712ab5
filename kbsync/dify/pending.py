"""The calls whose answers are waited for."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from kbsync.messages import Notice, moment
from kbsync.messages import remote as messages


class PendingCalls:
    """The calls to one server that are under way, the oldest first.

    Args:
        server: its address, without what is secret in it.
        wall: epoch seconds.
    """

    def __init__(self, server: str, wall: Callable[[], float] = time.time) -> None:
        self._server = server
        self._wall = wall
        self._calls: dict[object, Notice] = {}

    @contextmanager
    def noted(self, what: str, within: float) -> Iterator[None]:
        """Note a call until it is answered or given up.

        Args:
            what: the call in words.
            within: seconds after which it is given up.
        """
        key, now = object(), self._wall()
        self._calls[key] = messages.ANSWER_PENDING(
            what=what, server=self._server, since=moment(now), until=moment(now + within)
        )
        try:
            yield
        finally:
            del self._calls[key]

    def waits(self) -> Notice | None:
        """Return which answer is waited for longest; None while no call is under way."""
        return next(iter(self._calls.values()), None)
