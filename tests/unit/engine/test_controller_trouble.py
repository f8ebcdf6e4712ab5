"""The controller in trouble: servers that cannot be reached, problems, keys that fail, canaries."""

from __future__ import annotations

import anyio
import pytest

from kbsync.engine.control.controller import LONGEST_UNREACHED, Phase
from kbsync.engine.workers.backoff import delay_after, jittered
from kbsync.engine.workers.canary import OVERDUE
from kbsync.engine.workers.pool import TRIES
from kbsync.messages import engine as say
from kbsync.messages import remote as remote_say
from kbsync.model import Capability, Unauthorized

from .controlled import AWAY, controlled, every_call, filled
from .server import LOST, UNSENT
from .words import WHY, key_of

pytestmark = pytest.mark.anyio
REFUSED = Unauthorized(remote_say.WRONG_KEY(what="a call", words="no"))
AN_HOUR = 3600.0


# -- a server that is away -----------------------------------------------------------------------


async def test_an_outage_costs_back_off_and_comes_to_its_end_by_itself() -> None:
    on = filled()
    async with controlled(on) as it:
        every_call(on, AWAY)
        for n in range(600):  # ten minutes of steady edits
            it.write(f"{n % 50}.md", b"edit %d" % n)
            await anyio.sleep(1)
        state = it.controller.status
        assert state.phase is Phase.UNREACHABLE
        assert state.why == AWAY.why
        assert [turn.phase for turn in it.turns] == [Phase.UNREACHABLE]
        assert [event for event in it.events if event.outcome == "waiting"] == []
        tried = [at for at, call, _ in on.server.calls if at > it.now() - 300]
        assert len(tried) <= 60  # a probe is one read, and is patient
        every_call(on, None)
        await anyio.sleep(LONGEST_UNREACHED + 60)
        assert it.exact()
        assert len(it.turns) == 2
        assert on.server.overlaps == []


async def test_an_outage_costs_no_memory() -> None:
    on = filled()
    async with controlled(on) as it:
        every_call(on, AWAY)
        for n in range(120):
            paths = [f"{n}-{k}.md" for k in range(200)]
            for path in paths:
                on.source.write(path, b"x")
            it.changes.report(*paths)
            await anyio.sleep(1)
        assert it.controller.status.phase is Phase.UNREACHABLE
        assert it.controller.status.pending <= 10_000
        assert len(it.controller._state.debouncer._order) <= 10_000


async def test_one_call_that_is_not_sent_is_no_outage() -> None:
    on = filled()
    async with controlled(on) as it:
        on.server.faults["update"].append(UNSENT)
        it.write("00.md", b"edited")
        await anyio.sleep(20)
        assert it.exact()
        assert it.turns == []


async def test_an_outage_in_the_middle_of_indexing_loses_nothing() -> None:
    on = filled()
    on.server.indexing = 60.0
    async with controlled(on) as it:
        it.write("new.md", b"new")
        await anyio.sleep(10)
        every_call(on, AWAY)
        await anyio.sleep(600)
        assert it.controller.status.phase is Phase.UNREACHABLE
        every_call(on, None)
        await anyio.sleep(LONGEST_UNREACHED + 120)
        assert on.states()["new.md"] == "synced"
        assert on.server.count("create") == 1


async def test_a_server_that_is_away_at_the_start_is_waited_for() -> None:
    on = filled()
    on.source.write("new.md", b"new")
    every_call(on, AWAY)
    async with controlled(on, rest=300.0) as it:
        assert it.controller.status.phase is Phase.UNREACHABLE
        assert it.changes.started == 1
        every_call(on, None)
        await anyio.sleep(LONGEST_UNREACHED + 60)
        assert it.exact()


def test_rests_grow_to_a_cap_and_are_never_the_same() -> None:
    rests = [delay_after(50, longest=60.0) for _ in range(50)]
    assert max(rests) <= 60.0
    assert len(set(rests)) > 40
    assert max(delay_after(1) for _ in range(50)) <= 2.0
    assert {90.0 <= jittered(100.0) <= 110.0 for _ in range(50)} == {True}


# -- problems ------------------------------------------------------------------------------------


async def test_a_base_that_is_gone_halts_and_is_probed_until_it_is_back() -> None:
    on = filled()
    async with controlled(on) as it:
        on.server.base_there = False
        it.write("00.md", b"edited")
        await anyio.sleep(600)
        state = it.controller.status
        assert state.phase is Phase.HALTED
        assert state.why is not None
        assert state.why.message is say.BASE_UNKNOWN or state.why.message is say.BASE_GONE
        assert it.writes() == []
        on.server.base_there = True
        pages = on.server.count("page")
        await anyio.sleep(LONGEST_UNREACHED + 30)
        assert it.exact()
        assert on.server.count("page") > pages  # who knows what became of it
        assert len(it.turns) == 2


async def test_a_key_that_may_not_write_halts_with_growing_rests() -> None:
    on = filled()
    async with controlled(on) as it:
        on.server.always["update"] = REFUSED  # type: ignore[assignment]
        it.write("00.md", b"edited")
        await anyio.sleep(AN_HOUR)
        assert it.controller.status.phase is Phase.HALTED
        assert 2 <= on.server.count("update") <= 40
        on.server.always["update"] = None
        await anyio.sleep(700)
        assert it.exact()
        assert it.controller.status.phase is Phase.WATCHING


