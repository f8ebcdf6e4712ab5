"""The pool of a controller: what it may do, when it is quiet, and what it never forgets."""

from __future__ import annotations

from typing import ClassVar

import anyio
import pytest
from declared import mirror_config

from kbsync.engine.change_source import ChangedPaths
from kbsync.engine.control.controller import Phase
from kbsync.engine.control.controller_state import LONGEST_PAUSE, ControllerState
from kbsync.engine.execute.indexing import STUCK_AFTER
from kbsync.engine.workers.queue import KeyQueue
from kbsync.model import NotReady

from .controlled import AWAY, WRITES, controlled, counted, write_now
from .fakes import stage
from .server import Fault, ScriptedRemote
from .words import WHY, key_of

pytestmark = pytest.mark.anyio
AN_HOUR = 3600.0
CHANGING = (*WRITES, "assign", "make_field")


class Slow(ScriptedRemote):
    """Takes its time with some calls, and remembers how long each took."""

    lasts: ClassVar = {"create": 5.0, "page": 20.0}
    spans: list[tuple[str, float, float]]

    async def _begin(self, call: str, what: str) -> Fault:
        self.latency, begun = self.lasts.get(call, 0.05), self.clock.now()
        try:
            return await super()._begin(call, what)
        finally:
            self.spans.append((call if not what else f"{call} of it", begun, self.clock.now()))


async def test_no_call_begins_while_the_base_is_listed_and_those_under_way_end_first() -> None:
    on = counted(stage())
    on.server.__class__ = Slow
    spans = on.server.spans = []  # type: ignore[attr-defined]
    on.synced("a.md", b"there")
    async with controlled(on, rest=60.0) as it:
        for n in range(60):
            write_now(on.source, f"{n:02}.md", b"new %d" % n)
        it.changes.report(*(f"{n:02}.md" for n in range(60)))
        await anyio.sleep(14)
        spans.clear()
        it.controller.nudge(listing=True)
        await anyio.sleep(600)
        assert it.exact()
        _, begun, ended = next(span for span in spans if span[0] == "page")
        changing = [each for each in spans if each[0].split()[0] in CHANGING]
        assert [each for each in changing if each[2] > begun and each[1] < ended] == []
        creates = [at for call, at, _ in spans if call == "create of it"]
        assert min(creates) < begun < max(creates)
        assert [call for call, at, _ in changing if at < begun and call.startswith("assign")] == []


async def test_a_server_away_after_the_base_was_asked_is_noticed_by_one_edit() -> None:
    on = counted(stage())
    on.synced("a.md", b"one")
    async with controlled(on) as it:
        it.write("a.md", b"two two")
        await anyio.sleep(5)
        it.write("a.md", b"three three")
        await anyio.sleep(0.9)
        for call in ("base", "update", "named", "document", "page", "fields"):
            on.server.always[call] = AWAY
        await anyio.sleep(300)
        assert it.controller.status.phase is Phase.UNREACHABLE
        assert [event for event in it.events if event.outcome in ("waiting", "stopped")] == []
        on.server.always.clear()
        await anyio.sleep(100)
        assert it.exact()


async def test_a_file_that_came_back_before_its_removal_waits_for_room_like_any_other() -> None:
    on = counted(stage(max_indexing=1))
    for name in ("a", "b", "c"):
        on.synced(f"{name}.md", b"text of " + name.encode())
    on.server.faults["delete"].append(NotReady(WHY, 20.0))
    async with controlled(on) as it:
        on.server.indexing = 600.0
        it.remove("a.md")
        await anyio.sleep(20)
        it.write("b.md", b"takes the only room")
        await anyio.sleep(11)
        assert on.server.count("delete") == 1
        it.write("a.md", b"back, and longer")
        asked = on.server.count("document")
        await anyio.sleep(300)
        assert on.server.count("update") == 1
        assert on.server.count("document") <= asked + 2
        await anyio.sleep(1000)
        assert it.exact()
        assert on.server.count("delete") == 1


async def test_what_was_allowed_counts_once() -> None:
    on = counted(stage())
    on.synced("a.md", b"text")
    async with controlled(on) as it:
        next(iter(on.server.documents.values())).edits = 7
        on.server.indexing = 600.0
        it.controller.nudge(listing=True)
        await anyio.sleep(60)
        assert on.server.count("update") == 1
        session = it.controller._session
        assert session is not None
        assert session.pool is not None
        assert (session.pool.indexing, dict(session.pool.risks)) == (1, {})


