"""The controller: what changes in the folder is in the base, in as few calls as it takes."""

from __future__ import annotations

import anyio
import pytest

from kbsync.engine.control.controller import Phase
from kbsync.engine.control.debounce import Debouncer
from tests.model.folder import File

from .controlled import GRACE, SETTLE, ControlledMirror, controlled, counted, write_now
from .fakes import stage
from .words import key_of

pytestmark = pytest.mark.anyio
RTT = 0.06  # one call of the fake server, and a little


def _calls_since(it: ControlledMirror, mark: int) -> list[str]:
    return [call for _, call, _ in it.on.server.calls[mark:]]


async def test_the_watch_begins_before_everything_is_compared_with_a_listing() -> None:
    on = counted(stage())
    on.source.write("a.md", b"there before")
    async with controlled(on, begin=False) as it:
        it.changes.on_start = lambda: on.source.write("b.md", b"made while the watch began")
        it.group.start_soon(it.controller.run)
        await anyio.sleep(20)
        assert on.server.calls[0][1] == "base"
        assert on.server.count("page") >= 1
        assert it.exact()
        assert set(on.states().values()) == {"synced"}


async def test_an_edit_is_one_update_after_the_settle_window_and_nothing_is_walked() -> None:
    on = counted(stage())
    on.synced("a.md", b"old")
    on.synced("b.md", b"other")
    async with controlled(on) as it:
        walks, mark = it.walks(), len(on.server.calls)
        await anyio.sleep(60)
        saved = it.now()
        it.write("a.md", b"new text")
        await anyio.sleep(60)
        [sent] = on.server.times("update")
        assert SETTLE <= sent - saved <= SETTLE + 0.05
        assert it.exact()
        assert it.walks() == walks
        calls = _calls_since(it, mark)
        assert "page" not in calls
        assert calls.count("base") <= 1
        assert it.controller.status.phase is Phase.WATCHING


async def test_a_new_file_costs_one_look_up_and_one_create() -> None:
    on = counted(stage())
    on.synced("a.md", b"old")
    async with controlled(on) as it:
        mark, saved = len(on.server.calls), it.now()
        it.write("new.md", b"new")
        await anyio.sleep(SETTLE + 3 * RTT)
        [sent] = on.server.times("create")
        assert sent - saved <= SETTLE + RTT + 0.01
        assert _calls_since(it, mark)[:3] in (["base", "named", "create"], ["named", "create"])


async def test_the_base_is_asked_while_the_edit_settles_and_believed_for_a_few_seconds() -> None:
    on = counted(stage())
    on.synced("a.md", b"old")
    async with controlled(on) as it:
        await anyio.sleep(60)
        before = on.server.count("base")
        for text in (b"one", b"two two", b"three three"):
            it.write("a.md", text)
            await anyio.sleep(2.5)
        assert on.server.count("base") == before + 1
        [sent, *_] = on.server.times("update")
        assert on.server.times("base")[-1] < sent - SETTLE / 2


async def test_after_one_edit_nothing_is_asked_any_more() -> None:
    on = counted(stage())
    on.synced("a.md", b"old")
    async with controlled(on) as it:
        it.write("a.md", b"new text")
        await anyio.sleep(30)
        mark = len(on.server.calls)
        await anyio.sleep(600)
        assert _calls_since(it, mark) == []


async def test_a_file_that_never_rests_is_shown_as_waiting_and_not_read() -> None:
    on = counted(stage())
    on.synced("log.md", b"old")
    async with controlled(on) as it:
        for n in range(60):
            it.write("log.md", b"line\n" * (n + 1))
            await anyio.sleep(0.5)
        assert it.writes() == []
        assert it.controller.status.unsettled == ("log.md",)
        assert it.controller.status.pending == 1
        await anyio.sleep(5)
        assert [call for call, _ in it.writes()] == ["update"]
        assert it.controller.status.unsettled == ()


async def test_a_file_is_not_read_before_its_own_time_says_that_it_rests() -> None:
    on = counted(stage())
    on.synced("a.md", b"old")
    async with controlled(on) as it:
        it.write("a.md", b"first half")
        await anyio.sleep(0.9)
        write_now(on.source, "a.md", b"first half, second half")  # without an event
        touched = it.now()
        await anyio.sleep(10)
        [sent] = on.server.times("update")
        assert SETTLE <= sent - touched <= SETTLE + 0.05
        assert it.exact()


