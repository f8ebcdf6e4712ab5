"""What ended late may have written over what was proved meanwhile: that is searched for again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import anyio
import pytest

from kbsync.messages import Exit
from kbsync.messages import engine as say
from kbsync.model import Ambiguous, DocKey, EntryState, Excluded, LedgerEntry, Skipped, Unknown
from tests.model.stored_document import FINE

from .controlled import GRACE, controlled
from .fakes import Stage, run_pool
from .test_findability import racing, switches
from .words import WHY, key_of

pytestmark = pytest.mark.anyio
LATE = key_of("late.md")
HOUR = 3600.0


def _left(on: Stage, **more: object) -> LedgerEntry:
    """A document that an earlier process sent an hour ago, and that is done by now."""
    now = on.clock.now()
    known = {"state": EntryState.INDEXING, "sent_at": now - HOUR, "progress_at": now - HOUR}
    return on.synced("late.md", b"late.md", **{**known, **more})


def _proved(on: Stage, path: str, *, ago: float, lost: bool = True) -> LedgerEntry:
    """A document that was proved so many seconds ago, and that was written over since."""
    at = on.clock.now() - ago
    entry = on.synced(path, path.encode(), sent_at=at - 1.0, progress_at=at)
    on.server.model.keywords.settle(on.clock.now())
    on.server.documents[entry.document_id].lost = lost
    return entry


def _there(on: Stage) -> None: ...


def _outgrown(on: Stage) -> None:
    on.source.remove("late.md")
    on.source.states["late.md"] = Skipped(key=LATE, why=WHY)


def _left_out(on: Stage) -> None:
    on.source.remove("late.md")
    on.source.states["late.md"] = Excluded(key=LATE)


def _unreadable(on: Stage) -> None:
    on.source.remove("late.md")
    on.source.states["late.md"] = Unknown(key=LATE, why=WHY)


def _removed(on: Stage) -> None:
    on.source.remove("late.md")


def _archived(on: Stage) -> None:
    on.server.by_name("late.md")[0].archived = True


def _disabled(on: Stage) -> None:
    on.server.by_name("late.md")[0].enabled = False


PUT_AWAY = (_archived, _disabled)
HAPPENED = (_there, _outgrown, _left_out, _unreadable, *PUT_AWAY)


@pytest.mark.parametrize("happened", HAPPENED)
async def test_what_was_proved_while_it_was_on_its_way_is_found_again(
    happened: Callable[[Stage], None],
) -> None:
    on = racing()
    _left(on)
    happened(on)
    _proved(on, "a.md", ago=60.0)
    _proved(on, "b.md", ago=60.0, lost=False)
    before = _proved(on, "before.md", ago=2 * HOUR, lost=False)
    await run_pool(on, ["late.md"])
    assert not any(each.lost for each in on.server.documents.values())
    assert set(on.states().values()) == {"synced"}
    assert (switches(on), on.server.count("create"), on.server.count("update")) == (2, 0, 0)
    searched = [what for _, call, what in on.server.calls if call == "chunks"]
    assert before.document_id not in searched


@pytest.mark.parametrize("happened", HAPPENED)
async def test_a_daemon_finds_it_again_too(happened: Callable[[Stage], None]) -> None:
    on = racing()
    _left(on)
    happened(on)
    on.source.write("a.md", b"a.md")
    _proved(on, "a.md", ago=60.0)
    async with controlled(on, rest=60.0) as it:
        assert not any(each.lost for each in on.server.documents.values())
        assert set(on.states().values()) == {"synced"}
        assert (LATE in it.controller.unmet) is (happened is not _there)
    assert {call for call, _ in it.writes()} == {"switch"}


async def test_what_a_document_wrote_over_that_is_to_be_deleted_is_found_again() -> None:
    on = racing()
    _left(on)
    _removed(on)
    _proved(on, "a.md", ago=60.0)
    report = await run_pool(on, ["late.md"])
    assert [each.lost for each in on.server.documents.values()] == [False]
    assert on.states() == {"a.md": "synced"}
    assert (report.done, report.exit) == ({"delete": 1}, Exit.OK)


async def test_a_daemon_finds_what_a_removed_file_wrote_over_too() -> None:
    on = racing()
    _left(on)
    _removed(on)
    on.source.write("a.md", b"a.md")
    _proved(on, "a.md", ago=60.0)
    async with controlled(on, rest=2 * GRACE) as it:
        assert [each.lost for each in on.server.documents.values()] == [False]
        assert on.states() == {"a.md": "synced"}
        assert {call for call, _ in it.writes()} == {"delete", "switch"}


async def test_what_a_daemon_still_waits_for_is_stale_all_the_while() -> None:
    on = racing()
    entry = _left(on)
    on.server.documents[entry.document_id].ready_at = on.clock.now() + HOUR
    _outgrown(on)
    async with controlled(on, rest=60.0) as it:
        assert it.controller.status.indexing == 1
        assert it.controller.status.stale == 1
        await anyio.sleep(2 * HOUR)
        assert (it.controller.status.indexing, it.controller.status.stale) == (0, 1)
        assert on.states() == {"late.md": "synced"}


async def test_what_ends_in_time_makes_nothing_be_searched_for_again() -> None:
    on = racing("new.md")
    _proved(on, "a.md", ago=60.0, lost=False)
    await run_pool(on, ["new.md"])
    assert on.server.count("search") == 1


async def test_where_no_search_can_tell_it_is_not_called_done_yet() -> None:
    on = racing()
    _left(on)
    _proved(on, "a.md", ago=60.0)
    on.server.faults["chunks"] += [Ambiguous(WHY)] * 2
    await run_pool(on, ["late.md"])
    order = [what for change in on.ledger.commits if (what := change.key.path) != ""]
    assert order.index("a.md") <= order.index("late.md")
    assert not any(each.lost for each in on.server.documents.values())


async def test_a_document_of_another_mirror_is_left_to_its_next_pass() -> None:
    on = racing()
    _left(on)
    entry = _proved(on, "a.md", ago=60.0)
    other = DocKey(mirror="wiki", path="a.md")
    del on.ledger.held[entry.key]
    on.ledger.held[other] = replace(entry, key=other)
    report = await run_pool(on, ["late.md"])
    assert report.exit is Exit.OK
    found = on.ledger.held[other]
    assert (found.state, found.sent_at, switches(on)) == (EntryState.INDEXING, None, 0)


async def test_what_is_only_proved_again_ends_no_task() -> None:
    """Otherwise two mirrors would have each other prove their documents for ever."""
    on = racing()
    _left(on, sent_at=None)
    _proved(on, "a.md", ago=60.0, lost=False)
    await run_pool(on, ["late.md"])
    assert on.server.count("search") == 1


async def test_tasks_that_write_over_each_other_over_several_passes_lose_nothing() -> None:
    on = racing("late.md", "a.md", "b.md")
    table = on.server.model.keywords
    table.races, table._meet = True, lambda one, other: True  # type: ignore[method-assign]
    seconds, on.server.model.chunk_seconds = {"late.md": 2 * HOUR}, float("inf")
    on.server.model.indexing = lambda name: (seconds.get(name, 1.0), FINE)
    await run_pool(on, ["late.md"], wait=False)
    _outgrown(on)
    for _ in range(3):
        await run_pool(on, ["late.md", "a.md", "b.md"])
    assert on.states()["a.md"] == on.states()["b.md"] == "synced"
    await anyio.sleep(3 * HOUR)
    table.settle(on.clock.now())
    assert any(each.lost for each in on.server.documents.values())
    report = await run_pool(on, ["late.md", "a.md", "b.md"])
    assert not any(each.lost for each in on.server.documents.values())
    assert set(on.states().values()) == {"synced"}
    assert [kind for kind, _ in report.stopped.values()] == ["stale"]
    assert report.stopped[LATE][1].message is say.HELD_STALE
