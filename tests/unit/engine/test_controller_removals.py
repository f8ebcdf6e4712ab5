"""Files that go: grace periods, moves, the guard over batches, and sources that vanish."""

from __future__ import annotations

import anyio
import pytest

from kbsync.engine.control.controller import Phase
from kbsync.engine.control.debounce import GracePeriods
from kbsync.messages import engine as say
from kbsync.messages import guard as guard_say
from kbsync.model import FileState
from tests.model.folder import GONE, LOCKED, MOUNTED

from .controlled import GRACE, SETTLE, controlled, filled, write_now
from .fakes import Stage, stage
from .words import key_of

pytestmark = pytest.mark.anyio
MANY = 40


def _filled(count: int = MANY) -> Stage:
    return filled(count, on=stage())


def _paths(first: int, last: int) -> list[str]:
    return [f"{n:02}.md" for n in range(first, last)]


# -- grace ---------------------------------------------------------------------------------------


async def test_a_removed_file_keeps_its_document_until_its_grace_is_over() -> None:
    on = _filled()
    async with controlled(on) as it:
        walks, gone = it.walks(), it.now()
        it.remove("00.md")
        await anyio.sleep(GRACE - 1)
        assert on.server.count("delete") == 0
        assert it.controller.status.pending == 1
        await anyio.sleep(5)
        [sent] = on.server.times("delete")
        assert GRACE <= sent - gone <= GRACE + 0.1
        assert it.walks() == walks
        assert it.exact()


async def test_a_file_that_comes_back_in_time_was_never_gone() -> None:
    on = _filled()
    async with controlled(on) as it:
        file = on.source.files["00.md"]
        it.remove("00.md")
        await anyio.sleep(GRACE / 2)
        on.source.files["00.md"] = file
        it.changes.report("00.md")
        await anyio.sleep(3 * GRACE)
        assert it.writes() == []
        assert it.controller.status.pending == 0


async def test_the_grace_begins_anew_with_each_change() -> None:
    on = _filled()
    async with controlled(on) as it:
        it.remove("00.md")
        await anyio.sleep(GRACE - 5)
        it.write("00.md", b"back for a moment")
        await anyio.sleep(0.2)
        gone = it.now()
        it.remove("00.md")
        await anyio.sleep(2 * GRACE)
        [sent] = on.server.times("delete")
        assert sent - gone >= GRACE
        assert on.server.count("update") == 0


async def test_a_file_that_is_being_written_when_its_grace_ends_was_not_gone() -> None:
    on = _filled()
    async with controlled(on) as it:
        it.remove("00.md")
        await anyio.sleep(GRACE - 0.5)
        write_now(on.source, "00.md", b"back")  # without an event
        await anyio.sleep(10)
        assert [call for call, _ in it.writes()] == ["update"]
        assert it.exact()


async def test_a_removal_needs_no_room_at_the_server() -> None:
    on = _filled()
    on.declare(max_indexing=1)
    async with controlled(on) as it:
        on.server.indexing = 900.0
        it.write("new.md", b"takes all the room")
        it.remove("00.md")
        await anyio.sleep(GRACE + 10)
        assert on.server.count("create") == 1
        assert on.server.count("delete") == 1


async def test_a_file_removed_while_it_is_indexed_goes_after_its_grace_without_a_word() -> None:
    on = _filled()
    on.server.indexing = 10.0
    async with controlled(on) as it:
        it.write("new.md", b"new")
        await anyio.sleep(5)
        gone = it.now()
        it.remove("new.md")
        await anyio.sleep(GRACE + 10)
        [sent] = on.server.times("delete")
        assert sent - gone >= GRACE
        assert [event.outcome for event in it.events if event.outcome == "stopped"] == []
        assert it.exact()


async def test_without_a_grace_a_removal_waits_for_the_settle_window_only() -> None:
    on = _filled()
    on.declare(delete_grace=0.0)
    async with controlled(on) as it:
        gone = it.now()
        it.remove("00.md")
        await anyio.sleep(10)
        [sent] = on.server.times("delete")
        assert sent - gone <= SETTLE + 0.1