async def test_a_nudge_tries_at_once() -> None:
    on = filled()
    async with controlled(on) as it:
        on.server.always["update"] = REFUSED  # type: ignore[assignment]
        it.write("00.md", b"edited")
        await anyio.sleep(AN_HOUR)
        on.server.always["update"] = None
        it.controller.nudge(listing=False)
        await anyio.sleep(5)
        assert it.exact()


async def test_another_kbsync_that_took_over_halts_without_a_write() -> None:
    on = filled()
    async with controlled(on) as it:
        await anyio.sleep(60)
        for stored in on.server.documents.values():
            stored.metadata["kbsync_owner"] = "another-ledger"
        it.controller.nudge(listing=True)
        await anyio.sleep(1000)
        state, pages = it.controller.status, on.server.count("page")
        assert state.phase is Phase.HALTED
        assert state.why is not None
        assert state.why.message is say.OTHER_KBSYNC
        await anyio.sleep(AN_HOUR)
        assert on.server.count("page") - pages <= 40  # a listing is dear: rests up to ten minutes


# -- failures of one key -------------------------------------------------------------------------


async def test_a_key_that_was_given_up_is_tried_again_at_the_next_resync() -> None:
    on = filled()
    async with controlled(on) as it:
        on.server.faults["create"].extend([UNSENT] * TRIES)
        it.write("new.md", b"new")
        await anyio.sleep(300)
        assert on.server.count("create") == TRIES
        assert it.controller.unmet == {key_of("new.md"): WHY}
        await anyio.sleep(1000)
        assert it.exact()
        assert it.controller.unmet == {}


async def test_what_stays_unmet_is_told_once() -> None:
    on = filled()
    on.server.put("taken.md", b"made by hand")
    async with controlled(on) as it:
        it.write("taken.md", b"ours")
        await anyio.sleep(3 * AN_HOUR)
        events = [event for event in it.events if event.key == key_of("taken.md")]
        assert [event.outcome for event in events] == ["stopped"]
        assert set(it.controller.unmet) == {key_of("taken.md")}
        it.remove("taken.md")
        await anyio.sleep(AN_HOUR)
        assert it.controller.unmet == {}


async def test_an_upload_without_an_answer_is_found_and_not_sent_twice() -> None:
    on = filled()
    async with controlled(on) as it:
        on.server.faults["create"].append(LOST)
        it.write("new.md", b"new")
        await anyio.sleep(60)
        assert it.exact()
        assert on.ledger.intents == {}


# -- the canary ----------------------------------------------------------------------------------


async def test_on_an_unknown_version_one_update_is_awaited_before_the_second() -> None:
    on = filled(10)
    on.server.indexing = 30.0
    async with controlled(on) as it:
        for n in range(10):
            it.write(f"{n:02}.md", b"edited %d" % n)
        await anyio.sleep(20)
        assert on.server.count("update") == 1
        assert it.controller.status.pending == 9
        await anyio.sleep(20)
        assert on.server.count("update") == 10
        await anyio.sleep(120)
        assert it.exact()
        for n in range(10):
            it.write(f"{n:02}.md", b"edited again %d" % n)
        await anyio.sleep(10)
        assert on.server.count("update") == 20  # this version is known by now


async def test_new_files_do_not_wait_for_the_canary() -> None:
    on = filled()
    on.server.indexing = 30.0
    async with controlled(on) as it:
        it.write("00.md", b"edited")
        it.write("01.md", b"edited too")
        it.write("new.md", b"new")
        await anyio.sleep(10)
        assert on.server.count("update") == 1
        assert on.server.count("create") == 1


async def test_a_server_whose_updates_never_end_gets_one_and_it_is_said() -> None:
    on = filled()
    async with controlled(on) as it:
        on.server.indexing = 1e9
        for n in range(3):
            it.write(f"{n:02}.md", b"edited %d" % n)
        await anyio.sleep(OVERDUE + 100)
        assert on.server.count("update") == 1
        why = it.controller.status.why
        assert why is not None
        assert why.message is say.UPDATE_UNPROVEN
        assert why.words["count"] == "2"


async def test_a_version_with_a_known_way_round_needs_no_canary() -> None:
    on = filled(3)
    on.server.capabilities = on.server.capabilities.noting(Capability.UPDATE_ENDS, able=False)
    on.server.indexing = 30.0
    async with controlled(on) as it:
        for n in range(3):
            it.write(f"{n:02}.md", b"edited %d" % n)
        await anyio.sleep(10)
        assert on.server.count("create") == 3  # by their names, which keeps the ids
        await anyio.sleep(100)
        assert it.exact()


async def test_a_canary_that_failed_lets_the_next_one_go() -> None:
    on = filled()
    async with controlled(on) as it:
        on.server.faults["update"].append(UNSENT)
        on.server.faults["update"].extend([UNSENT] * (TRIES - 1))
        for n in range(2):
            it.write(f"{n:02}.md", b"edited %d" % n)
            await anyio.sleep(0.1)
        await anyio.sleep(400)
        assert on.server.by_name("01.md")[0].content == b"edited 1"
