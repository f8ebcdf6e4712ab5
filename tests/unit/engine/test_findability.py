"""Done means found: what is indexed is searched for, mended where it is lost, only then failed."""

from __future__ import annotations

from dataclasses import replace

import anyio
import pytest

from kbsync.engine.execute import mending
from kbsync.engine.execute.findability import ONE_IN
from kbsync.engine.indexing_room import IndexingRoom
from kbsync.engine.observe.remote_state import refresh
from kbsync.messages import Exit, Problem
from kbsync.messages import engine as say
from kbsync.model import (
    Binding,
    Capabilities,
    Capability,
    DocKey,
    EntryState,
    Gone,
    Intent,
    NotReady,
    Op,
    Readiness,
    Rejected,
    Throttled,
)
from kbsync.planning.standstill import STUCK_AFTER
from tests.model.keyword_table import KeywordTable
from tests.model.knowledge_base import NEVER_READY
from tests.model.stored_document import FINE, Document

from .fakes import Stage, run_pool, stage
from .server import DROPPED, LOST, REFUSED
from .words import WHY, key_of

pytestmark = pytest.mark.anyio
A = key_of("a.md")
RACING = Capabilities(version="1.16.1")
MANY = [f"{number:02}.md" for number in range(12)]


def racing(*paths: str, most: int | None = None, loses: tuple[str, ...] = ()) -> Stage:
    """A server that loses what is indexed at the same time; `loses`: names it loses anyhow."""
    on = stage({path: path.encode() for path in paths}, max_indexing=most)
    on.server.capabilities = RACING
    table = on.server.model.keywords
    write = table._write

    def losing(document: Document, *, since: float, at: float) -> None:
        write(document, since=since, at=at)
        document.incurable = document.name.startswith("incurable")
        indexed = since < at  # otherwise it was enabled
        document.lost = document.incurable or (indexed and document.name in loses)

    table._write = losing  # type: ignore[method-assign, assignment]
    return on


def switches(on: Stage) -> int:
    return on.server.count("switch")


async def test_one_document_is_in_flight_and_each_is_searched_for() -> None:
    on = racing(*MANY)
    report = await run_pool(on, MANY)
    assert report.exit is Exit.OK
    assert on.server.indexing_peak == 1
    assert on.server.count("search") == len(MANY)
    assert set(on.states().values()) == {"synced"}


async def test_what_the_mirror_declares_wins_and_proofs_wait_until_nothing_is_on_its_way() -> None:
    on = racing(*MANY, most=6)
    on.server.model.indexing = lambda name: (1.0 + 3 * (int(name[:2]) % 3), FINE)
    busy: list[int] = []
    on.server.on_call["search"] = lambda what: busy.append(on.server.busy())
    await run_pool(on, MANY)
    assert on.server.indexing_peak == 6
    assert busy == [0] * len(MANY)
    assert set(on.states().values()) == {"synced"}


async def test_a_server_that_keeps_all_is_asked_for_a_sample() -> None:
    paths = [f"{number:03}.md" for number in range(ONE_IN + 1)]
    on = stage(dict.fromkeys(paths, b"x"))
    await run_pool(on, paths)
    assert on.server.indexing_peak > 1
    assert on.server.count("search") == 2


@pytest.mark.parametrize(
    "able", [Capabilities(version="0.9.0"), RACING.noting(Capability.SEARCH, able=False)]
)
async def test_without_a_search_nothing_is_asked(able: Capabilities) -> None:
    on = racing("a.md")
    on.server.capabilities = able
    assert (await run_pool(on, ["a.md"])).exit is Exit.OK
    assert on.server.count("search") == on.server.count("chunks") == 0


async def test_what_is_lost_is_disabled_and_enabled_and_not_sent_again() -> None:
    on = racing(*MANY, loses=("03.md", "07.md"))
    report = await run_pool(on, MANY)
    assert report.exit is Exit.OK
    assert (switches(on), on.server.count("create"), on.server.count("update")) == (4, 12, 0)
    assert not any(
        document.lost or not document.enabled for document in on.server.documents.values()
    )
    assert on.ledger.intents == {}
    assert on.ledger.held[key_of("03.md")].reason is None


