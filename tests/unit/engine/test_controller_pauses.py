"""Resyncs, pauses, suspensions, stops, and a base that is still to be made."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from kbsync.engine.control.controller import DRAIN, LONGEST_UNREACHED, Phase
from kbsync.messages import engine as say
from kbsync.model import Base, Outcome, Uploaded

from .controlled import AWAY, GRACE, WRITES, controlled, counted, every_call, filled, write_now
from .fakes import Stage, stage
from .server import Late
from .words import key_of

pytestmark = pytest.mark.anyio
AN_HOUR = 3600.0


# -- resyncs -------------------------------------------------------------------------------------


async def test_missed_changes_are_found_by_the_local_resync_without_a_listing() -> None:
    on = filled()
    async with controlled(on) as it:
        pages = on.server.count("page")
        on.source.write("00.md", b"without an event")
        state = it.controller.status
        assert state.next_local is not None
        assert 790 <= state.next_local - it.now() <= 990
        await anyio.sleep(1000)
        assert it.exact()
        assert on.server.count("page") == pages


async def test_drift_is_repaired_by_the_remote_resync() -> None:
    on = filled()
    async with controlled(on) as it:
        next(iter(on.server.documents.values())).edits = 7
        await anyio.sleep(1.2 * AN_HOUR)
        assert [call for call, _ in it.writes()] == ["update"]
        await anyio.sleep(1.2 * AN_HOUR)
        assert on.server.count("update") == 1


async def test_drift_is_only_reported_where_it_is_not_to_be_repaired() -> None:
    on = counted(stage(on_drift="report"))
    on.synced("a.md", b"text")
    async with controlled(on) as it:
        next(iter(on.server.documents.values())).edits = 7
        await anyio.sleep(3 * AN_HOUR)
        assert it.writes() == []
        assert it.controller.unmet[key_of("a.md")].message is say.HELD_DRIFT
        assert [event.outcome for event in it.events if event.action == "hold"] == ["stopped"]


async def test_resyncs_find_nothing_and_do_nothing() -> None:
    on = filled()
    async with controlled(on) as it:
        await anyio.sleep(60)
        writes = len(it.writes())
        await anyio.sleep(10 * AN_HOUR)
        assert len(it.writes()) == writes
        assert 9 <= on.server.count("page") <= 13
        assert 35 <= it.walks() <= 50


# -- pauses --------------------------------------------------------------------------------------


async def test_a_paused_controller_plans_and_writes_nothing() -> None:
    on = filled()
    async with controlled(on) as it:
        it.controller.paused = True
        await anyio.sleep(10)
        asked = [call for _, call, _ in on.server.calls if call in (*WRITES, "assign")]
        it.write("00.md", b"edited")
        it.write("new.md", b"new")
        await anyio.sleep(60)
        state = it.controller.status
        assert (state.phase, state.pending) == (Phase.PAUSED, 2)
        assert [c for _, c, _ in on.server.calls if c in (*WRITES, "assign")] == asked
        it.controller.paused = False
        await anyio.sleep(20)
        assert it.exact()
        assert [turn.phase is Phase.PAUSED for turn in it.turns] == [True, False]


async def test_read_only_from_the_start_writes_nothing_and_shows_what_would_be() -> None:
    on = filled()
    on.source.write("new.md", b"new")
    async with controlled(on, begin=False) as it:
        it.controller.read_only = True
        it.group.start_soon(it.controller.run)
        await anyio.sleep(2 * AN_HOUR)
        assert [c for _, c, _ in on.server.calls if c in (*WRITES, "assign", "make_field")] == []
        assert it.controller.status.pending >= 1
        it.controller.paused = True
        it.controller.read_only = False
        await anyio.sleep(60)
        assert it.writes() == []


async def test_a_pause_in_the_middle_of_planning_loses_no_change() -> None:
    on = filled()
    async with controlled(on) as it:
        await anyio.sleep(60)
        on.server.on_call["base"] = lambda _: setattr(on.server, "latency", 5.0)
        it.write("00.md", b"edited")
        await anyio.sleep(1.5)
        it.controller.paused = True
        it.controller.paused = False
        on.server.on_call.clear()
        on.server.latency = 0.05
        await anyio.sleep(20)
        assert it.exact()


# -- loans ---------------------------------------------------------------------------------------


async def test_a_loan_waits_for_calls_in_flight_and_everything_is_compared_after_it() -> None:
    on = filled()
    on.server.latency = 3.0
    async with controlled(on, rest=60.0) as it:
        it.write("00.md", b"edited")
        await anyio.sleep(2)
        assert on.server.in_flight == 1
        walks = it.walks()
        async with it.controller.suspended() as engine:
            assert on.server.in_flight == 0
            assert on.ledger.intents == {}
            assert it.controller.status.phase is Phase.SUSPENDED
            assert engine.mirror is on.world.mirror
            calls = len(on.server.calls)
            write_now(on.source, "01.md", b"edited meanwhile")
            await anyio.sleep(100)
            assert len(on.server.calls) == calls
        await anyio.sleep(60)
        assert it.exact()
        assert it.walks() == walks + 1
        assert on.server.count("page") == 1


async def test_loans_one_after_the_other_and_one_in_an_outage() -> None:
    on = filled()
    async with controlled(on) as it:
        every_call(on, AWAY)
        it.write("00.md", b"edited")
        await anyio.sleep(100)
        for _ in range(2):
            async with it.controller.suspended():
                assert it.controller.status.phase is Phase.SUSPENDED
        assert it.controller.status.phase is Phase.UNREACHABLE
        every_call(on, None)
        await anyio.sleep(LONGEST_UNREACHED + 60)
        assert it.exact()


async def test_a_loan_ends_a_long_listing() -> None:
    on = filled()
    on.server.latency = 50.0
    async with controlled(on, rest=120.0) as it:
        began = it.now()
        async with it.controller.suspended():
            assert it.now() == began
        on.server.latency = 0.05
        it.write("00.md", b"edited")
        await anyio.sleep(60)
        assert it.exact()


# -- stops ---------------------------------------------------------------------------------------


async def test_stopping_brings_calls_in_flight_to_their_end() -> None:
    on = filled(20)
    on.server.latency = 5.0
    async with controlled(on, rest=60.0) as it:
        for n in range(20):
            it.write(f"{n:02}.md", b"edited %d" % n)
        await anyio.sleep(8)
        it.controller.stop()
        await anyio.sleep(10)
        assert it.controller.status.phase is Phase.STOPPED
        assert it.changes.stopped == 1
        assert 1 <= on.server.count("update") <= 4
        assert on.ledger.intents == {}


async def test_what_does_not_end_in_time_remains_an_intent(monkeypatch: pytest.MonkeyPatch) -> None:
    on = filled()
    update = on.server.update

    async def sent_and_unanswered(*words: Any) -> Outcome[Uploaded]:
        content = words[3].read()
        monkeypatch.setattr(words[3], "read", lambda: content)
        monkeypatch.setattr(on.server, "latency", 500.0)
        return await update(*words)

    async with controlled(on) as it:
        monkeypatch.setattr(on.server, "update", sent_and_unanswered)
        it.write("00.md", b"edited")
        await anyio.sleep(5)
        it.controller.stop()
        await anyio.sleep(DRAIN - 1)
        assert it.controller.status.phase is not Phase.STOPPED
        await anyio.sleep(2)
        assert it.controller.status.phase is Phase.STOPPED
        assert set(on.ledger.intents) == {key_of("00.md")}
    monkeypatch.setattr(on.server, "update", update)
    monkeypatch.setattr(on.server, "latency", 0.05)
    async with controlled(on, rest=1200.0) as it:
        assert it.exact()
        assert on.ledger.intents == {}


async def test_stopping_an_idle_controller_is_immediate() -> None:
    on = filled()
    async with controlled(on) as it:
        it.write("00.md", b"edited")
        await anyio.sleep(2)  # it is being indexed, and polled
        began = it.now()
        it.controller.stop()
        await anyio.sleep(0.2)
        assert it.controller.status.phase is Phase.STOPPED
        assert it.now() - began < 1


async def test_an_upload_that_lands_after_everything_stopped_is_not_made_twice() -> None:
    on = filled()
    async with controlled(on) as it:
        on.server.faults["create"].append(Late(20.0))
        it.write("new.md", b"new")
        await anyio.sleep(2)
    async with controlled(on, rest=GRACE + 30) as it:
        assert it.exact()
        assert on.server.count("create") == 1


# -- a base that is made -------------------------------------------------------------------------


def baseless() -> Stage:
    """A mirror whose base is to be made."""
    on = counted(stage(knowledge_base="Docs"))
    on.server.base_there = False
    return on


@pytest.mark.parametrize("end", ["pause", "stop"])
async def test_a_base_is_not_made_after_an_interrupted_wait_for_a_throttled_server(
    end: str,
) -> None:
    on = baseless()
    on.source.write("a.md", b"text")
    on.server.rests_until = on.clock.now() + 100
    async with controlled(on, rest=5.0) as it:
        if end == "stop":
            it.controller.stop()
            await anyio.sleep(1)
            assert it.controller.status.phase is Phase.STOPPED
        it.controller.paused = True
        await anyio.sleep(200)
        assert not on.server.base_there
    async with controlled(on, rest=200.0) as it:
        assert it.exact()


async def test_a_base_is_not_made_after_an_interrupted_search_for_it() -> None:
    on = baseless()
    on.source.write("a.md", b"text")
    look, looks = on.server.bases_named, [0.0, 100.0]

    async def slow(name: str) -> Outcome[tuple[Base, ...]]:
        await anyio.sleep(looks.pop(0) if looks else 0.0)
        return await look(name)

    on.server.bases_named = slow  # type: ignore[method-assign]
    async with controlled(on, rest=5.0) as it:
        assert not looks
        it.controller.paused = True
        await anyio.sleep(200)
        assert not on.server.base_there
        it.controller.paused = False
        await anyio.sleep(200)
        assert it.exact()


async def test_an_empty_folder_makes_no_base_and_its_first_file_does() -> None:
    on = baseless()
    async with controlled(on) as it:
        assert not on.server.base_there
        it.write("first.md", b"first")
        await anyio.sleep(20)
        assert on.server.base_there
        assert it.exact()
        it.write("first.md", b"first, edited")
        await anyio.sleep(20)
        assert it.exact()
