"""The keeper in trouble: outages, refusals, canaries, resyncs, pauses, loans and stops."""

from __future__ import annotations

import anyio
import pytest

from kbsync.engine.drive import TRIES
from kbsync.engine.keep import CANARY_WAITS, DRAIN, Phase
from kbsync.engine.pace import LONGEST_PROBE, jittered, rest_after
from kbsync.messages import engine as say
from kbsync.messages import remote as remote_say
from kbsync.model import Capabilities, NotSent, Unauthorized

from .fakes import Stage, stage
from .kept import GRACE, WRITES, Kept, counted, kept, write_now
from .server import LOST, UNSENT, Late
from .words import WHY, key_of

pytestmark = pytest.mark.anyio
AWAY = NotSent(remote_say.CANNOT_CONNECT(what="a call", url="http://fake", words="refused"))
REFUSED = Unauthorized(remote_say.WRONG_KEY(what="a call", words="no"))
CALLS = ("base", "page", "named", "document", "progress", "fields", "create", "update", "assign")
AN_HOUR = 3600.0


def _filled(count: int = 3) -> Stage:
    on = counted(stage(settle=0.0))
    for n in range(count):
        on.synced(f"{n:02}.md", b"page %d" % n)
    return on


def _all(on: Stage, fault: object) -> None:
    """Every call from now on ends so; None ends that."""
    for call in (*CALLS, "delete", "make_field"):
        on.server.always[call] = fault  # type: ignore[assignment]


def _phases(it: Kept) -> list[Phase]:
    return [turn.phase for turn in it.turns]


# -- a server that is away -----------------------------------------------------------------------


async def test_an_outage_costs_back_off_and_comes_to_its_end_by_itself() -> None:
    on = _filled()
    async with kept(on) as it:
        _all(on, AWAY)
        for n in range(600):  # ten minutes of steady edits
            it.write(f"{n % 50}.md", b"edit %d" % n)
            await anyio.sleep(1)
        state = it.keeper.state
        assert state.phase is Phase.UNREACHABLE
        assert state.why == AWAY.why
        assert [turn.phase for turn in it.turns] == [Phase.UNREACHABLE]
        assert [event for event in it.events if event.outcome == "waiting"] == []
        tried = [at for at, call, _ in on.server.calls if at > it.now() - 300]
        assert len(tried) <= 60  # a probe is one read, and is patient
        _all(on, None)
        await anyio.sleep(LONGEST_PROBE + 60)
        assert it.exact()
        assert len(it.turns) == 2
        assert on.server.overlaps == []


async def test_an_outage_costs_no_memory() -> None:
    on = _filled()
    async with kept(on) as it:
        _all(on, AWAY)
        for n in range(120):
            paths = [f"{n}-{k}.md" for k in range(200)]
            for path in paths:
                on.source.write(path, b"x")
            it.changes.tell(*paths)
            await anyio.sleep(1)
        assert it.keeper.state.phase is Phase.UNREACHABLE
        assert it.keeper.state.pending <= 10_000
        assert len(it.keeper._standing.settling._order) <= 10_000


async def test_one_call_that_is_not_sent_is_no_outage() -> None:
    on = _filled()
    async with kept(on) as it:
        on.server.faults["update"].append(UNSENT)
        it.write("00.md", b"edited")
        await anyio.sleep(20)
        assert it.exact()
        assert it.turns == []


async def test_an_outage_in_the_middle_of_indexing_loses_nothing() -> None:
    on = _filled()
    on.server.indexing = 60.0
    async with kept(on) as it:
        it.write("new.md", b"new")
        await anyio.sleep(10)
        _all(on, AWAY)
        await anyio.sleep(600)
        assert it.keeper.state.phase is Phase.UNREACHABLE
        _all(on, None)
        await anyio.sleep(LONGEST_PROBE + 120)
        assert on.states()["new.md"] == "synced"
        assert on.server.count("create") == 1


async def test_a_server_that_is_away_at_the_start_is_waited_for() -> None:
    on = _filled()
    on.source.write("new.md", b"new")
    _all(on, AWAY)
    async with kept(on, rest=300.0) as it:
        assert it.keeper.state.phase is Phase.UNREACHABLE
        assert it.changes.started == 1
        _all(on, None)
        await anyio.sleep(LONGEST_PROBE + 60)
        assert it.exact()


def test_rests_grow_to_a_cap_and_are_never_the_same() -> None:
    rests = [rest_after(50, longest=60.0) for _ in range(50)]
    assert max(rests) <= 60.0
    assert len(set(rests)) > 40
    assert max(rest_after(1) for _ in range(50)) <= 2.0
    assert {90.0 <= jittered(100.0) <= 110.0 for _ in range(50)} == {True}


# -- problems ------------------------------------------------------------------------------------


