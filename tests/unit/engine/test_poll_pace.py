"""A poll is due when most of what is under way has ended; without an end it gets rarer."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbsync.engine.execute.poll_pace import LONGEST, SHORTEST, SHORTEST_ALONE, PollPace
from kbsync.engine.ports import ObservedListing

from .fakes import run_pool, stage

ROOM = 20


@given(st.lists(st.tuples(st.floats(0, 100), st.integers(0, 50), st.integers(0, 50)), max_size=20))
def test_an_interval_is_never_too_short_nor_too_long(
    polls: list[tuple[float, int, int]],
) -> None:
    pace, now = PollPace(0.0), 0.0
    for rest, ended, under_way in polls:
        now += rest
        pace.poll(now)
        pace.polled(now + 0.01, ended=ended, under_way=under_way)
        assert SHORTEST_ALONE <= pace.interval <= LONGEST


def test_it_grows_slowly_where_ends_get_rarer() -> None:
    pace = PollPace(0.0)
    pace.poll(100.0)
    pace.polled(100.0, ended=1, under_way=ROOM)
    assert pace.interval == 2 * SHORTEST


def test_what_is_sent_shortens_it_only_where_no_rate_is_known() -> None:
    pace = PollPace(0.0)
    for _ in range(20):
        pace.polled(0.0, ended=0, under_way=ROOM)
    assert pace.interval == LONGEST
    pace.restart(alone=False)
    assert pace.interval == SHORTEST
    pace.poll(9.0)
    pace.polled(9.0, ended=9, under_way=ROOM)
    seen = pace.interval
    pace.restart(alone=False)
    assert pace.interval == seen > SHORTEST
    pace.restart(alone=True)
    assert pace.interval == SHORTEST_ALONE


@pytest.mark.anyio
@pytest.mark.parametrize("latency", [0.005, 0.05])
@pytest.mark.parametrize("rate", [1.0, 4.0, 20.0, 80.0])
async def test_a_server_never_waits_for_a_poll(rate: float, latency: float) -> None:
    """One worker at the server, which indexes one document after the other."""
    count = 300
    first = await _first_apply(count, rate=rate, latency=latency)
    best = max(count / rate, count * latency / 4)
    assert first.seconds < 1.08 * best
    assert first.asked < count * (0.16 + 0.5 / rate)  # more often than every five seconds


@pytest.mark.anyio
async def test_a_server_that_indexes_at_once_is_asked_rarely_where_no_room_is_declared() -> None:
    usual = await _first_apply(300, rate=200.0, latency=0.05)
    fewer = await _first_apply(300, rate=200.0, latency=0.05, declared=False)
    assert fewer.seconds <= 1.02 * usual.seconds
    assert fewer.asked < 0.7 * usual.asked


@pytest.mark.anyio
@pytest.mark.parametrize("rate", [1.0, 4.0, 15.0])
async def test_at_any_other_no_more_are_under_way_than_by_default(rate: float) -> None:
    first = await _first_apply(100, rate=rate, latency=0.05, declared=False)
    assert 10 < first.most <= ROOM


@dataclass(frozen=True)
class FirstApply:
    """How long it took, how often it was asked how far it is, and the most that were queued."""

    seconds: float
    asked: int
    most: int


async def _first_apply(
    count: int, *, rate: float, latency: float, declared: bool = True
) -> FirstApply:
    names = [f"{n:03}.md" for n in range(count)]
    on = stage(dict.fromkeys(names, b"x"), **({} if declared else {"max_indexing": None}))
    on.world = replace(on.world, technique="high_quality")
    on.server.latency, free_at = latency, on.clock.now()
    ends: list[float] = []
    most = 0

    def indexing(name: str) -> tuple[float, str]:
        nonlocal free_at, most
        now = on.clock.now()
        free_at = max(free_at, now) + 1 / rate
        ends.append(free_at)
        most = max(most, sum(end > now for end in ends))
        return free_at - now, "fine"

    on.server.model.indexing = indexing
    began = on.clock.now()
    listing = ObservedListing(started_at=began, complete=True, documents=0)
    await run_pool(on, names, listing=listing)
    calls = ("page", "progress", "named")
    return FirstApply(on.clock.now() - began, sum(map(on.server.count, calls)), most)
