"""A queue that lost its tasks: what is known lost is sent again, and nothing else is."""

from __future__ import annotations

from dataclasses import replace

import anyio
import pytest

from kbsync.engine.execute import uploads
from kbsync.engine.execute.results import Report
from kbsync.engine.observe.evidence import EvidenceCollector
from kbsync.engine.observe.remote_state import refresh
from kbsync.messages import Exit, moment
from kbsync.messages import engine as say
from kbsync.model import EntryState, Readiness, Update
from kbsync.planning.decide import decide
from kbsync.planning.standstill import STILL_AFTER

from .controlled import controlled, write_now
from .fakes import Stage, run_pool, stage
from .words import VirtualClock, key_of

pytestmark = pytest.mark.anyio


def _losing(on: Stage, call: str, number: int) -> list[str]:
    """Let the server lose its queue when the call of that number arrives; return the ids."""
    lost: list[str] = []

    def lose(_: str) -> None:
        if on.server.count(call) == number and not lost:
            lost.extend(on.server.model.lose_tasks())

    on.server.on_call[call] = lose
    return lost


def _exact(on: Stage, report: Report) -> None:
    assert set(on.states().values()) == {"synced"}
    assert report.exit is Exit.OK
    assert on.server.overlaps == []
    names = [each.name for each in on.server.documents.values()]
    assert sorted(names) == sorted(key.path for key in on.ledger.held)
    assert not any(each.task_lost for each in on.server.documents.values())


async def test_a_queue_lost_amid_fifty_uploads_is_made_good_without_a_hand() -> None:
    names = [f"{n:02}.md" for n in range(50)]
    on = stage({name: name.encode() for name in names})
    on.server.indexing = 20.0
    lost = _losing(on, "create", 18)
    began = on.clock.now()
    report = await run_pool(on, names)
    assert len(lost) > 5
    _exact(on, report)
    assert set(lost) <= on.server.documents.keys()  # the ids stay
    assert on.clock.now() - began < 900


async def test_a_queue_lost_amid_six_edits_with_one_in_flight() -> None:
    names = [f"{n}.md" for n in range(6)]
    on = stage(max_indexing=1)
    for name in names:
        on.synced(name, b"before")
        on.source.write(name, b"after")
    lost = _losing(on, "progress", 2)
    began = on.clock.now()
    report = await run_pool(on, names)
    assert lost
    _exact(on, report)
    assert all(each.content == b"after" for each in on.server.documents.values())
    assert on.clock.now() - began < 900


async def test_the_next_pass_knows_since_when_documents_stand_and_heals_them_at_once() -> None:
    names = [f"{n}.md" for n in range(12)]
    on = stage(dict.fromkeys(names, b"x"))
    await run_pool(on, names[:7], wait=False)
    lost = on.server.model.lose_tasks()
    await run_pool(on, names[7:])
    await anyio.sleep(600)
    began, creates = on.clock.now(), on.server.count("create")
    report = await run_pool(on, names)
    assert len(lost) == 7
    _exact(on, report)
    assert on.server.count("create") == creates + 7
    assert on.clock.now() - began < 60


@pytest.mark.parametrize("begun", [False, True])
async def test_where_all_stand_still_one_is_made_anew_and_proves_the_others_lost(
    begun: bool,
) -> None:
    names = [f"{n}.md" for n in range(5)]
    on = stage(dict.fromkeys(names, b"x"))
    await run_pool(on, names, wait=False)
    lost = on.server.model.lose_tasks()
    for each in lost if begun else ():  # a worker that was killed leaves them so
        on.server.documents[each].stage = Readiness.INDEXING
        on.server.documents[each].frozen = True
    await anyio.sleep(2400)
    if begun:  # this pass sees that it began, and when
        assert (await run_pool(on, names)).exit is Exit.INDEXING
        await anyio.sleep(1200)
    began = on.clock.now()
    report = await run_pool(on, names)
    _exact(on, report)
    assert len(set(lost) & on.server.documents.keys()) >= 3
    assert on.clock.now() - began < 60


async def test_a_single_document_that_lost_its_task_is_made_good_too() -> None:
    on = stage({"a.md": b"x"})
    on.server.on_call["progress"] = lambda _: on.server.model.lose_tasks()
    on.server.on_call["delete"] = lambda _: on.server.on_call.pop("progress", None)
    _exact(on, await run_pool(on, ["a.md"]))