async def test_a_base_that_is_gone_halts_and_is_probed_until_it_is_back() -> None:
    on = _filled()
    async with kept(on) as it:
        on.server.base_there = False
        it.write("00.md", b"edited")
        await anyio.sleep(600)
        state = it.keeper.state
        assert state.phase is Phase.HALTED
        assert state.why is not None
        assert state.why.message is say.BASE_UNKNOWN or state.why.message is say.BASE_GONE
        assert it.writes() == []
        on.server.base_there = True
        pages = on.server.count("page")
        await anyio.sleep(LONGEST_PROBE + 30)
        assert it.exact()
        assert on.server.count("page") > pages  # who knows what became of it
        assert len(it.turns) == 2


async def test_a_key_that_may_not_write_halts_with_growing_rests() -> None:
    on = _filled()
    async with kept(on) as it:
        on.server.always["update"] = REFUSED  # type: ignore[assignment]
        it.write("00.md", b"edited")
        await anyio.sleep(AN_HOUR)
        assert it.keeper.state.phase is Phase.HALTED
        assert 2 <= on.server.count("update") <= 40
        on.server.always["update"] = None
        await anyio.sleep(700)
        assert it.exact()
        assert it.keeper.state.phase is Phase.WATCHING


async def test_a_nudge_tries_at_once() -> None:
    on = _filled()
    async with kept(on) as it:
        on.server.always["update"] = REFUSED  # type: ignore[assignment]
        it.write("00.md", b"edited")
        await anyio.sleep(AN_HOUR)
        on.server.always["update"] = None
        it.keeper.nudge(listing=False)
        await anyio.sleep(5)
        assert it.exact()


async def test_another_kbsync_that_took_over_halts_without_a_write() -> None:
    on = _filled()
    async with kept(on) as it:
        await anyio.sleep(60)
        for stored in on.server.documents.values():
            stored.metadata["kbsync_owner"] = "somebody-else"
        it.keeper.nudge(listing=True)
        await anyio.sleep(1000)
        state, pages = it.keeper.state, on.server.count("page")
        assert state.phase is Phase.HALTED
        assert state.why is not None
        assert state.why.message is say.OTHER_KBSYNC
        await anyio.sleep(AN_HOUR)
        assert on.server.count("page") - pages <= 40  # a listing is dear: rests up to ten minutes


# -- failures of one key -------------------------------------------------------------------------


async def test_a_key_that_was_given_up_is_tried_again_at_the_next_resync() -> None:
    on = _filled()
    async with kept(on) as it:
        on.server.faults["create"].extend([UNSENT] * TRIES)
        it.write("new.md", b"new")
        await anyio.sleep(300)
        assert on.server.count("create") == TRIES
        assert it.keeper.unmet == {key_of("new.md"): WHY}
        await anyio.sleep(1000)
        assert it.exact()
        assert it.keeper.unmet == {}


async def test_what_stays_unmet_is_told_once() -> None:
    on = _filled()
    on.server.put("taken.md", b"somebody's own")
    async with kept(on) as it:
        it.write("taken.md", b"ours")
        await anyio.sleep(3 * AN_HOUR)
        told = [event for event in it.events if event.key == key_of("taken.md")]
        assert [event.outcome for event in told] == ["stopped"]
        assert set(it.keeper.unmet) == {key_of("taken.md")}
        it.remove("taken.md")
        await anyio.sleep(AN_HOUR)
        assert it.keeper.unmet == {}


async def test_an_upload_nobody_answered_is_found_and_not_sent_twice() -> None:
    on = _filled()
    async with kept(on) as it:
        on.server.faults["create"].append(LOST)
        it.write("new.md", b"new")
        await anyio.sleep(60)
        assert it.exact()
        assert on.ledger.intents == {}


# -- the canary ----------------------------------------------------------------------------------


async def test_on_an_unknown_version_one_update_is_awaited_before_the_second() -> None:
    on = _filled(10)
    on.server.indexing = 30.0
    async with kept(on) as it:
        for n in range(10):
            it.write(f"{n:02}.md", b"edited %d" % n)
        await anyio.sleep(20)
        assert on.server.count("update") == 1
        assert it.keeper.state.pending == 9
        await anyio.sleep(20)
        assert on.server.count("update") == 10
        await anyio.sleep(120)
        assert it.exact()
        for n in range(10):
            it.write(f"{n:02}.md", b"edited again %d" % n)
        await anyio.sleep(10)
        assert on.server.count("update") == 20  # this version is known by now


async def test_new_files_do_not_wait_for_the_canary() -> None:
    on = _filled()
    on.server.indexing = 30.0
    async with kept(on) as it:
        it.write("00.md", b"edited")
        it.write("01.md", b"edited too")
        it.write("new.md", b"new")
        await anyio.sleep(10)
        assert on.server.count("update") == 1
        assert on.server.count("create") == 1