async def test_a_document_moves_only_while_no_worker_has_it() -> None:
    """The update of a moved document is about to begin when its document moves on."""
    on = counted(stage())
    on.synced("b.md", b"text B")
    on.synced("m.md", b"text A", document_name="before.md")
    on.synced("z.md", b"text Z")
    async with controlled(on) as it:
        write_now(on.source, "m.md", b"text C, soon gone")
        it.changes.report("m.md")
        on.server.on_call["named"] = lambda name: (
            name == "m.md" and setattr(on.server, "latency", 8.0)
        )
        await anyio.sleep(2)
        assert on.server.calls[-1][1:] == ("named", "m.md")
        assert on.server.in_flight == 1
        on.source.write("n.md", b"text A")
        on.source.write("m.md", b"text B")
        it.changes.report("n.md")
        it.remove("b.md")
        it.changes.report("m.md")
        await anyio.sleep(400)
        held = {key.path: entry.document_id for key, entry in on.ledger.held.items()}
        found = {path: on.server.documents[each].content for path, each in held.items()}
        assert found == on.source.contents()
        assert len(on.server.documents) == len(found)


async def test_a_server_that_stands_still_is_asked_once_a_minute_but_after_a_probe() -> None:
    on = counted(stage())
    async with controlled(on) as it:
        on.server.indexing = on.server.model.chunk_seconds = 1e9
        it.write("a.md", b"text")
        await anyio.sleep(10 * STUCK_AFTER)
        before, probes = len(on.server.calls), on.server.count("create")
        await anyio.sleep(4 * AN_HOUR)
        assert on.server.count("create") - probes <= 4
        assert 0 < len(on.server.calls) - before <= 4 * (60 * 4 + 30)  # and often after a probe


async def test_a_mark_that_was_given_up_is_tried_again_with_the_next_listing() -> None:
    on = counted(stage())
    async with controlled(on) as it:
        on.server.on_call["create"] = lambda _: on.server.dropping.add("doc-1")
        it.write("a.md", b"text")
        await anyio.sleep(300)
        assert on.server.documents["doc-1"].metadata == {}
        assert set(it.controller.unmet) == {key_of("a.md")}
        on.server.dropping.clear()
        await anyio.sleep(1.2 * AN_HOUR)
        assert on.server.documents["doc-1"].metadata["kbsync_path"] == "a.md"
        assert it.controller.unmet == {}


async def test_marks_are_written_once_on_a_base_that_had_no_fields_for_them() -> None:
    on = counted(stage())
    async with controlled(on) as it:
        for n in range(5):
            it.write(f"{n}.md", b"page %d" % n)
        await anyio.sleep(60)
        made, written = on.server.count("make_field"), on.server.count("assign")
        it.controller.nudge(listing=False)
        await anyio.sleep(60)
        assert (on.server.count("make_field"), on.server.count("assign")) == (made, written)
        assert [event for event in it.events if event.action == "set_metadata"] == []


async def test_stopping_does_not_wait_for_the_next_poll() -> None:
    on = counted(stage())
    on.server.indexing = 300.0
    async with controlled(on) as it:
        it.write("a.md", b"text")
        await anyio.sleep(60)  # polls are five seconds apart by now
        await anyio.sleep(on.server.calls[-1][0] + 0.2 - it.now() + 5.0)
        it.controller.stop()
        await anyio.sleep(0.2)
        assert it.controller.status.phase is Phase.STOPPED


def test_reserved_keys_are_not_handed_out() -> None:
    queue = KeyQueue()
    queue.add(key_of("a"))
    assert queue.reserve([key_of("a"), key_of("b")])
    assert queue.take(0.0) is None
    assert not queue.reserve([key_of("b"), key_of("c")])
    queue.add(key_of("c"))
    assert queue.take(0.0) == key_of("c")
    queue.done(key_of("a"))
    assert queue.take(0.0) == key_of("a")


def test_comparisons_of_everything_leave_time_for_the_rest() -> None:
    state = ControllerState(config=mirror_config(), observe=lambda event: None)
    state.compared(100.0, 102.0, listing=True)
    assert state.everything_due >= 800.0
    state.collect(ChangedPaths(folders=frozenset({"a"})), 102.0)
    assert state.everything_due == 110.0
    state.debouncer.compared()
    state.compared(200.0, 260.0, listing=False)
    state.collect(ChangedPaths(root=True), 270.0)
    assert state.everything_due == 260.0 + LONGEST_PAUSE