async def test_what_went_while_unwatched_has_its_grace_too() -> None:
    on = _filled()
    on.source.remove("00.md")
    async with controlled(on) as it:
        await anyio.sleep(GRACE - 15)
        assert on.server.count("delete") == 0
        await anyio.sleep(30)
        assert it.exact()


async def test_a_missed_return_is_noticed_by_the_comparison_of_everything() -> None:
    on = _filled()
    async with controlled(on) as it:
        file = on.source.files["00.md"]
        it.remove("00.md")
        await anyio.sleep(10)
        on.source.files["00.md"] = file  # without an event
        it.controller.nudge(listing=False)
        await anyio.sleep(3 * GRACE)
        assert it.writes() == []


def test_the_grace_that_ends_next_is_known() -> None:
    grace = GracePeriods(30.0)
    assert grace.next_due() is None
    grace.note(key_of("b"), 5.0, 10)
    grace.note(key_of("a"), 2.0, 10)
    grace.note(key_of("a"), 99.0, 10)
    assert grace.next_due() == 32.0
    assert grace.of_size([10, 11]) == {key_of("a"), key_of("b")}
    grace.forget([key_of("a"), key_of("c")])
    assert grace.next_due() == 35.0
    assert (grace.is_over(key_of("b"), 34.9), grace.is_over(key_of("b"), 35.0)) == (False, True)
    grace.forget([key_of("b")])
    assert (grace.next_due(), grace.of_size([10]), len(grace)) == (None, set(), 0)


# -- moves ---------------------------------------------------------------------------------------


async def test_a_rename_embeds_nothing() -> None:
    on = _filled()
    async with controlled(on) as it:
        walks, document = it.walks(), on.ledger.held[key_of("00.md")].document_id
        it.rename("00.md", "new/name.md")
        await anyio.sleep(2 * GRACE)
        assert it.writes() == []
        assert on.ledger.held[key_of("new/name.md")].document_id == document
        assert key_of("00.md") not in on.ledger.held
        assert it.walks() == walks
        assert "move" in [event.action for event in it.events]
        marked = on.server.documents[document].metadata
        assert marked["kbsync_path"] == "new/name.md"


async def test_a_move_that_arrives_in_two_batches_is_a_move() -> None:
    on = _filled()
    async with controlled(on) as it:
        file = on.source.files["00.md"]
        it.remove("00.md")
        await anyio.sleep(GRACE / 2)
        on.source.files["far/away.md"] = file
        it.changes.report("far/away.md")
        await anyio.sleep(3 * GRACE)
        assert it.writes() == []
        assert key_of("far/away.md") in on.ledger.held


async def test_a_move_is_found_by_the_comparison_of_everything_too() -> None:
    on = _filled()
    async with controlled(on) as it:
        on.source.files["b/00.md"] = on.source.files.pop("00.md")
        it.changes.report(folders=[""])
        await anyio.sleep(3 * GRACE)
        assert it.writes() == []
        assert key_of("b/00.md") in on.ledger.held


async def test_after_the_grace_it_is_another_file() -> None:
    on = _filled()
    async with controlled(on) as it:
        file = on.source.files["00.md"]
        it.remove("00.md")
        await anyio.sleep(GRACE + 5)
        on.source.files["late.md"] = file
        it.changes.report("late.md")
        await anyio.sleep(20)
        assert [call for call, _ in it.writes()] == ["delete", "create"]
        assert it.exact()


async def test_two_files_that_change_places_send_nothing() -> None:
    on = _filled()
    async with controlled(on) as it:
        files = on.source.files
        files["00.md"], files["01.md"] = files["01.md"], files["00.md"]
        it.changes.report("00.md", "01.md")
        await anyio.sleep(60)
        assert it.writes() == []


async def test_a_move_waits_for_what_is_under_way_with_its_file() -> None:
    on = _filled()
    on.server.latency = 8.0
    async with controlled(on, rest=60.0) as it:
        it.write("00.md", b"an edit that takes its time")
        await anyio.sleep(SETTLE + 9)
        assert on.server.count("update") == 1  # under way
        it.rename("00.md", "moved.md")
        await anyio.sleep(400)
        assert len(on.server.documents) == MANY
        assert {key.path for key in on.ledger.held} == set(on.source.files)
        held = on.ledger.held[key_of("moved.md")]
        assert on.server.documents[held.document_id].content == b"an edit that takes its time"
        assert on.ledger.intents == {}