async def test_what_that_does_not_help_is_sent_again_once_and_then_named_and_tried_slowly() -> None:
    on = racing("a.md", "incurable.md")
    key = key_of("incurable.md")
    report = await run_pool(on, ["a.md", "incurable.md"])
    entry = on.ledger.held[key]
    assert report.exit is Exit.INCOMPLETE
    assert report.stopped[key][1].message is say.HELD_BACK_OFF
    assert (entry.state, entry.failures) == (EntryState.FAILED, 2)
    assert entry.reason is not None
    assert entry.reason[0] == say.FAILED_UNFINDABLE.code
    assert entry.retry_at is not None
    assert (on.server.count("create"), on.server.count("update")) == (2, 1)
    assert on.server.by_name("incurable.md")[0].enabled

    # An unchanged file is no reason to give up: the server is asked again later.
    on.server.model.keywords = KeywordTable()
    on.server.by_name("incurable.md")[0].lost = False
    await anyio.sleep(entry.retry_at - on.clock.now() + 1)
    assert (await run_pool(on, ["incurable.md"])).exit is Exit.OK
    assert on.states()["incurable.md"] == "synced"


@pytest.mark.parametrize(("word", "value"), [("archived", True), ("enabled", False)])
async def test_what_an_operator_put_away_meanwhile_stays_so(word: str, value: bool) -> None:
    on = racing("a.md", loses=("a.md",))
    on.server.on_call["chunks"] = lambda _: setattr(on.server.by_name("a.md")[0], word, value)
    await run_pool(on, ["a.md"])
    assert on.states() == {"a.md": "synced"}
    report = await run_pool(on, ["a.md"], listing=await refresh(on.world))
    assert report.stopped[key_of("a.md")][1].message is say.HELD_OPERATOR
    assert (switches(on), on.server.count("create"), on.server.count("update")) == (0, 1, 0)


async def test_a_server_that_cannot_switch_gets_the_file_again() -> None:
    on = racing("a.md", loses=("a.md",))
    on.server.capabilities = RACING.noting(Capability.SWITCH, able=False)
    await run_pool(on, ["a.md"])
    assert (switches(on), on.server.count("update")) == (0, 1)


async def test_a_loss_in_the_sample_makes_all_of_them_be_searched_for() -> None:
    on = racing(*MANY, most=1, loses=("00.md",))
    on.server.capabilities = Capabilities(version="1.14.0")
    await run_pool(on, MANY)
    assert on.server.capabilities.state(Capability.KEEPS_KEYWORDS) is False
    assert on.server.count("search") >= len(MANY)


@pytest.mark.parametrize("fault", [Rejected(WHY), Throttled(5.0), NotReady(WHY, 1.0), LOST])
async def test_a_search_that_fails_says_nothing_about_a_document(fault: object) -> None:
    on = racing("a.md", loses=("a.md",))
    on.server.always["search"] = fault  # type: ignore[assignment]
    assert (await run_pool(on, ["a.md"])).exit is Exit.OK
    assert switches(on) == 0


async def test_an_enable_that_is_locked_comes_later_and_an_operator_is_not_blamed() -> None:
    on = racing("a.md", "b.md", loses=("a.md",))
    locked = NotReady(WHY, 600.0)
    on.server.faults["switch"].extend([None, *[locked] * 20])
    assert (await run_pool(on, ["a.md", "b.md"])).exit is Exit.OK
    assert on.server.by_name("a.md")[0].enabled
    assert on.ledger.intents == {}
    assert on.states() == {"a.md": "synced", "b.md": "synced"}


# -- a crash between the two calls ---------------------------------------------------------------


def _cut_off(on: Stage, *, attempt: int, enabled: bool) -> None:
    """Leave what a process leaves that was killed while it mended a.md."""
    entry = on.synced("a.md", b"a.md", state=EntryState.INDEXING)
    why = say.FAILED_UNFINDABLE(path="a.md")
    on.ledger.held[A] = replace(entry, reason=(why.code, why.text))
    document = on.server.documents[entry.document_id]
    document.enabled, document.lost = enabled, False
    on.ledger.intents[A] = Intent(
        key=A,
        op=Op.SWITCH,
        name="a.md",
        document_id=entry.document_id,
        started_at=on.clock.now(),
        attempt=attempt,
    )