async def test_a_worker_that_does_not_run_is_named_and_every_pass_ends() -> None:
    names = [f"{n}.md" for n in range(6)]
    on = stage(dict.fromkeys(names, b"x"), max_indexing=2)
    on.server.model.worker_runs = False
    ends = []
    for _ in range(3):
        began = on.clock.now()
        report = await run_pool(on, names)
        ends.append(on.clock.now() - began)
        assert report.exit in (Exit.INDEXING, Exit.INCOMPLETE)
        assert report.notice is not None
        assert report.notice.message is say.WORKER_STANDS
        await anyio.sleep(3600)
    assert on.server.overlaps == []
    assert max(ends) <= 1800
    said = [each for each in on.events if each.action == "wait"]
    assert {each.why.message for each in said if each.why} == {say.WORKER_STANDS}

    on.server.model.start_worker()
    began = on.clock.now()
    await run_pool(on, names)
    _exact(on, await run_pool(on, names))
    assert on.clock.now() - began < 900


async def test_a_slow_server_is_sent_nothing_twice_that_it_still_has() -> None:
    names = [f"{n}.md" for n in range(8)]
    on = stage(dict.fromkeys(names, b"x"), max_indexing=4)
    on.server.indexing = 1100.0
    report = await run_pool(on, names)
    _exact(on, report)
    assert on.server.count("create") == 8


async def test_an_update_that_stopped_its_worker_is_not_followed_by_another() -> None:
    names = [f"{n}.md" for n in range(4)]
    on = stage()
    for name in names:
        on.synced(name, b"before")
        on.source.write(name, b"after")
    on.server.indexing, on.server.model.chunk_seconds = 1e9, 1e9
    report = await run_pool(on, names)
    assert on.server.count("update") == 1
    assert on.server.count("create") == on.server.count("delete") == 0
    assert report.notice is not None


async def test_what_is_waited_for_after_a_call_without_an_answer_is_said_once() -> None:
    on = stage({"a.md": b"x"})
    on.server.faults["create"].append("dropped")
    report = await run_pool(on, ["a.md"])
    assert report.exit is Exit.OK
    (said,) = [each.why for each in on.events if each.action == "wait"]
    assert said is not None
    assert said.message is say.WAITS_FOR_CALL
    window = on.world.mirror.config.ambiguity_window
    assert said.words["until"] == moment(on.server.times("create")[0] + window)


async def test_a_document_that_was_archived_with_its_task_lost_is_left_to_the_operator() -> None:
    on = stage({"a.md": b"x", "b.md": b"x"})
    await run_pool(on, ["a.md", "b.md"], wait=False)
    on.server.model.lose_tasks()
    archive(on)
    await anyio.sleep(2400)
    report = await run_pool(on, ["a.md", "b.md"])
    # The server deletes no archived document, so none is taken for a probe.
    assert on.server.count("delete") == 0
    assert {why.message for _, why in report.stopped.values()} == {say.HELD_OPERATOR}


@pytest.mark.parametrize("archived", [False, True])
async def test_a_document_with_its_task_lost_is_followed_no_more_once_it_is_left_as_it_is(
    archived: bool,
) -> None:
    on = stage({"a.md": b"x"})
    await run_pool(on, ["a.md"], wait=False)
    on.server.model.lose_tasks()
    write_now(on.source, "a.md", b"edited")
    on.server.model.refused.add(b"edited")
    if archived:
        archive(on)
    began = on.clock.now()
    async with controlled(on) as it:
        it.write("b.md", b"sent later")
        await anyio.sleep(STILL_AFTER + 60)
        why = it.controller.unmet[key_of("a.md")]
        assert why.message is (say.HELD_OPERATOR if archived else say.ACTION_REFUSED)
        assert (it.controller.status.indexing, it.controller.status.pending) == (0, 0)
        calls = len(on.server.calls)
        await anyio.sleep(STILL_AFTER)
        assert len(on.server.calls) == calls
    report = await run_pool(on, ["a.md", "b.md"])
    assert (report.exit, report.indexing) == (Exit.INCOMPLETE, 0)
    assert on.clock.now() - began < 3 * STILL_AFTER
    on.server.model.refused.clear()
    on.server.documents[on.ledger.held[key_of("a.md")].document_id].archived = False
    write_now(on.source, "a.md", b"edited again")
    _exact(on, await run_pool(on, ["a.md", "b.md"]))


async def test_an_archived_document_that_stands_still_is_not_waited_for() -> None:
    on = stage({"a.md": b"x"})
    await run_pool(on, ["a.md"], wait=False)
    on.server.model.lose_tasks()
    archive(on)
    async with controlled(on) as it:
        await anyio.sleep(4 * STILL_AFTER)
        assert it.controller.unmet[key_of("a.md")].message is say.HELD_OPERATOR
        assert (it.controller.status.indexing, it.controller.status.pending) == (0, 0)


