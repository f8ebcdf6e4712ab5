"""Slices of a shared budget: never more calls in any window than the limit, whoever makes them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kbsync.cluster.budget import Grant
from kbsync.cluster.shared_limiter import SharedLimiter
from kbsync.messages import Problem
from kbsync.messages import ledger as messages


class Bucket:
    """The budget's row, in the time of its database."""

    def __init__(self, per_minute: int | None) -> None:
        self.slice_seconds = 2.0
        self.burst = max(1, per_minute // 10) if per_minute else math.inf
        self.rate = max(1, per_minute - self.burst) / 62.0 if per_minute else math.inf
        self.tokens, self.at, self.paused_until = self.burst, 0.0, -math.inf
        self.now = 0.0
        self.asked = 0

    def take(self, wanted: int) -> Grant:
        self.asked += 1
        if self.now < self.paused_until:
            return Grant(0, self.paused_until - self.now, paused=True)
        if math.isinf(self.burst):
            return Grant(math.inf)
        self.tokens = min(self.burst, self.tokens + (self.now - self.at) * self.rate)
        self.at = self.now
        granted = math.floor(min(wanted, self.tokens))
        self.tokens -= granted
        return Grant(granted) if granted else Grant(0, (1 - self.tokens) / self.rate)

    def pause(self, seconds: float) -> None:
        self.paused_until = max(self.paused_until, self.now + seconds)


class Process:
    """One process with a clock of its own, as many seconds apart."""

    def __init__(self, bucket: Bucket, apart: float) -> None:
        self.bucket, self.apart = bucket, apart
        self.limiter = SharedLimiter(bucket)

    def reserve(self, now: float, way: float = 0.0) -> float:
        """Ask at `now`; a question takes `way` seconds to the database."""
        self.bucket.now = max(self.bucket.now, now + way)
        return self.limiter.reserve(now + self.apart)

    def usable_for(self, now: float) -> float:
        return self.limiter.usable_until - self.apart - now


def most_within(times: list[float], window: float) -> int:
    times = sorted(times)
    return max(sum(1 for t in times[n:] if t < first + window) for n, first in enumerate(times))


STEPS = st.lists(
    st.tuples(
        st.integers(0, 3),  # which process
        st.one_of(st.just(0.0), st.floats(0, 0.3), st.floats(0, 70)),  # seconds passed
        st.floats(0, 0.2),  # the way to the database
        st.floats(0, 1),  # how late in its time a permit is used
        st.integers(1, 40),  # calls
    ),
    max_size=60,
)


@settings(max_examples=150, deadline=None)
@given(per_minute=st.integers(1, 300), steps=STEPS)
def test_no_rhythm_of_four_processes_exceeds_the_limit(
    per_minute: int, steps: list[tuple[int, float, float, float, int]]
) -> None:
    bucket = Bucket(per_minute)
    processes = [Process(bucket, apart) for apart in (0.0, 7200.0, -7200.0, 0.5)]
    now, calls = 1000.0, []
    for which, passed, way, late, count in steps:
        now += passed
        for _ in range(count):
            if processes[which].reserve(now, way) <= 0:
                calls.append(now + late * processes[which].usable_for(now))
    if calls:
        assert most_within(calls, 60.0) <= per_minute


def test_greedy_processes_nearly_reach_the_limit_with_few_questions() -> None:
    bucket = Bucket(600)
    processes = [Process(bucket, 0.0) for _ in range(4)]
    now, end, calls = 0.0, 180.0, 0
    while now < end:
        for each in processes:
            while each.reserve(now) <= 0:
                calls += 1
        now += 0.05
    assert calls >= 0.85 * 600 * 3
    assert bucket.asked < 2.5 * end * len(processes), "each asks about twice a second"


def test_what_is_not_used_in_time_is_asked_for_again() -> None:
    bucket = Bucket(600)
    process = Process(bucket, 0.0)
    for now in (0.0, 0.01, 0.02, 0.03):
        assert process.reserve(now) == 0.0
    asked = bucket.asked
    assert process.reserve(60.0) == 0.0
    assert bucket.asked == asked + 1
    assert process.limiter.usable_until == pytest.approx(61.5)


def test_a_pause_holds_all_processes_that_ask() -> None:
    bucket = Bucket(None)
    one, other = Process(bucket, 0.0), Process(bucket, 0.0)
    assert (one.reserve(0.0), other.reserve(0.0)) == (0.0, 0.0)
    one.limiter.pause(0.0, 30.0)
    assert one.reserve(1.0) == 29.0
    assert other.reserve(1.0) == 0.0, "its slice is not over yet"
    assert other.reserve(2.0) == 28.0
    assert other.limiter.paused_for(2.0) == 28.0
    assert other.reserve(30.0) == 0.0
    assert not other.limiter.holds(30.0)


def test_without_a_limit_a_question_lasts_as_long_as_a_slice() -> None:
    bucket = Bucket(None)
    process = Process(bucket, 0.0)
    for step in range(1000):
        assert process.reserve(step * 0.01) == 0.0
    assert bucket.asked == 7


def test_without_the_database_there_are_no_permits() -> None:
    class Away(Bucket):
        def take(self, wanted: int) -> Grant:
            raise Problem(messages.LOST(place="l", why="w"))

        pause = take  # type: ignore[assignment]

    process = Process(Away(600), 0.0)
    assert process.reserve(0.0) > 0
    process.limiter.pause(0.0, 5.0)
    assert process.reserve(0.0) == 5.0
