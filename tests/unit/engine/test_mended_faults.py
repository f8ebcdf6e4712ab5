"""Faults that once were in the engine, each with the story that shows it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import anyio
import pytest

from kbsync.engine.execute.results import Event
from kbsync.engine.observe.remote_state import refresh
from kbsync.engine.ports import EntryChange
from kbsync.engine.workers.policy import OneShot
from kbsync.engine.workers.pool import WorkerPool
from kbsync.messages import Problem
from kbsync.messages import engine as say
from kbsync.messages import ledger as ledger_say
from kbsync.model import EntryState, Excluded, Gone, Intent, LedgerEntry, Op
from tests.model.stored_document import EMPTY, FAILS, FINE

from .fakes import Stage, Unlimited, run_pool, stage
from .server import DROPPED, LOST, UNSENT
from .words import key_of

pytestmark = pytest.mark.anyio
A = key_of("a.md")
HOUR = 3600.0


@asynccontextmanager
async def _within(seconds: float) -> AsyncIterator[None]:
    with anyio.move_on_after(seconds) as scope:
        yield
    assert not scope.cancelled_caught, f"still not through after {seconds} s"


def _swapping(on: Stage, **more: object) -> tuple[LedgerEntry, str, str]:
    """A swap on its way: the ledger's document is the new one and supersedes the old."""
    entry = on.synced("a.md", b"new")
    old = on.server.put("a.md", b"old")
    entry = replace(entry, superseded=old.id, **more)  # type: ignore[arg-type]
    on.ledger.held[A] = entry
    return entry, entry.document_id, old.id


# -- swap ----------------------------------------------------------------------------------------


async def test_a_new_document_deleted_during_its_swap_never_leaves_both_gone() -> None:
    """Row T12 creates over the old one on a merging server: entry and superseded are one id."""
    on = stage(swap=True)
    _, new, _ = _swapping(on, state=EntryState.INDEXING)
    del on.server.documents[new]
    async with _within(HOUR):
        await run_pool(on, ["a.md"])
    assert [each.content for each in on.server.by_name("a.md")] == [b"new"]


async def test_a_swap_whose_indexing_keeps_failing_backs_off() -> None:
    """Row T2 goes back to the old document with no failure remembered; T17 swaps at once again."""
    on = stage(swap=True)
    on.synced("a.md", b"old")
    on.source.write("a.md", b"new text")
    on.server.failing_names.add("a.md")
    with anyio.move_on_after(120.0):
        await run_pool(on, ["a.md"])
    assert on.server.count("create") <= 5


async def test_forgetting_a_swap_whose_new_document_is_gone_removes_the_old_one() -> None:
    """Row T18 drops the entry, and with it the only word of the superseded document."""
    on = stage(swap=True)
    _, new, _ = _swapping(on, state=EntryState.INDEXING)
    del on.server.documents[new]
    on.source.remove("a.md")
    async with _within(HOUR):
        await run_pool(on, ["a.md"])
        await run_pool(on, ["a.md"])
    assert on.server.documents == {}


@pytest.mark.parametrize("landed", [True, False])
async def test_an_update_that_is_not_answered_amid_a_swap_does_not_forget_the_old_document(
    landed: bool,
) -> None:
    """A verdict makes the entry anew, which alone knows of the superseded document."""
    on = stage(swap=True)
    entry, new, old = _swapping(on)
    intent = Intent(
        key=A,
        op=Op.UPDATE,
        name="a.md",
        document_id=new,
        rev_before="another" if landed else entry.rev,
        started_at=on.clock.now(),
        ids_seen=frozenset(),
    )
    on.ledger.commit(EntryChange(key=A, intent=intent))
    async with _within(HOUR):
        await run_pool(on, ["a.md"])
    assert old not in on.server.documents
    assert [each.content for each in on.server.by_name("a.md")] == [b"new"]


async def test_pruning_an_excluded_file_in_the_middle_of_a_swap_removes_both_documents() -> None:
    on = stage(swap=True, prune_excluded=True)
    _swapping(on)
    on.source.states["a.md"] = Excluded(key=A)
    async with _within(HOUR):
        await run_pool(on, ["a.md"])
        await run_pool(on, ["a.md"])
    assert on.server.documents == {}


async def test_an_edit_after_a_swap_that_made_no_chunks_loses_no_document() -> None:
    """The second swap supersedes the empty one, and the old one is held by no entry."""
    on = stage(swap=True)
    on.synced("a.md", b"old")
    on.source.write("a.md", b"nothing to find")
    on.server.empty_names.add("a.md")
    async with _within(HOUR):
        await run_pool(on, ["a.md"])
    on.server.empty_names.clear()
    on.source.write("a.md", b"better text")
    async with _within(HOUR):
        await run_pool(on, ["a.md"])
    assert [each.content for each in on.server.by_name("a.md")] == [b"better text"]


