"""Signs of life: whether something of this process was heard of lately, and if not, why."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count

from kbsync.cluster.database_time import steady_seconds
from kbsync.lazy_dataclass import dataclass
from kbsync.messages import Notice, Problem


@dataclass(frozen=True, slots=True)
class Silence:
    """That something was not heard of.

    Args:
        seconds: for how long.
        notice: what kept it; None where nothing was answered at all.
    """

    seconds: float
    notice: Notice | None = None


class Sign:
    """One sign of life, which comes again and again. For one event loop alone.

    Args:
        bound: seconds that it may be away, and that an answer may take.
        now: seconds that never go back.
    """

    def __init__(self, bound: float, now: Callable[[], float] = steady_seconds) -> None:
        self._bound = bound
        self._now = now
        self._heard_at = now()
        self._asked_at: dict[int, float] = {}
        self._numbers = count()
        self._failed: Notice | None = None

    def heard(self) -> None:
        """Note that it is there."""
        self._heard_at, self._failed = self._now(), None

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Ask for it in a block: it is there when that ends well; what it raises is passed on."""
        number = next(self._numbers)
        self._asked_at[number] = self._now()
        try:
            yield
            self.heard()
        except Problem as problem:
            self._failed = problem.notice
            raise
        finally:
            del self._asked_at[number]

    def silence(self) -> Silence | None:
        """Return why it is missed; None while it is not.

        One question without an answer is enough, whatever else is heard: a connection may be half
        open, and another one well.
        """
        since = min([self._heard_at, *self._asked_at.values()])
        away = self._now() - since
        if self._failed is None and away <= self._bound:
            return None
        return Silence(away, self._failed)