async def test_a_server_whose_updates_never_end_gets_one_and_it_is_said() -> None:
    on = _filled()
    async with kept(on) as it:
        on.server.indexing = 1e9
        for n in range(3):
            it.write(f"{n:02}.md", b"edited %d" % n)
        await anyio.sleep(CANARY_WAITS + 100)
        assert on.server.count("update") == 1
        why = it.keeper.state.why
        assert why is not None
        assert why.message is say.UPDATE_UNPROVEN
        assert why.words["count"] == "2"


async def test_a_version_with_a_known_way_round_needs_no_canary() -> None:
    on = _filled(3)
    on.server.able = Capabilities(version="1.12.1", update_wedges=True)
    on.server.indexing = 30.0
    async with kept(on) as it:
        for n in range(3):
            it.write(f"{n:02}.md", b"edited %d" % n)
        await anyio.sleep(10)
        assert on.server.count("create") == 3  # by their names, which keeps the ids
        await anyio.sleep(100)
        assert it.exact()


async def test_a_canary_that_failed_lets_the_next_one_go() -> None:
    on = _filled()
    async with kept(on) as it:
        on.server.faults["update"].append(UNSENT)
        on.server.faults["update"].extend([UNSENT] * (TRIES - 1))
        for n in range(2):
            it.write(f"{n:02}.md", b"edited %d" % n)
            await anyio.sleep(0.1)
        await anyio.sleep(400)
        assert on.server.by_name("01.md")[0].content == b"edited 1"


# -- resyncs -------------------------------------------------------------------------------------


async def test_missed_changes_are_found_by_the_local_resync_without_a_listing() -> None:
    on = _filled()
    async with kept(on) as it:
        pages = on.server.count("page")
        on.source.write("00.md", b"nobody told")
        state = it.keeper.state
        assert state.next_local is not None
        assert 790 <= state.next_local - it.now() <= 990
        await anyio.sleep(1000)
        assert it.exact()
        assert on.server.count("page") == pages


async def test_drift_is_repaired_by_the_remote_resync() -> None:
    on = _filled()
    async with kept(on) as it:
        next(iter(on.server.documents.values())).extra_words = 7
        await anyio.sleep(1.2 * AN_HOUR)
        assert [call for call, _ in it.writes()] == ["update"]
        await anyio.sleep(1.2 * AN_HOUR)
        assert on.server.count("update") == 1


async def test_drift_is_only_reported_where_it_is_not_to_be_repaired() -> None:
    on = counted(stage(settle=0.0, repair_drift=False))
    on.synced("a.md", b"text")
    async with kept(on) as it:
        next(iter(on.server.documents.values())).extra_words = 7
        await anyio.sleep(3 * AN_HOUR)
        assert it.writes() == []
        assert it.keeper.unmet[key_of("a.md")].message is say.HELD_DRIFT
        assert [event.outcome for event in it.events if event.action == "hold"] == ["stopped"]


async def test_resyncs_find_nothing_and_do_nothing() -> None:
    on = _filled()
    async with kept(on) as it:
        await anyio.sleep(60)
        writes = len(it.writes())
        await anyio.sleep(10 * AN_HOUR)
        assert len(it.writes()) == writes
        assert 9 <= on.server.count("page") <= 13
        assert 35 <= it.walks() <= 50


# -- pauses --------------------------------------------------------------------------------------


async def test_a_paused_keeper_plans_and_writes_nothing() -> None:
    on = _filled()
    async with kept(on) as it:
        it.keeper.paused = True
        await anyio.sleep(10)
        asked = [call for _, call, _ in on.server.calls if call in (*WRITES, "assign")]
        it.write("00.md", b"edited")
        it.write("new.md", b"new")
        await anyio.sleep(60)
        state = it.keeper.state
        assert (state.phase, state.pending) == (Phase.PAUSED, 2)
        assert [c for _, c, _ in on.server.calls if c in (*WRITES, "assign")] == asked
        it.keeper.paused = False
        await anyio.sleep(20)
        assert it.exact()
        assert [turn.phase is Phase.PAUSED for turn in it.turns] == [True, False]


async def test_read_only_from_the_start_writes_nothing_and_shows_what_would_be() -> None:
    on = _filled()
    on.source.write("new.md", b"new")
    async with kept(on, begin=False) as it:
        it.keeper.read_only = True
        it.group.start_soon(it.keeper.run)
        await anyio.sleep(2 * AN_HOUR)
        assert [c for _, c, _ in on.server.calls if c in (*WRITES, "assign", "make_field")] == []
        assert it.keeper.state.pending >= 1
        it.keeper.paused = True
        it.keeper.read_only = False
        await anyio.sleep(60)
        assert it.writes() == []