async def test_a_file_that_changed_while_it_waited_for_room_is_read_when_it_rests() -> None:
    on = counted(stage(max_indexing=1))
    on.server.indexing = 20.0
    async with controlled(on, rest=2.0) as it:
        it.write("first.md", b"takes the room")
        await anyio.sleep(2)
        it.write("a.md", b"half")
        await anyio.sleep(18)
        for n in range(20):  # it has room from now on, and changes all the time
            it.write("a.md", b"longer " * (n + 2))
            await anyio.sleep(0.5)
        assert [what for call, what in it.writes() if call == "create"] == ["first.md"]
        await anyio.sleep(30)
        assert it.writes()[1:] == [("create", "a.md")]
        assert it.exact()


async def test_touching_a_file_sends_nothing() -> None:
    on = counted(stage())
    on.synced("a.md", b"same")
    async with controlled(on) as it:
        it.write("a.md", b"same")
        await anyio.sleep(10)
        assert it.writes() == []
        entry = on.ledger.held[key_of("a.md")]
        assert entry.stat == on.source.files["a.md"].stat


async def test_a_fresh_edit_overtakes_a_long_first_upload() -> None:
    on = counted(stage(max_indexing=2))
    for n in range(200):
        on.source.write(f"{n:03}.md", b"page %d" % n)
    on.synced("zz.md", b"old")
    async with controlled(on, rest=5.0) as it:
        assert 0 < on.server.count("create") < 100
        it.write("zz.md", b"fresh text")
        await anyio.sleep(6)
        assert on.server.count("update") == 1
        assert on.server.count("create") < 150
        await anyio.sleep(600)
        assert it.exact()
        assert on.server.count("create") == 200


async def test_files_edited_again_and_again_are_queued_once() -> None:
    on = counted(stage(max_indexing=1))
    on.server.indexing = 300.0
    for name in ("a", "b", "c"):
        on.synced(f"{name}.md", b"old")
    async with controlled(on) as it:
        for n in range(30):
            for name in ("a", "b", "c"):
                it.write(f"{name}.md", b"edit " * (n + 2))
            await anyio.sleep(3)
        assert it.controller.status.pending <= 3
        await anyio.sleep(3000)
        assert it.exact()
        assert on.server.overlaps == []


async def test_what_came_to_rest_leaves_nothing_in_memory() -> None:
    on = counted(stage())
    async with controlled(on) as it:
        for n in range(50):
            it.write(f"{n}.md", b"page %d" % n)
            await anyio.sleep(2)
            it.write(f"{n}.md", b"page %d, edited" % n)
        await anyio.sleep(60)
        it.remove(*(f"{n}.md" for n in range(8)))
        await anyio.sleep(GRACE + 60)
        assert it.exact()
        pool = it.controller._session.pool  # type: ignore[union-attr]
        assert pool is not None
        assert pool.remembered == set()
        assert pool.report.stopped == {}
        assert (len(pool._share.taken()), len(pool.risks), pool.waiting, pool.indexing) == (0,) * 4
        assert (len(it.controller._state.grace), len(it.controller._state.debouncer)) == (0, 0)


async def test_a_folder_that_changed_is_compared() -> None:
    on = counted(stage())
    on.synced("a/one.md", b"one")
    async with controlled(on) as it:
        walks = it.walks()
        write_now(on.source, "b/two.md", b"two")
        it.changes.report(folders=["b"])
        await anyio.sleep(20)
        assert it.exact()
        assert 1 <= it.walks() - walks <= 2
        assert on.server.count("page") <= 4


async def test_a_storm_of_folders_costs_few_comparisons() -> None:
    on = counted(stage())
    on.synced("a/one.md", b"one")
    async with controlled(on) as it:
        walks = it.walks()
        for n in range(100):
            it.changes.report(folders=[f"f{n}"])
            await anyio.sleep(0.1)
        await anyio.sleep(20)
        assert it.walks() - walks <= 12


async def test_too_many_paths_collapse_into_one_comparison_of_everything() -> None:
    settling = Debouncer(1.0, most=3)
    settling.note(["a", "b", "c", "d"], 10.0)
    assert len(settling) <= 1
    assert settling.everything_due == 11.0
    on = counted(stage())
    async with controlled(on) as it:
        walks = it.walks()
        for n in range(10_050):
            on.source.write(f"{n}.md", b"x")
        it.changes.report(*(f"{n}.md" for n in range(10_050)))
        await anyio.sleep(0.5)
        assert it.controller.status.pending <= 10_000
        await anyio.sleep(5)
        assert it.walks() > walks


async def test_a_file_from_the_future_is_read_all_the_same() -> None:
    on = counted(stage())
    async with controlled(on) as it:
        on.source.files["a.md"] = File(b"x", int((it.now() + 9999) * 1e9))
        it.changes.report("a.md")
        await anyio.sleep(10)
        assert it.exact()