# -- the guard -----------------------------------------------------------------------------------


async def test_too_many_removals_in_one_batch_are_held_and_the_rest_goes_on() -> None:
    on = _filled()
    async with controlled(on) as it:
        it.remove(*_paths(0, 20))
        it.write("new.md", b"new")
        await anyio.sleep(3 * GRACE)
        assert [call for call, _ in it.writes()] == ["create"]
        state = it.controller.status
        assert state.held is not None
        assert state.why is not None
        assert state.why.message is guard_say.HALTED_REMOVALS
        assert state.phase is Phase.WATCHING
        assert on.ledger.halts(state.held) == {state.held: state.held_changes}
        # What is held back is what a controller leaves undone, and it names the guard's reason.
        assert {why.message.code for why in it.controller.unmet.values()} == {"KB-G011"}
        assert state.pending == 0


async def test_removals_that_end_their_grace_one_by_one_are_judged_together() -> None:
    on = _filled()
    async with controlled(on) as it:
        for path in _paths(0, 20):
            it.remove(path)
            await anyio.sleep(0.4)
        await anyio.sleep(3 * GRACE)
        assert on.server.count("delete") == 0
        assert it.controller.status.held is not None


async def test_what_waits_for_its_grace_is_counted_and_not_looked_at_for_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    on, looked = _filled(), list[str]()
    true_look = on.source.look

    def look(path: str) -> FileState:
        looked.append(path)
        return true_look(path)

    monkeypatch.setattr(on.source, "look", look)
    async with controlled(on) as it:
        it.remove("00.md")
        await anyio.sleep(GRACE / 2)
        it.remove(*_paths(1, 8))
        await anyio.sleep(GRACE / 4)
        looked.clear()
        await anyio.sleep(GRACE / 2)
        assert on.server.count("delete") == 1
        assert not {"02.md", "03.md"} & set(looked)
        await anyio.sleep(GRACE)
        assert it.exact()


async def test_removals_far_apart_are_judged_by_the_hour() -> None:
    on = _filled()
    async with controlled(on) as it:
        for path in _paths(0, 20):
            it.remove(path)
            await anyio.sleep(GRACE + 10)
        assert on.server.count("delete") == 12  # 30 % of 40
        assert it.controller.status.held is not None
        await anyio.sleep(3600 + 1100)
        assert on.server.count("delete") == 20
        assert it.controller.status.held is None
        released = [turn.held for turn in it.turns].index(None)
        assert it.turns[released].last_pass is not None
        since = it.turns[released].last_pass or 0.0
        assert on.server.times("delete")[12] < since + 1  # their grace was over long ago


async def test_what_was_allowed_and_is_not_made_yet_counts() -> None:
    on = _filled()
    on.server.on_call["delete"] = lambda _: setattr(on.server, "latency", 500.0)
    async with controlled(on) as it:
        it.remove(*_paths(0, 10))
        await anyio.sleep(GRACE + 30)
        assert 1 <= on.server.count("delete") < 10
        assert [line for line in on.ledger.journal if line.action == "delete"] == []
        it.remove(*_paths(10, 20))
        await anyio.sleep(3000)
        assert on.server.count("delete") == 10
        assert it.controller.status.held is not None


async def test_a_held_set_grows_and_is_judged_anew_as_one() -> None:
    on = _filled()
    async with controlled(on) as it:
        it.remove(*_paths(0, 20))
        await anyio.sleep(2 * GRACE)
        first = it.controller.status.held
        it.remove("20.md")
        await anyio.sleep(2 * GRACE)
        second = it.controller.status.held
        assert on.server.count("delete") == 0
        assert (first is None, second is None, first == second) == (False, False, False)
        assert len(on.ledger.halts(second or "")[second or ""]) == 21


async def test_files_that_come_back_end_a_halt() -> None:
    on = _filled()
    async with controlled(on) as it:
        kept_files = {path: on.source.files[path] for path in _paths(0, 20)}
        it.remove(*_paths(0, 20))
        await anyio.sleep(2 * GRACE)
        assert it.controller.status.held is not None
        on.source.files |= kept_files
        it.changes.report(*kept_files)
        await anyio.sleep(2 * GRACE)
        assert it.controller.status.held is None
        assert it.writes() == []