async def test_a_pause_in_the_middle_of_planning_loses_no_change() -> None:
    on = _filled()
    async with kept(on) as it:
        await anyio.sleep(60)
        on.server.on_call["base"] = lambda _: setattr(on.server, "latency", 5.0)
        it.write("00.md", b"edited")
        await anyio.sleep(1.5)
        it.keeper.paused = True
        it.keeper.paused = False
        on.server.on_call.clear()
        on.server.latency = 0.05
        await anyio.sleep(20)
        assert it.exact()


# -- loans ---------------------------------------------------------------------------------------


async def test_a_loan_waits_for_calls_in_flight_and_everything_is_compared_after_it() -> None:
    on = _filled()
    on.server.latency = 3.0
    async with kept(on, rest=60.0) as it:
        it.write("00.md", b"edited")
        await anyio.sleep(2)
        assert on.server.in_flight == 1
        walks = it.walks()
        async with it.keeper.suspended() as engine:
            assert on.server.in_flight == 0
            assert on.ledger.intents == {}
            assert it.keeper.state.phase is Phase.LENT
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
    on = _filled()
    async with kept(on) as it:
        _all(on, AWAY)
        it.write("00.md", b"edited")
        await anyio.sleep(100)
        for _ in range(2):
            async with it.keeper.suspended():
                assert it.keeper.state.phase is Phase.LENT
        assert it.keeper.state.phase is Phase.UNREACHABLE
        _all(on, None)
        await anyio.sleep(LONGEST_PROBE + 60)
        assert it.exact()


async def test_a_loan_ends_a_long_listing() -> None:
    on = _filled()
    on.server.latency = 50.0
    async with kept(on, rest=120.0) as it:
        began = it.now()
        async with it.keeper.suspended():
            assert it.now() == began
        on.server.latency = 0.05
        it.write("00.md", b"edited")
        await anyio.sleep(60)
        assert it.exact()


# -- stops ---------------------------------------------------------------------------------------


async def test_stopping_brings_calls_in_flight_to_their_end() -> None:
    on = _filled(20)
    on.server.latency = 5.0
    async with kept(on, rest=60.0) as it:
        for n in range(20):
            it.write(f"{n:02}.md", b"edited %d" % n)
        await anyio.sleep(8)
        it.keeper.stop()
        await anyio.sleep(10)
        assert it.keeper.state.phase is Phase.STOPPED
        assert it.changes.stopped == 1
        assert 1 <= on.server.count("update") <= 4
        assert on.ledger.intents == {}


async def test_what_does_not_end_in_time_remains_an_intent() -> None:
    on = _filled()
    async with kept(on) as it:
        on.server.on_call["update"] = lambda _: setattr(on.server, "latency", 500.0)
        it.write("00.md", b"edited")
        await anyio.sleep(5)
        it.keeper.stop()
        await anyio.sleep(DRAIN - 1)
        assert it.keeper.state.phase is not Phase.STOPPED
        await anyio.sleep(2)
        assert it.keeper.state.phase is Phase.STOPPED
        assert set(on.ledger.intents) == {key_of("00.md")}
    on.server.on_call.clear()
    on.server.latency = 0.05
    async with kept(on, rest=1200.0) as it:
        assert it.exact()
        assert on.ledger.intents == {}


async def test_stopping_an_idle_keeper_is_immediate() -> None:
    on = _filled()
    async with kept(on) as it:
        it.write("00.md", b"edited")
        await anyio.sleep(2)  # it is being indexed, and polled
        began = it.now()
        it.keeper.stop()
        await anyio.sleep(0.2)
        assert it.keeper.state.phase is Phase.STOPPED
        assert it.now() - began < 1


async def test_an_upload_that_lands_after_everything_stopped_is_not_made_twice() -> None:
    on = _filled()
    async with kept(on) as it:
        on.server.faults["create"].append(Late(20.0))
        it.write("new.md", b"new")
        await anyio.sleep(2)
    async with kept(on, rest=GRACE + 30) as it:
        assert it.exact()
        assert on.server.count("create") == 1


# -- a base that is made -------------------------------------------------------------------------


async def test_an_empty_folder_makes_no_base_and_its_first_file_does() -> None:
    on = counted(stage(settle=0.0))
    on.world.mirror.__class__  # noqa: B018 - the declared base is one by name, below
    mirror = on.world.mirror
    object.__setattr__(mirror, "base_id", None)
    object.__setattr__(mirror, "base_name", "Docs")
    on.server.base_there = False
    async with kept(on) as it:
        assert not on.server.base_there
        it.write("first.md", b"first")
        await anyio.sleep(20)
        assert on.server.base_there
        assert it.exact()
        it.write("first.md", b"first, edited")
        await anyio.sleep(20)
        assert it.exact()
