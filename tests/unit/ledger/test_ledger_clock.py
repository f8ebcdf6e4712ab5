"""The ledger's clock: never back, whatever the wall does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbsync.engine.ports import Clock
from kbsync.ledger import LedgerClock


class Memory:
    def __init__(self, mark: float = 0.0) -> None:
        self.mark = mark

    def high_water(self) -> float:
        return self.mark

    def raise_high_water(self, seconds: float) -> None:
        self.mark = max(self.mark, seconds)


class Hands:
    """A wall clock that can be set, and a steady one that cannot."""

    def __init__(self, wall: float) -> None:
        self.wall = wall
        self.steady = 5.0

    def clock(self, memory: Memory) -> LedgerClock:
        return LedgerClock(memory, wall=lambda: self.wall, steady=lambda: self.steady)

    def pass_time(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds


def test_it_follows_the_wall() -> None:
    hands = Hands(1000.0)
    clock: Clock = hands.clock(Memory())
    assert clock.now() == 1000.0
    hands.pass_time(2.5)
    assert clock.now() == 1002.5
    hands.wall += 3600
    assert clock.now() == 4602.5


def test_set_back_it_goes_on_at_a_steady_pace() -> None:
    hands = Hands(1000.0)
    clock = hands.clock(Memory())
    clock.now()
    hands.wall = 10.0
    assert clock.now() == 1000.0
    hands.pass_time(4.0)
    assert clock.now() == 1004.0


def test_set_back_it_counts_steps_that_are_smaller_than_it_can_tell() -> None:
    hands = Hands(2.0**30)
    clock = hands.clock(Memory())
    clock.now()
    hands.wall = 10.0
    for _ in range(1000):
        hands.steady += 5e-8
        clock.now()
    assert clock.now() - 2.0**30 == pytest.approx(5e-5, rel=0.01)


def test_set_back_over_a_restart_it_goes_on_from_the_mark() -> None:
    memory = Memory(2000.0)
    hands = Hands(1000.0)
    clock = hands.clock(memory)
    hands.pass_time(1.0)
    assert clock.now() == 2001.0
    clock.record()
    assert memory.mark == 2001.0


@given(st.lists(st.tuples(st.floats(0, 1e6), st.floats(-1e6, 1e6)), max_size=20))
def test_it_never_goes_back(steps: list[tuple[float, float]]) -> None:
    memory, hands = Memory(), Hands(1e9)
    clock = hands.clock(memory)
    last = clock.now()
    for number, (passed, jump) in enumerate(steps):
        hands.pass_time(passed)
        hands.wall += jump
        if number % 3 == 2:
            clock.record()
            clock = hands.clock(memory)
        now = clock.now()
        assert now >= last
        last = now


@pytest.mark.anyio
async def test_it_sleeps() -> None:
    await LedgerClock(Memory()).sleep(0)
