"""The ledger's clock: it never goes back, not even over a restart."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

import anyio


class HighWater(Protocol):
    """What keeps the latest time over a restart: the store."""

    def high_water(self) -> float:
        """Return the latest time that was recorded, in seconds since the epoch."""
        ...

    def raise_high_water(self, seconds: float) -> None:
        """Record a later time."""
        ...


class LedgerClock:
    """The wall clock, held up where it steps back.

    While the wall stands behind what is recorded, time goes on from there at the machine's
    steady pace. Every time in a committed change is recorded with it, so no recorded time ever
    lies in the future of `now`.

    Args:
        store: remembers the high water mark.
        wall, steady: seconds; `steady` never goes back while the machine runs.
    """

    def __init__(
        self,
        store: HighWater,
        *,
        wall: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._wall = wall
        self._steady = steady
        self._reached = store.high_water(), steady()

    def now(self) -> float:
        """Return seconds since the epoch as the ledger counts them."""
        wall, steady = self._wall(), self._steady()
        reached, at = self._reached
        held_up = reached + (steady - at)
        if wall <= held_up:
            # `_reached` stays: to add up small steps would round them away.
            return held_up
        self._reached = wall, steady
        return wall

    async def sleep(self, seconds: float) -> None:
        """Sleep for `seconds` of the event loop's time."""
        await anyio.sleep(seconds)

    def record(self) -> None:
        """Record the time now, e.g. before a shutdown."""
        self._store.raise_high_water(self.now())
