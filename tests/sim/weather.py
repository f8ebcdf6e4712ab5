"""What goes wrong during one pass, drawn from the step's own chance; and the end of a process."""

from __future__ import annotations

import random
from collections import Counter

NOT_SENT, LOST, RESET, LATE = "not sent", "lost", "reset after effect", "lands later"
THROTTLED, SLOW, BROKEN, AWAY, SHIFTED = "throttled", "slow", "5xx", "404", "shifted"
EVENT_LOST, EVENT_LATE, EVENT_TWICE, OVERFLOW = (
    "event lost",
    "event late",
    "event twice",
    "overflow",
)
FINE = "fine"

WRITES = {NOT_SENT: 2, LOST: 2, RESET: 3, LATE: 2, THROTTLED: 1, SLOW: 2, AWAY: 1}
READS = {BROKEN: 3, THROTTLED: 1, SLOW: 2, AWAY: 1}
PAGES = {BROKEN: 1, SLOW: 1, SHIFTED: 8}
EVENTS = {EVENT_LOST: 3, EVENT_LATE: 2, EVENT_TWICE: 2, OVERFLOW: 1}

# What a history met of these is a fault; "crash" is the end of a process.
FAULTS = (*WRITES, *READS, *PAGES, *EVENTS, "disk full", "unreachable")


class Crash(BaseException):
    """The process is no more: nothing of it runs on, not even what tidies up."""


class Weather:
    """Faults of one pass.

    Args:
        chance: draws them.
        reads, writes: share of the calls that go wrong.
        events: share of the events of a watch that go wrong.
        meddling: share of the calls during which something else happens.
        crash_in: the process ends at so many points from now; None for never.
        full: share of the transactions that meet a full disk.
    """

    def __init__(
        self,
        chance: random.Random,
        *,
        reads: float = 0.0,
        writes: float = 0.0,
        events: float = 0.0,
        meddling: float = 0.0,
        crash_in: int | None = None,
        full: float = 0.0,
    ) -> None:
        self.chance = chance
        self.shares = {id(READS): reads, id(PAGES): min(0.8, 5 * reads), id(WRITES): writes}
        self.shares[id(EVENTS)] = events
        self.meddling = meddling
        self.full = full
        self.met: Counter[str] = Counter()
        self.dead = False
        self._crash_in = crash_in

    @classmethod
    def drawn(cls, chance: random.Random) -> Weather:
        return cls(
            chance,
            reads=chance.choice([0.0, 0.02, 0.1]),
            writes=chance.choice([0.0, 0.15, 0.5]),
            meddling=chance.choice([0.0, 0.0, 0.1]),
            crash_in=chance.randint(1, 60) if chance.random() < 0.35 else None,
            full=0.02 if chance.random() < 0.15 else 0.0,
        )

    @classmethod
    def for_long(cls, chance: random.Random) -> Weather:
        """Return the weather of a process that lives for hours."""
        return cls(
            chance,
            reads=chance.choice([0.0, 0.02, 0.05]),
            writes=chance.choice([0.0, 0.15, 0.4]),
            events=chance.choice([0.0, 0.1, 0.5]),
            meddling=chance.choice([0.0, 0.0, 0.05]),
            crash_in=int(10 ** chance.uniform(0.5, 3)) if chance.random() < 0.4 else None,
            full=0.01 if chance.random() < 0.15 else 0.0,
        )

    @property
    def calm(self) -> bool:
        """Whether nothing can happen while an answer is on its way."""
        return self._crash_in is None and not self.meddling

    def point(self) -> None:
        """Between any two things the process does it may end.

        Raises:
            Crash: it did.
        """
        if self._crash_in is not None and not self.dead:
            self._crash_in -= 1
            self.dead = self._crash_in <= 0
            self.met["crash"] += self.dead
        if self.dead:
            raise Crash

    def end(self) -> None:
        """Let the process end at the next point."""
        self._crash_in = 1

    def fate(self, fates: dict[str, int]) -> str:
        if self.chance.random() >= self.shares[id(fates)]:
            return FINE
        fate = self.chance.choices(list(fates), list(fates.values()))[0]
        self.met[fate] += 1
        return fate

    def meddles(self) -> bool:
        return self.chance.random() < self.meddling

    def disk_is_full(self) -> bool:
        full = self.chance.random() < self.full
        self.met["disk full"] += full
        return full
