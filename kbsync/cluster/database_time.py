"""The time of the database: all processes of a cluster go by it, whatever their clocks say."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import Double, bindparam, cast, func

# Within a transaction it goes on, and after a wait for a row it is later.
NOW = func.clock_timestamp()


def epoch(moment: Any) -> Any:
    """Return a moment in seconds since the epoch; a column keeps its name."""
    found = cast(func.extract("epoch", moment), Double)
    return found.label(moment.name)


def seconds(name: str) -> Any:
    """Return as many seconds as the value `name` says, NULL for None."""
    return func.make_interval(0, 0, 0, 0, 0, 0, bindparam(name, type_=Double))


def steady_seconds() -> float:
    """Return seconds that go on while the machine sleeps, where the system counts these."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class DatabaseTime:
    """Seconds since the epoch as the database counted them when it was last asked, and since.

    It is the wall of a `LedgerClock`, which never goes back.

    Args:
        steady: seconds that never go back.
    """

    def __init__(self, steady: Callable[[], float] = steady_seconds) -> None:
        self._steady = steady
        self._offset: float | None = None

    def measure(self, ask: Callable[[], float]) -> None:
        """Ask the database for its time.

        Args:
            ask: returns it; that the answer may be as old as the question does no harm.
        """
        answer = ask()
        self._offset = answer - self._steady()

    def now(self) -> float:
        """Return the database's time, late by an answer's way at most.

        Raises:
            RuntimeError: it was never measured.
        """
        if self._offset is None:
            raise RuntimeError("the database was not asked for its time yet")
        return self._steady() + self._offset
