"""When a task is known to be lost: proof comes first, because two tasks double the chunks."""

from __future__ import annotations

import pytest

from kbsync.planning.standstill import (
    MARGIN,
    STILL_AFTER,
    STUCK_AFTER,
    Pulse,
    Sent,
    Standing,
    judge,
)

T = 10_000.0  # when it was sent, and last moved
LATE, LATER = T + STILL_AFTER + 1, T + STUCK_AFTER + 1
AFTER = T + MARGIN + 1


def _sent(*, waiting: bool) -> Sent:
    return Sent(sent_at=T, moved_at=T, waiting=waiting)


WAITING = {
    "young": (AFTER + 60, Pulse(overtaker=AFTER), Standing.MOVES),
    "nothing else is known": (LATER, Pulse(), Standing.STANDS),
    "only earlier ones are done": (LATER, Pulse(overtaker=T - 60, ended_at=T), Standing.STANDS),
    "sent within the same breath": (LATER, Pulse(overtaker=T + MARGIN), Standing.STANDS),
    "a later one is done": (LATE, Pulse(overtaker=AFTER, moving=AFTER), Standing.LOST),
    "so is one sent before it, just now": (
        LATE,
        Pulse(overtaker=AFTER, moving=T - 60, moved_at=LATE - 1),
        Standing.MOVES,
    ),
}
BEGUN = {
    "a later one is done": (LATER, Pulse(overtaker=AFTER, ended_at=AFTER), Standing.OVERTAKEN),
    "the lock may hold it": (LATE, Pulse(overtaker=AFTER, ended_at=LATE), Standing.OVERTAKEN),
    "others are done long after it stood": (LATER, Pulse(ended_at=LATER), Standing.LOST),
    "nothing is done any more": (LATER, Pulse(), Standing.STANDS),
}


@pytest.mark.parametrize(("now", "pulse", "standing"), WAITING.values(), ids=WAITING.keys())
def test_one_that_waits(now: float, pulse: Pulse, standing: Standing) -> None:
    assert judge(_sent(waiting=True), pulse, now=now) is standing


@pytest.mark.parametrize(("now", "pulse", "standing"), BEGUN.values(), ids=BEGUN.keys())
def test_one_whose_indexing_began(now: float, pulse: Pulse, standing: Standing) -> None:
    assert judge(_sent(waiting=False), pulse, now=now) is standing
