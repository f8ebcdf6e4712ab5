"""Waiting has a bound, and says what is waited for."""

from __future__ import annotations

import json
from functools import partial
from types import SimpleNamespace
from typing import Any

import anyio
import pytest

from kbsync.app.all_mirrors import Applied, _in_time, apply_all
from kbsync.app.stopper import Stopper
from kbsync.commands.options import Time
from kbsync.commands.patience import DRAIN, Patience
from kbsync.commands.report import show
from kbsync.engine.workers.pending_call import PendingCall, waits_for
from kbsync.engine.workers.rate_limiter import RateLimiter
from kbsync.engine.workers.throttle import ThrottledRemote
from kbsync.messages import Exit, Problem
from kbsync.model import NotReady

from .fakes import Stage, pool_of, stage
from .words import BASE, WHY, key_of

pytestmark = pytest.mark.anyio
PATHS = ("a.md", "b.md")


def _without_worker() -> Stage:
    on = stage(dict.fromkeys(PATHS, b"text"))
    on.server.on_call["progress"] = lambda _: on.server.model.lose_tasks()
    return on


async def test_after_a_minute_it_is_said_what_the_server_does_not_do() -> None:
    on, lines = _without_worker(), list[str]()
    pool, patience = pool_of(on), Patience(lines.append)

    async def work() -> int:
        patience.watch([])
        patience.watch_pool(pool)
        return (await pool.run(map(key_of, PATHS))).exit

    with pytest.raises(Problem) as over:
        await patience.carried_out(work, within=200)
    said = [line for line in lines if "KB-E189" in line]
    assert len(said) == 2  # then twice as long
    assert "(2 documents)" in said[0]
    assert over.value.exit is Exit.INDEXING
    assert "(2 documents)" in str(over.value)


async def test_a_pass_whose_time_is_over_names_what_is_left() -> None:
    on, lines = _without_worker(), list[str]()
    pool = pool_of(on)
    stopper = Stopper()
    stopper.watch(pool)
    async with anyio.create_task_group() as group:
        group.start_soon(stopper.end, anyio.current_time() + 100)
        left = _in_time(await pool.run(map(key_of, ["a.md", "b.md"])), stopper)
    assert (left.overdue, left.exit) == (True, Exit.INDEXING)
    output: Any = SimpleNamespace(say=lines.append, warn=lines.append)
    show(output, Applied(reports=(left,), halts=()), as_json=False)
    show(output, Applied(reports=(left,), halts=()), as_json=True)
    assert "KB-V191" in lines[0]
    assert lines[2:4] == ["still indexing: a.md", "still indexing: b.md"]
    assert lines[4] == "docs: 0 unchanged, 2 still indexing, interrupted"
    (told,) = json.loads(lines[-1])["mirrors"]
    assert told["overdue"]
    assert told["unfinished"] == {"indexing": ["a.md", "b.md"], "waiting": []}


async def test_a_later_mirror_whose_turn_never_came_is_named() -> None:
    stopper = Stopper()
    await stopper.end(anyio.current_time())
    engine: Any = SimpleNamespace(mirror=SimpleNamespace(name="docs"))
    done = await apply_all(
        [(engine, SimpleNamespace())],  # type: ignore[list-item]
        wait=True,
        observe=lambda event: None,
        stopper=stopper,
    )
    assert [each.problem.notice.code for each in done.halts] == ["KB-V192"]
    assert done.exit is Exit.INDEXING


async def test_what_moves_is_not_spoken_of() -> None:
    lines = list[str]()
    patience = Patience(lines.append)

    async def work() -> int:
        patience.watch([])
        for _ in range(20):
            await anyio.sleep(50)
            patience.moved()
        return 3

    assert await patience.carried_out(work) == 3
    assert not lines


async def test_what_is_in_flight_gets_a_while_to_end() -> None:
    patience = Patience(lambda line: None)

    async def work(beyond: float) -> int:
        patience.drain()
        await anyio.sleep_until(patience.ends_at + beyond)
        return 6

    assert await patience.carried_out(partial(work, DRAIN - 1), within=5) == 6
    with pytest.raises(Problem):
        await patience.carried_out(partial(work, DRAIN + 1), within=5)


async def _pending(throttled: ThrottledRemote, *, tries: int) -> PendingCall:
    """Return the call that is waited for once it was tried so often."""
    while (oldest := throttled.oldest) is None or oldest.tries < tries or oldest.until is None:  # noqa: ASYNC110
        await anyio.sleep(0.01)
    return oldest


async def test_a_call_that_is_waited_for_is_named_with_its_last_fault() -> None:
    on = stage()
    throttled = ThrottledRemote(on.server, limiter=RateLimiter(), clock=on.clock, in_flight=4)
    on.server.always["base"] = NotReady(WHY, 1.0)
    async with anyio.create_task_group() as group:
        group.start_soon(throttled.base, BASE)
        said = waits_for(await _pending(throttled, tries=3), "https://server").text
    assert said.startswith("the knowledge base is waited for from https://server since ")
    assert "(tries: 3)" in said
    assert "the next try is at" in said
    assert said.endswith(f"the last time: {WHY.text}")
    assert throttled.oldest is None


async def test_a_plan_whose_time_is_over_names_the_answer_it_waited_for() -> None:
    on = stage()
    throttled = ThrottledRemote(on.server, limiter=RateLimiter(), clock=on.clock, in_flight=4)
    on.server.always["base"] = NotReady(WHY, 1.0)
    engine: Any = SimpleNamespace(
        mirror=on.world.mirror,
        waits=lambda: waits_for(throttled.oldest, "") if throttled.oldest else None,
    )
    patience = Patience(lambda line: None)

    async def work() -> int:
        patience.watch([engine])
        while True:
            await throttled.base(BASE)

    with pytest.raises(Problem) as over:
        await patience.carried_out(work, within=7)
    assert over.value.notice.code == "KB-V190"
    assert "the knowledge base is waited for" in str(over.value)


async def test_a_call_that_waits_for_its_turn_says_so() -> None:
    on = stage()
    limiter = RateLimiter(per_minute=1)
    limiter.reserve(on.clock.now())
    throttled = ThrottledRemote(on.server, limiter=limiter, clock=on.clock, in_flight=4)
    async with anyio.create_task_group() as group:
        group.start_soon(throttled.delete, BASE, "d")
        said = waits_for(await _pending(throttled, tries=0), "https://server").text
        group.cancel_scope.cancel()
    assert "its turn comes at" in said
    assert "requests_per_minute" in said


def test_a_time_is_typed_as_configurations_have_it() -> None:
    read = partial(Time().convert, param=None, ctx=None)
    assert [read(each) for each in ("10m", "90", "", "500ms")] == [600, 90, None, 0.5]
    for wrong in ("docs", "0s", "-1", "10 minutes"):
        with pytest.raises(Exception, match="is no duration"):
            read(wrong)
