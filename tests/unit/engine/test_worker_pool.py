"""Workers around the queue: bounds that always hold, patience, giving up, and stopping."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import anyio
import pytest
from declared import one_rule

from kbsync.engine.observe.candidates import ScanTally, candidates
from kbsync.engine.observe.remote_state import refresh
from kbsync.engine.workers.pool import TRIES, UNREACHED_IN_A_ROW
from kbsync.engine.workers.rate_limiter import RateLimiter
from kbsync.engine.workers.throttle import ThrottledRemote
from kbsync.messages import Exit, Problem
from kbsync.messages import engine as say
from kbsync.model import Capability, NotReady, Throttled
from tests.model.stored_document import FAILS

from .fakes import Stage, most_within, pool_of, run_pool, stage
from .server import LOST, UNSENT
from .words import MIRROR, SETTINGS, WHY, key_of

pytestmark = pytest.mark.anyio
A = key_of("a.md")


def _many(count: int, **settings: object) -> tuple[Stage, list[str]]:
    paths = [f"{n:02}.md" for n in range(count)]
    return stage({path: path.encode() for path in paths}, **settings), paths


@pytest.mark.parametrize("most", [1, 2, 5, 20])
async def test_the_server_never_indexes_more_of_ours_than_agreed(most: int) -> None:
    on, paths = _many(24, max_indexing=most)
    report = await run_pool(on, paths)
    assert on.server.indexing_peak <= most
    assert on.server.indexing_peak > most // 2
    assert set(on.states().values()) == {"synced"}
    assert report.done == {"create": 24}


async def test_updates_count_into_the_same_bound() -> None:
    on = stage(max_indexing=2)
    for name in ("a", "b", "c", "d"):
        on.synced(f"{name}.md", b"old")
        on.source.write(f"{name}.md", b"new text")
    on.source.write("e.md", b"new")
    await run_pool(on, [f"{name}.md" for name in "abcde"])
    assert on.server.indexing_peak <= 2
    assert set(on.states().values()) == {"synced"}


@pytest.mark.parametrize("in_flight", [1, 4])
async def test_requests_in_flight_never_exceed_four(in_flight: int) -> None:
    on, paths = _many(20)
    throttled = ThrottledRemote(
        on.server, limiter=RateLimiter(), clock=on.clock, in_flight=in_flight
    )
    on.world = replace(on.world, remote=throttled)
    await run_pool(on, paths)
    assert on.server.peak <= in_flight
    assert set(on.states().values()) == {"synced"}


async def test_a_rate_limit_is_kept_over_a_whole_pass() -> None:
    on, paths = _many(30)
    throttled = ThrottledRemote(on.server, limiter=RateLimiter(10), clock=on.clock, in_flight=4)
    on.world = replace(on.world, remote=throttled)
    await run_pool(on, paths)
    assert most_within(on.server.times("create"), 60.0) <= 10
    assert set(on.states().values()) == {"synced"}


@pytest.mark.parametrize("times", [1, TRIES + 3])
async def test_throttling_costs_a_document_no_attempt(times: int) -> None:
    on = stage({"a.md": b"hello"})
    throttled = ThrottledRemote(on.server, limiter=RateLimiter(), clock=on.clock, in_flight=4)
    on.world = replace(on.world, remote=throttled)
    on.server.faults["create"].extend([Throttled(60.0)] * times)
    report = await run_pool(on, ["a.md"])
    assert on.states() == {"a.md": "synced"}
    assert report.exit is Exit.OK
    assert all(later - sooner >= 60.0 for sooner, later in pairwise(on.server.times("create")))


async def test_a_stop_does_not_wait_for_the_end_of_a_pause() -> None:
    on, paths = _many(30)
    throttled = ThrottledRemote(on.server, limiter=RateLimiter(), clock=on.clock, in_flight=4)
    on.world = replace(on.world, remote=throttled)
    on.server.always["create"] = Throttled(3600.0)
    pool = pool_of(on)

    async def stop() -> None:
        await anyio.sleep(60.0)
        pool.stop()

    with anyio.fail_after(90.0):
        async with anyio.create_task_group() as group:
            group.start_soon(stop)
            await pool.run([key_of(path) for path in paths])
    assert 1 <= on.server.count("create") <= 4
    assert on.ledger.intents == {}


async def test_a_document_that_was_throttled_is_counted_when_it_is_done() -> None:
    on = stage({"a.md": b"hello"})
    on.synced("b.md", b"old")
    on.source.remove("b.md")
    for call in ("create", "delete"):
        on.server.faults[call].extend([Throttled(1.0)] * 2)
    report = await run_pool(on, ["a.md", "b.md"])
    assert report.done == {"create": 1, "delete": 1}


async def test_a_call_that_was_not_sent_is_tried_again_with_growing_rests() -> None:
    on = stage({"a.md": b"hello"})
    on.server.faults["create"].extend([UNSENT] * (TRIES - 1))
    report = await run_pool(on, ["a.md"])
    assert on.states() == {"a.md": "synced"}
    assert report.exit is Exit.OK


async def test_one_document_that_never_gets_through_is_given_up() -> None:
    on = stage({"a.md": b"hello"})
    on.server.always["create"] = UNSENT
    report = await run_pool(on, ["a.md"])
    assert on.server.count("create") == TRIES
    assert report.stopped[A] == ("failed", WHY)
    assert report.exit is Exit.INCOMPLETE
    assert on.ledger.intents == {}


async def test_many_calls_in_a_row_that_never_get_through_end_the_pass() -> None:
    on, paths = _many(10)
    on.server.always["create"] = UNSENT
    with pytest.raises(Problem) as caught:
        await run_pool(on, paths)
    assert caught.value.notice == WHY
    assert UNREACHED_IN_A_ROW <= on.server.count("create") < UNREACHED_IN_A_ROW + 4
    assert on.ledger.intents == {}


async def test_a_wrong_moment_is_waited_for() -> None:
    on = stage()
    on.synced("a.md", b"old")
    on.source.write("a.md", b"new text")
    on.server.faults["update"].extend([NotReady(WHY, 600.0)] * 3)
    start = anyio.current_time()
    report = await run_pool(on, ["a.md"])
    assert on.states() == {"a.md": "synced"}
    assert anyio.current_time() - start > 1800.0
    assert report.exit is Exit.OK


async def test_an_edit_during_indexing_never_overlaps_and_wins_in_the_end() -> None:
    on = stage({"a.md": b"first"})
    edits = iter([b"second text", b"third, longer text"])

    def edit(_: str) -> None:
        content = next(edits, None)
        if content is not None:
            on.source.write("a.md", content)

    on.server.on_call["create"] = on.server.on_call["update"] = edit
    await run_pool(on, ["a.md"])
    await run_pool(on, ["a.md"])
    assert [each.content for each in on.server.by_name("a.md")] == [b"third, longer text"]
    assert on.server.overlaps == []


async def test_a_later_round_begins_when_the_one_before_can_be_found() -> None:
    on = stage({"new.md": b"moved"})
    on.synced("old.md", b"moved")
    on.source.remove("old.md")
    found: list[str] = []
    on.server.on_call["delete"] = lambda _: found.extend(
        on.server.show(each).readiness.value for each in on.server.by_name("new.md")
    )
    await run_pool(on, ["new.md"], ["old.md"])
    assert found == ["available"]
    assert on.states() == {"new.md": "synced"}


async def test_stopping_hands_out_no_more_keys_and_brings_calls_to_their_end() -> None:
    on, paths = _many(20)
    pool = pool_of(on)
    on.server.on_call["create"] = lambda _: pool.stop()
    report = await pool.run([key_of(path) for path in paths])
    assert report.interrupted
    assert report.exit is Exit.INCOMPLETE
    sent = on.server.count("create")
    assert 1 <= sent <= 4
    assert len(on.ledger.held) == sent
    assert on.ledger.intents == {}


async def test_what_was_never_sent_leaves_no_intent_however_it_is_cut_off() -> None:
    on, paths = _many(8)
    limiter = RateLimiter(per_minute=2)
    throttled = ThrottledRemote(on.server, limiter=limiter, clock=on.clock, in_flight=4)
    on.world = replace(on.world, remote=throttled)
    waiting: list[int] = []

    async def look_and_cut_off(scope: anyio.CancelScope) -> None:
        await anyio.sleep(70)
        waiting.append(len(on.ledger.intents))
        scope.cancel()

    async with anyio.create_task_group() as group:
        group.start_soon(look_and_cut_off, group.cancel_scope)
        await run_pool(on, paths)
    assert waiting[0] > 1
    assert on.server.count("create") > 1
    assert on.ledger.intents == {}


async def test_stopping_begins_no_key_that_waited_for_room() -> None:
    on, paths = _many(8, max_indexing=1)
    on.server.indexing = 600.0
    pool = pool_of(on)

    async def stop_later() -> None:
        await anyio.sleep(60.0)
        pool.stop()

    async with anyio.create_task_group() as group:
        group.start_soon(stop_later)
        await pool.run([key_of(path) for path in paths])
    assert on.server.count("create") == 1
    assert on.server.indexing_peak == 1


async def test_a_problem_of_one_key_ends_the_pass_after_calls_in_flight() -> None:
    on, paths = _many(6)
    on.synced("gone.md", b"x")
    on.source.remove("gone.md")
    on.server.on_call["delete"] = lambda _: setattr(on.server, "base_there", False)
    with pytest.raises(Problem):
        await run_pool(on, ["gone.md", *paths])
    assert key_of("gone.md") in on.ledger.held
    assert on.ledger.intents == {}


async def test_every_step_is_reported_with_its_outcome() -> None:
    on = stage({"a.md": b"hello"})
    on.server.failing_names.add("a.md")
    await run_pool(on, ["a.md"])
    outcomes = [(event.action, event.outcome) for event in on.events]
    assert outcomes == [("create", "done"), ("index", "failed"), ("hold", "stopped")]
    assert on.events[-1].why is not None


async def _pass(on: Stage) -> int:
    """One pass as `apply` makes it: list, survey, work; return the writes it made."""
    before = len(on.server.calls)
    listing = await refresh(on.world)
    rows = on.ledger.rows(MIRROR, one_rule(SETTINGS), listing=listing)
    states = list(candidates(MIRROR, on.source, rows, ScanTally()))
    await run_pool(on, [state.key.path for state in states], listing=listing)
    writes = ("create", "update", "delete", "switch")
    return sum(call in writes for _, call, _ in on.server.calls[before:])


async def test_a_mixed_world_converges_and_the_next_pass_writes_nothing() -> None:
    on = stage({"new.md": b"new", "lost.md": b"lost reply"})
    for name in ("same", "edited", "removed", "missing", "drifted", "failed"):
        on.synced(f"{name}.md", name.encode())
    on.source.write("edited.md", b"edited text")
    on.source.remove("removed.md")
    by_name = {each.name: each for each in on.server.documents.values()}
    del on.server.documents[by_name["missing.md"].id]
    by_name["drifted.md"].edits = 3
    by_name["failed.md"].fate = FAILS
    on.server.faults["create"].append(LOST)
    assert await _pass(on) > 0
    assert await _pass(on) == 0
    contents = {each.name: each.content for each in on.server.documents.values()}
    assert contents == on.source.contents()
    assert set(on.states().values()) == {"synced"}
    assert on.server.overlaps == []


# -- the first update on a server ----------------------------------------------------------------


def _edited(number: int) -> Stage:
    on = stage()
    for n in range(number):
        on.synced(f"{n:02}.md", b"old %d" % n)
        on.source.write(f"{n:02}.md", b"new %d" % n)
    return on


@pytest.mark.parametrize("wait", [True, False])
async def test_one_update_is_awaited_where_none_was_seen_to_end(wait: bool) -> None:
    on = _edited(10)
    on.server.indexing = 30.0
    report = await run_pool(on, on.source.files, wait=wait)
    first, *others = on.server.times("update")
    assert len(others) == 9
    assert min(others) - first >= 30.0
    assert not report.stopped
    assert on.server.capabilities.proven(Capability.UPDATE_ENDS)


async def test_an_update_that_never_ends_is_the_only_one_and_it_is_said() -> None:
    on = _edited(4)
    on.server.indexing = on.server.model.chunk_seconds = 1e9
    report = await run_pool(on, on.source.files)
    assert on.server.count("update") == 1
    assert report.notice is not None
    assert report.notice.message is say.UPDATE_UNPROVEN
    assert (report.notice.words["count"], report.waiting) == ("3", 3)
    assert report.exit is Exit.INCOMPLETE


async def test_updates_that_were_seen_to_end_do_not_wait() -> None:
    on = _edited(10)
    on.server.capabilities = on.server.capabilities.noting(Capability.UPDATE_ENDS, able=True)
    on.server.indexing = 30.0
    await run_pool(on, on.source.files)
    times = on.server.times("update")
    assert max(times) - min(times) < 30.0