async def test_a_halt_begins_and_ends_with_one_turn_each() -> None:
    on = _filled()
    async with controlled(on) as it:
        it.remove(*_paths(0, 20))
        await anyio.sleep(3 * GRACE)
        assert [turn.held is not None for turn in it.turns] == [True]


async def test_a_release_by_a_verb_while_suspended_goes_through() -> None:
    on = _filled()
    async with controlled(on) as it:
        it.remove(*_paths(0, 20))
        await anyio.sleep(3 * GRACE)
        read = on.ledger.halts(it.controller.status.held or "")
        async with it.controller.suspended() as engine:
            planned = await engine.plan()
            [members] = read.values()
            await engine.apply(planned, observe=lambda event: None, read=members)
        await anyio.sleep(60)
        assert it.exact()
        assert it.controller.status.held is None


# -- the root ------------------------------------------------------------------------------------


async def test_a_few_files_that_are_all_there_were_are_no_removals() -> None:
    on = _filled(3)
    async with controlled(on) as it:
        it.remove(*_paths(0, 3))
        await anyio.sleep(3 * GRACE)
        assert it.writes() == []
        state = it.controller.status
        assert state.why is not None
        assert state.why.words["reason"] == guard_say.ROOT_EMPTY().text


async def test_a_source_of_strangers_removes_nothing() -> None:
    on = _filled(3)
    async with controlled(on) as it:
        on.source.write("stranger.md", b"who is that")
        it.remove(*_paths(0, 3))
        await anyio.sleep(3 * GRACE)
        assert on.server.count("delete") == 0


async def test_a_source_on_another_device_removes_nothing() -> None:
    on = _filled()
    async with controlled(on) as it:
        on.source.mounted_device = 2
        it.remove(*_paths(0, 2 * MANY // 3))
        await anyio.sleep(3 * GRACE)
        assert on.server.count("delete") == 0
        assert it.controller.status.held is not None


async def test_a_folder_that_cannot_be_listed_keeps_every_document() -> None:
    on = _filled()
    on.source.locked = {"locked/"}
    async with controlled(on) as it:
        assert it.controller.status.why == LOCKED
        it.remove("00.md")
        await anyio.sleep(3 * GRACE)
        assert on.server.count("delete") == 0
        on.source.locked = set()
        it.controller.nudge(listing=False)
        await anyio.sleep(3 * GRACE)
        assert it.exact()


async def test_a_source_that_vanishes_halts_its_mirror_until_it_is_back() -> None:
    on = _filled()
    async with controlled(on) as it:
        on.source.mount = GONE
        it.changes.report(*on.source.files, root=True)
        await anyio.sleep(10 * GRACE)
        state, asked = it.controller.status, len(on.server.calls)
        assert state.phase is Phase.HALTED
        assert state.why is not None
        assert state.why.message is say.SOURCE_BLOCKED
        await anyio.sleep(3600)
        assert len(on.server.calls) == asked  # the server is not asked meanwhile
        on.source.mount = MOUNTED
        on.source.write("00.md", b"edited meanwhile")
        it.changes.report(root=True)
        back = it.now()
        await anyio.sleep(20)
        assert on.server.times("update")[0] - back < 0.5
        assert [call for call, _ in it.writes()] == ["update"]
        assert it.controller.status.phase is Phase.WATCHING
        assert [turn.phase is Phase.HALTED for turn in it.turns] == [True, False]


async def test_a_source_that_cannot_be_listed_at_all_is_one_that_vanished() -> None:
    on = _filled()
    async with controlled(on) as it:
        on.source.locked = {""}
        it.changes.report(folders=[""])
        await anyio.sleep(GRACE)
        assert it.controller.status.phase is Phase.HALTED
        assert it.controller.unmet == {}  # not one word for each file


async def test_without_a_witness_everything_is_compared_before_anything_is_removed() -> None:
    on = _filled(60)
    async with controlled(on) as it:
        walks = it.walks()
        for path in _paths(1, 30):
            on.source.remove(path)  # without an event
        it.remove("00.md")
        await anyio.sleep(GRACE + 10)
        assert it.walks() == walks + 1
        assert on.server.count("delete") == 0
        assert it.controller.status.held is not None