@pytest.mark.parametrize("attempt", [mending.DISABLING, mending.ENABLING])
async def test_what_was_left_disabled_is_enabled_and_proved(attempt: int) -> None:
    on = racing("a.md")
    _cut_off(on, attempt=attempt, enabled=False)
    assert (await run_pool(on, ["a.md"])).exit is Exit.OK
    assert on.server.by_name("a.md")[0].enabled
    assert (on.states(), on.ledger.intents) == ({"a.md": "synced"}, {})
    assert on.server.count("update") == 0


async def test_a_disable_that_may_still_come_is_waited_for() -> None:
    on = racing("a.md")
    _cut_off(on, attempt=mending.DISABLING, enabled=True)
    on.server.model.later(60.0, lambda: setattr(on.server.by_name("a.md")[0], "enabled", False))
    assert (await run_pool(on, ["a.md"])).exit is Exit.OK
    assert on.server.by_name("a.md")[0].enabled
    assert on.ledger.intents == {}


async def test_what_was_enabled_again_is_not_waited_for() -> None:
    on = racing("a.md")
    _cut_off(on, attempt=mending.ENABLING, enabled=True)
    began = on.clock.now()
    await run_pool(on, ["a.md"])
    assert on.clock.now() - began < 10
    assert on.states() == {"a.md": "synced"}


async def test_a_process_that_ends_anywhere_in_between_leaves_nothing_disabled() -> None:
    for moments in range(1, 12):
        on = racing("a.md", loses=("a.md",))
        with anyio.move_on_after(2.0 + moments * 0.05):
            await run_pool(on, ["a.md"])
        await anyio.sleep(1)
        await run_pool(on, ["a.md"])
        assert on.server.by_name("a.md")[0].enabled, moments
        assert (on.states(), on.ledger.intents) == ({"a.md": "synced"}, {}), moments
        assert on.server.count("create") == 1


async def test_an_enable_that_is_refused_is_named_with_what_to_type() -> None:
    on = racing("a.md", loses=("a.md",))
    on.server.faults["switch"].extend([None])
    on.server.always["switch"] = REFUSED
    report = await run_pool(on, ["a.md"])
    assert report.stopped[A][1].message is say.LEFT_DISABLED
    on.server.always.clear()
    assert (await run_pool(on, ["a.md"])).exit is Exit.OK


async def test_an_enable_that_is_answered_with_404_is_made_again() -> None:
    on = racing("a.md", "b.md", loses=("a.md",))
    on.server.faults["switch"].extend([None, Gone(), Gone()])
    assert (await run_pool(on, ["a.md", "b.md"])).exit is Exit.OK
    assert on.server.by_name("a.md")[0].enabled
    assert (on.states(), on.ledger.intents) == ({"a.md": "synced", "b.md": "synced"}, {})
    assert on.server.count("create") == 2


async def test_an_enable_amid_an_absence_of_the_base_is_made_once_it_is_back() -> None:
    on = racing("a.md", loses=("a.md",))
    on.server.on_call["switch"] = lambda _: setattr(on.server, "base_there", switches(on) < 2)
    with pytest.raises(Problem):
        await run_pool(on, ["a.md"])
    assert not on.server.by_name("a.md")[0].enabled
    on.server.base_there = True
    on.server.on_call.clear()
    assert (await run_pool(on, ["a.md"])).exit is Exit.OK
    assert on.server.by_name("a.md")[0].enabled
    assert on.ledger.intents == {}


async def test_a_disable_that_is_answered_with_404_is_made_later() -> None:
    on = racing("a.md", "b.md", loses=("a.md",))
    on.server.faults["switch"].append(Gone())
    assert (await run_pool(on, ["a.md", "b.md"])).exit is Exit.OK
    assert on.states() == {"a.md": "synced", "b.md": "synced"}
    assert (on.server.count("create"), switches(on)) == (2, 3)


async def test_a_document_that_is_gone_before_it_is_enabled_is_made_anew() -> None:
    on = racing("a.md")
    _cut_off(on, attempt=mending.ENABLING, enabled=False)

    def remove(_: str) -> None:
        on.server.documents.clear()
        on.server.faults["switch"].append(Gone())
        on.server.on_call.clear()

    on.server.on_call["switch"] = remove
    assert (await run_pool(on, ["a.md"])).exit is Exit.OK
    assert (on.states(), on.ledger.intents) == ({"a.md": "synced"}, {})
    assert on.server.count("create") == 1


# -- a room that mirrors share -------------------------------------------------------------------


