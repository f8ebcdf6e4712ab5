"""A poll is due when most of what is under way has ended; without an end it gets rarer."""

from __future__ import annotations

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
    names = [f"{n:03}.md" for n in range(count)]
    on = stage(dict.fromkeys(names, b"x"))
    on.server.latency, free_at = latency, on.clock.now()

    def indexing(name: str) -> tuple[float, str]:
        nonlocal free_at
        free_at = max(free_at, on.clock.now()) + 1 / rate
        return free_at - on.clock.now(), "fine"

    on.server.model.indexing = indexing
    began = on.clock.now()
    listing = ObservedListing(started_at=began, complete=True, documents=0)
    await run_pool(on, names, listing=listing)
    best = max(count / rate, count * latency / 4)
    assert on.clock.now() - began < 1.08 * best
    asked = on.server.count("page") + on.server.count("progress") + on.server.count("named")
    assert asked < count * (0.16 + 0.5 / rate)  # more often than every five seconds it is asked