# -- states that stay ----------------------------------------------------------------------------


async def test_a_restore_whose_reply_was_lost_does_not_stay_in_the_trash() -> None:
    """Row T3 knows only disabled documents; an enabled one is left TRASHED by T14 for ever."""
    on = stage()
    on.synced("a.md", b"old", state=EntryState.TRASHED)
    await run_pool(on, ["a.md"])
    assert on.states() == {"a.md": "synced"}


async def test_an_adopted_document_in_error_is_not_called_synced() -> None:
    on = stage({"a.md": b"hello"})
    stored = on.server.put("a.md", b"hello", fate=FAILS)
    on.server.mark(stored, "a.md")
    await run_pool(on, ["a.md"], listing=await refresh(on.world))
    assert stored.fate is FINE or on.states() != {"a.md": "synced"}


async def test_an_adopted_document_without_chunks_is_not_called_synced() -> None:
    on = stage({"a.md": b"hello"})
    stored = on.server.put("a.md", b"hello", fate=EMPTY)
    on.server.mark(stored, "a.md")
    await run_pool(on, ["a.md"], listing=await refresh(on.world))
    assert on.states() != {"a.md": "synced"}


async def test_a_failed_document_that_an_operator_retried_is_synced_again() -> None:
    """Row R5 takes every FAILED entry of an available document for one without chunks."""
    on = stage({"a.md": b"hello"})
    on.server.failing_names.add("a.md")
    await run_pool(on, ["a.md"])
    on.server.by_name("a.md")[0].fate = FINE
    await run_pool(on, ["a.md"], listing=await refresh(on.world))
    assert on.states() == {"a.md": "synced"}


async def test_a_base_that_could_not_be_asked_is_not_called_gone() -> None:
    on = stage()
    on.synced("a.md", b"old")
    on.source.remove("a.md")
    on.server.documents.clear()
    on.server.always["base"] = UNSENT
    with pytest.raises(Problem) as caught:
        await run_pool(on, ["a.md"])
    assert caught.value.notice.message is not say.BASE_GONE


# -- passes that do not end, or end too soon -----------------------------------------------------


async def test_a_pass_ends_when_the_server_stops_indexing_and_there_is_no_room() -> None:
    """Patience is asked only while no key is out, and keys wait for room while they are out."""
    on = stage({f"{n}.md": b"x" for n in range(3)}, max_indexing=1)
    on.server.indexing = on.server.model.chunk_seconds = 1e9
    async with _within(5 * HOUR):
        await run_pool(on, ["0.md", "1.md", "2.md"])


async def test_a_pass_waits_as_long_as_there_is_progress() -> None:
    """With more than three documents on their way the watch never asks how far they are."""
    on = stage({f"{n}.md": b"x" for n in range(5)})
    on.server.indexing = 2 * HOUR
    report = await run_pool(on, [f"{n}.md" for n in range(5)])
    assert report.indexing == 0


async def test_a_delete_that_always_ends_in_doubt_is_given_up() -> None:
    """Still there: decide again, delete again, once a second, without end."""
    on = stage()
    on.synced("a.md", b"old")
    on.source.remove("a.md")
    on.server.always["delete"] = DROPPED
    with anyio.move_on_after(300.0):
        await run_pool(on, ["a.md"])
    assert on.server.count("delete") <= 20


async def test_a_create_that_always_answers_404_is_given_up() -> None:
    """The base answers, so the key is looked at again at once, without end."""
    on = stage({"a.md": b"hello"})
    on.server.always["create"] = Gone()
    with anyio.move_on_after(30.0):
        await run_pool(on, ["a.md"])
    assert on.server.count("create") <= 10


async def test_uploads_whose_reply_was_lost_count_as_indexing() -> None:
    """Neither uploading any more nor watched yet, they leave room for too many others."""
    paths = [f"{n}.md" for n in range(8)]
    on = stage(dict.fromkeys(paths, b"x"), max_indexing=2)
    on.server.indexing = 60.0
    on.server.faults["create"].extend([LOST] * 8)
    async with _within(5 * HOUR):
        await run_pool(on, paths)
    assert on.server.indexing_peak <= 2


async def test_a_ledger_that_takes_no_more_when_an_end_is_noted_ends_the_pass_in_order() -> None:
    """It came out as a group of errors, and cut off what was in flight."""
    on = stage({"a.md": b"a", "b.md": b"b"})
    full = Problem(ledger_say.FULL(place="ledger.db", folder="."))

    def observe(event: Event) -> None:
        if event.outcome == "indexed":
            raise full

    pool = WorkerPool(on.world, OneShot(Unlimited(), wait=True), listing=None, observe=observe)
    with pytest.raises(Problem) as caught:
        await pool.run([A, key_of("b.md")])
    assert caught.value is full
    assert on.ledger.intents == {}