async def test_mirrors_on_one_base_have_one_document_in_flight_together() -> None:
    on, other = racing(*MANY[:6]), racing(*MANY[6:])
    room = IndexingRoom()
    on.world = replace(on.world, room=room)
    other.world = replace(other.world, room=room, remote=on.server)
    async with anyio.create_task_group() as group:
        group.start_soon(run_pool, on, MANY[:6])
        group.start_soon(run_pool, other, MANY[6:])
    assert on.server.indexing_peak == 1
    assert len(on.server.documents) == 12
    assert {*on.states().values(), *other.states().values()} == {"synced"}


async def test_what_an_earlier_process_sent_is_followed_before_anything_is_sent() -> None:
    on = racing("a.md", "b.md")
    entry = on.synced("b.md", b"b.md", state=EntryState.INDEXING)
    on.server.documents[entry.document_id].ready_at = on.clock.now() + 30
    began = on.clock.now()
    await run_pool(on, ["a.md", "b.md"])
    assert on.server.times("create")[0] >= began + 30
    assert on.states() == {"a.md": "synced", "b.md": "synced"}


def _sent_before(on: Stage, path: str, *, ready_in: float, sent_ago: float = 10.0) -> Document:
    """An earlier process sent the document of another mirror on the base."""
    now = on.clock.now()
    entry = on.synced(path, path.encode(), state=EntryState.INDEXING, batch="batch")
    del on.ledger.held[entry.key], on.source.files[path]
    key = DocKey(mirror="wiki", path=path)
    base = on.world.base_id or ""
    on.ledger.bind(
        Binding(mirror="wiki", server="http://fake/v1", base_id=base, base_name="B", source="x")
    )
    on.ledger.held[key] = replace(entry, key=key, sent_at=now - sent_ago, progress=0)
    document = on.server.documents[entry.document_id]
    document.ready_at = now + ready_in
    return document


async def test_a_proof_waits_for_what_an_earlier_process_sent_for_another_mirror() -> None:
    on = racing("a.md", "b.md")
    _sent_before(on, "w.md", ready_in=30)
    began = on.clock.now()
    await run_pool(on, ["a.md", "b.md"])
    assert on.server.times("search")[0] >= began + 30
    assert on.server.count("search") == 2
    assert (on.states()["a.md"], on.states()["b.md"]) == ("synced", "synced")


async def test_a_proof_waits_for_what_this_plan_leaves_out() -> None:
    on = racing("a.md")
    entry = on.synced("left-out.md", b"left out", state=EntryState.INDEXING)
    on.server.documents[entry.document_id].ready_at = on.clock.now() + 30
    began = on.clock.now()
    await run_pool(on, ["a.md"])
    assert on.server.times("search")[0] >= began + 30


async def test_what_has_ended_since_is_asked_for_once() -> None:
    on = racing(*MANY)
    for number in range(3):
        _sent_before(on, f"w{number}.md", ready_in=-1)
    asked: list[str] = []
    on.server.on_call["document"] = asked.append
    await run_pool(on, MANY)
    theirs = {entry.document_id for key, entry in on.ledger.held.items() if key.mirror == "wiki"}
    assert sorted(each for each in asked if each in theirs) == sorted(theirs)


@pytest.mark.parametrize("state", ["waiting", "gone", "no worker"])
async def test_a_proof_waits_for_no_task_that_reads_later_or_never_ends(state: str) -> None:
    on = racing("a.md")
    long_ago = STUCK_AFTER + 60 if state == "no worker" else 10.0
    document = _sent_before(on, "w.md", ready_in=NEVER_READY, sent_ago=long_ago)
    on.server.model.chunk_seconds = NEVER_READY
    if state == "waiting":
        document.stage = Readiness.WAITING
    if state == "gone":
        del on.server.documents[document.id]
    began = on.clock.now()
    await run_pool(on, ["a.md"])
    assert on.server.times("search")[0] < began + 30


async def test_a_call_without_an_answer_does_not_hold_up_the_others_for_the_whole_window() -> None:
    on = racing(*MANY)
    on.server.faults["create"].append(DROPPED)
    began = on.clock.now()
    await run_pool(on, MANY)
    assert set(on.states().values()) == {"synced"}
    creates = on.server.times("create")
    assert 60 < creates[1] - began < 120
    assert creates[len(MANY) - 1] - began < 300
