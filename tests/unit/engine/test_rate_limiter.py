"""The bucket: never more writes in any 60 seconds than the server allows, at many limits."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kbsync.engine.workers.rate_limiter import RateLimiter

from .fakes import most_within

GAPS = st.one_of(st.just(0.0), st.floats(0, 5), st.floats(0, 300))


@pytest.mark.parametrize("per_minute", [1, 2, 3, 9, 10, 11, 60, 100, 600, 6000])
def test_a_greedy_writer_never_exceeds_the_limit_and_nearly_reaches_it(per_minute: int) -> None:
    limiter, now, sent = RateLimiter(per_minute), 1000.0, []
    for _ in range(3 * per_minute + 5):
        now += limiter.reserve(now)
        sent.append(now)
    assert most_within(sent, 60.0) <= per_minute
    minutes = (sent[-1] - sent[0]) / 60
    assert len(sent) / minutes >= 0.5 * per_minute


@settings(max_examples=80, deadline=None)
@given(per_minute=st.integers(1, 400), gaps=st.lists(GAPS, min_size=1, max_size=150))
def test_no_rhythm_of_writers_exceeds_the_limit(per_minute: int, gaps: list[float]) -> None:
    limiter, now, sent = RateLimiter(per_minute), 0.0, []
    for gap in gaps:
        now += gap
        sent.append(now + limiter.reserve(now))  # many writers: none waits for another
    assert sent == sorted(sent)
    assert most_within(sent, 60.0) <= per_minute


def test_a_rested_writer_starts_at_once_with_a_tenth_of_the_limit() -> None:
    limiter = RateLimiter(100)
    rests = [limiter.reserve(0.0) for _ in range(12)]
    assert rests[:10] == [0.0] * 10
    assert 0 < rests[10] < rests[11]


def test_without_a_limit_no_writer_waits() -> None:
    limiter = RateLimiter(None)
    assert [limiter.reserve(0.0) for _ in range(1000)] == [0.0] * 1000


@pytest.mark.parametrize("per_minute", [None, 1, 10, 600])
def test_a_pause_rests_everybody(per_minute: int | None) -> None:
    limiter = RateLimiter(per_minute)
    limiter.pause(100.0, 60.0)
    assert limiter.paused_for(100.0) == 60.0
    assert limiter.paused_for(130.0) == 30.0
    assert limiter.paused_for(160.0) == limiter.paused_for(500.0) == 0.0
    assert limiter.reserve(110.0) >= 50.0


def test_a_shorter_pause_does_not_end_a_longer_one() -> None:
    limiter = RateLimiter()
    limiter.pause(0.0, 60.0)
    limiter.pause(1.0, 5.0)
    assert limiter.paused_for(1.0) == 59.0


@settings(max_examples=60, deadline=None)
@given(
    per_minute=st.integers(1, 100),
    steps=st.lists(st.tuples(GAPS, st.one_of(st.none(), st.floats(0, 120))), max_size=120),
)
def test_one_writer_after_another_keeps_the_limit_through_pauses(
    per_minute: int, steps: list[tuple[float, float | None]]
) -> None:
    limiter, now, sent = RateLimiter(per_minute), 0.0, []
    for gap, pause in steps:
        now += gap
        now += limiter.reserve(now)
        sent.append(now)
        if pause is not None:
            limiter.pause(now, pause)
            resumed = now + pause
            assert limiter.paused_for(now) == pytest.approx(resumed - now)
    assert most_within(sent, 60.0) <= per_minute