async def test_an_archived_document_whose_file_went_is_not_waited_for() -> None:
    """No probe can be sent for it, and what stands alone is not known to be lost."""
    on = stage({"a.md": b"x"})
    on.server.indexing = 2 * STILL_AFTER
    async with controlled(on) as it:
        await anyio.sleep(STILL_AFTER)
        assert it.controller.status.indexing == 1
        on.server.model.lose_tasks()
        archive(on)
        it.remove("a.md")
        await anyio.sleep(2 * on.world.mirror.config.remote_resync)
        why = it.events[-1].why
        assert why is not None
        assert why.message is say.HELD_OPERATOR
        assert (it.controller.status.indexing, it.controller.status.pending) == (0, 0)


async def test_an_orphan_whose_task_was_lost_goes_though_its_ledger_was_lost_too() -> None:
    """Without an entry nothing said since when it stands, and it was waited for for ever."""
    on = stage()
    orphan = on.server.put("gone.md", b"x", ready_at=float("inf"))
    on.server.mark(orphan, "gone.md")
    on.server.model.lose_tasks()
    for _ in range(2):
        await run_pool(on, ["gone.md"], listing=await refresh(on.world))
        await anyio.sleep(300)
    assert on.server.documents == {}
    assert on.ledger.held == {}


async def test_an_orphan_that_is_being_indexed_is_waited_for() -> None:
    on = stage()
    orphan = on.server.put("gone.md", b"x", ready_at=on.clock.now() + 100)
    on.server.mark(orphan, "gone.md")
    began = on.clock.now()
    await run_pool(on, ["gone.md"], listing=await refresh(on.world))
    assert on.server.documents == {}
    assert on.server.times("delete")[0] >= began + 100


async def test_a_document_that_is_archived_meanwhile_is_done_only_when_its_indexing_is() -> None:
    on = stage({"a.md": b"x"})
    on.server.model.worker_runs = False
    on.server.on_call["progress"] = on.server.on_call["document"] = lambda _: archive(on)
    report = await run_pool(on, ["a.md"])
    assert on.states() == {"a.md": "indexing"}
    assert not [each for each in on.events if each.outcome == "indexed"]
    assert report.exit is not Exit.OK


def archive(on: Stage) -> None:
    for each in on.server.documents.values():
        each.archived = True


@pytest.mark.parametrize("before", [EntryState.INDEXING, EntryState.FAILED])
@pytest.mark.parametrize("ends", [False, True])
async def test_a_probe_is_sent_unless_its_indexing_was_seen_to_end_meanwhile(
    before: EntryState, ends: bool
) -> None:
    on = stage()
    entry = on.synced("a.md", b"x", state=before)
    on.server.documents[entry.document_id].ready_at = float("inf")
    case = await EvidenceCollector(context=on.world).case(entry.key, probe=True)
    action = decide(case)
    assert isinstance(action, Update)
    if ends:
        on.ledger.held[entry.key] = replace(entry, state=EntryState.SYNCED)
    await uploads.update(on.world, case, action)
    assert (on.server.documents == {}) is not ends


class SleepingClock(VirtualClock):
    """A clock that goes on while its machine sleeps, and the server of that machine with it."""

    slept = 0.0

    def now(self) -> float:
        return super().now() + self.slept


@pytest.mark.parametrize("after", [5.0, 29.0, 47.0])
async def test_a_machine_that_slept_an_hour_takes_it_for_no_standstill(after: float) -> None:
    names = [f"{n:02}.md" for n in range(50)]
    on = stage({name: name.encode() for name in names})
    on.server.indexing = 20.0
    clock = SleepingClock()
    on = replace(on, world=replace(on.world, clock=clock))

    async def sleep() -> None:
        await anyio.sleep(after)
        clock.slept = 3600.0

    async with anyio.create_task_group() as group:
        group.start_soon(sleep)
        report = await run_pool(on, names)
    _exact(on, report)
    assert (on.server.count("create"), on.server.count("update")) == (50, 0)


async def test_a_queue_that_was_lost_before_the_machine_slept_is_made_good() -> None:
    names = [f"{n:02}.md" for n in range(50)]
    on = stage({name: name.encode() for name in names})
    on.server.indexing = 20.0
    lost = _losing(on, "create", 18)
    clock = SleepingClock()
    on = replace(on, world=replace(on.world, clock=clock))

    async def sleep() -> None:
        await anyio.sleep(40.0)
        clock.slept = 3600.0

    async with anyio.create_task_group() as group:
        group.start_soon(sleep)
        report = await run_pool(on, names)
    assert len(lost) > 5
    _exact(on, report)
