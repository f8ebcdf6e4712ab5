"""Indexing is a state: followed until the document can be found, or is known not to be."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbsync.engine.execute.indexing import (
    FIRST_RETRY,
    LONGEST_RETRY,
    IndexingTracker,
    entry_after_indexing,
    verdict,
)
from kbsync.engine.execute.poll_pace import LONGEST, SHORTEST_ALONE
from kbsync.engine.observe.remote_state import refresh
from kbsync.messages import Exit
from kbsync.messages import engine as say
from kbsync.model import EntryState, LedgerEntry, Progress, Readiness, RemoteDocument
from kbsync.planning.standstill import STUCK_AFTER

from .fakes import run_pool, stage
from .words import fingerprint_of, key_of

A = key_of("a.md")
ENTRY = LedgerEntry(key=A, document_id="D", document_name="a.md", state=EntryState.INDEXING)


def _document(readiness: Readiness = Readiness.AVAILABLE, words: int | None = 5) -> RemoteDocument:
    return RemoteDocument(id="D", name="a.md", rev="r1", word_count=words, readiness=readiness)


def _progress(completed: int, total: int) -> Progress:
    return Progress(readiness=Readiness.AVAILABLE, completed=completed, total=total)


@pytest.mark.parametrize(
    ("document", "progress", "said"),
    [
        (_document(), None, None),
        (_document(), _progress(3, 3), None),
        (_document(words=None), _progress(1, 1), None),
        (_document(words=0), None, say.FAILED_NO_CHUNKS),
        (_document(words=0), _progress(1, 1), say.FAILED_NO_CHUNKS),
        (_document(), _progress(0, 0), say.FAILED_NO_CHUNKS),
        (_document(), _progress(2, 3), say.FAILED_INCOMPLETE_CHUNKS),
        (_document(Readiness.ERROR), _progress(3, 3), say.FAILED_INDEXING),
    ],
)
def test_done_means_completed_with_chunks_and_all_of_them(
    document: RemoteDocument, progress: Progress | None, said: object
) -> None:
    why = verdict(A, document, progress)
    assert (why.message if why else None) is said


def test_a_settled_entry_keeps_what_a_later_drift_is_measured_by() -> None:
    settled = entry_after_indexing(ENTRY, _document(), None, now=0.0)
    assert (settled.state, settled.rev, settled.word_count) == (EntryState.SYNCED, "r1", 5)
    assert (settled.failures, settled.reason, settled.retry_at) == (0, None, None)


def test_an_error_is_tried_again_slower_each_time_and_never_slower_than_the_cap() -> None:
    entry, rests = ENTRY, []
    why = say.FAILED_INDEXING(path="a.md", reason="x")
    for _ in range(30):
        entry = entry_after_indexing(entry, _document(Readiness.ERROR), why, now=1000.0)
        assert entry.state is EntryState.FAILED
        assert entry.retry_at is not None
        rests.append(entry.retry_at - 1000.0)
    assert rests == sorted(rests)
    assert FIRST_RETRY <= rests[0] < rests[1]
    assert rests[-1] == LONGEST_RETRY
    assert entry.failures == 30


def test_a_document_without_chunks_is_tried_again_twice_and_then_left() -> None:
    entry, why = ENTRY, say.FAILED_NO_CHUNKS(path="a.md")
    tries = []
    for _ in range(4):
        entry = entry_after_indexing(entry, _document(words=0), why, now=0.0)
        tries.append(entry.retry_at)
    assert tries == [FIRST_RETRY, 2 * FIRST_RETRY, None, None]


@pytest.mark.anyio
async def test_a_server_that_made_no_chunks_for_a_while_leaves_no_document_failed() -> None:
    on = stage({"a.md": b"a text that has words"})
    on.server.empty_names.add("a.md")
    report = await run_pool(on, ["a.md"])
    assert report.exit is Exit.INCOMPLETE
    on.server.empty_names.clear()
    await anyio.sleep(FIRST_RETRY + 1)
    await run_pool(on, ["a.md"])
    assert on.states() == {"a.md": "synced"}
    assert on.server.count("update") == 1


@pytest.mark.anyio
async def test_a_document_that_stays_without_chunks_is_sent_three_times_at_most() -> None:
    on = stage({"a.md": b"\n"})
    on.server.empty_names.add("a.md")
    report = await run_pool(on, ["a.md"])
    entry = on.ledger.held[A]
    assert entry.state is EntryState.FAILED
    assert entry.reason is not None
    assert entry.reason[0] == say.FAILED_NO_CHUNKS.code
    assert report.exit is Exit.INCOMPLETE

    for _ in range(3):
        for listing in (None, await refresh(on.world)):
            await anyio.sleep(LONGEST_RETRY * 2)
            report = await run_pool(on, ["a.md"], listing=listing)
            assert report.stopped[A][0] == "failed"
    assert on.server.count("create") == 1
    assert on.server.count("update") == 2
    assert on.ledger.held[A].retry_at is None

    on.server.empty_names.clear()
    on.source.write("a.md", b"now with text")
    await run_pool(on, ["a.md"])
    assert on.states() == {"a.md": "synced"}


@pytest.mark.anyio
async def test_an_indexing_error_is_tried_again_when_its_time_has_come() -> None:
    on = stage({"a.md": b"hello"})
    on.server.failing_names.add("a.md")
    await run_pool(on, ["a.md"])
    entry = on.ledger.held[A]
    assert (entry.state, entry.failures) == (EntryState.FAILED, 1)
    assert entry.reason == (say.FAILED_INDEXING.code, "the embedder is away")
    assert entry.retry_at is not None

    report = await run_pool(on, ["a.md"])
    assert on.server.count("create") == 1
    assert report.stopped[A][1].message is say.HELD_BACK_OFF

    await anyio.sleep(entry.retry_at - on.clock.now())
    await run_pool(on, ["a.md"])
    again = on.ledger.held[A]
    assert (again.state, again.failures) == (EntryState.FAILED, 2)

    on.server.failing_names.clear()
    await anyio.sleep(LONGEST_RETRY)
    await run_pool(on, ["a.md"])
    healed = on.ledger.held[A]
    assert (healed.state, healed.failures) == (EntryState.SYNCED, 0)
    assert len(on.server.documents) == 1
    assert on.server.overlaps == []


@pytest.mark.anyio
async def test_an_edit_does_not_wait_for_the_retry_of_what_it_replaces() -> None:
    on = stage({"a.md": b"hello"})
    on.server.failing_names.add("a.md")
    await run_pool(on, ["a.md"])
    on.server.failing_names.clear()
    on.source.write("a.md", b"better")
    await run_pool(on, ["a.md"])
    entry = on.ledger.held[A]
    assert (entry.state, entry.fingerprint) == (EntryState.SYNCED, fingerprint_of(b"better"))


@pytest.mark.anyio
async def test_a_document_deleted_while_it_was_indexed_is_made_again() -> None:
    on = stage({"a.md": b"hello"})
    gone: list[str] = []

    def delete_once(_: str) -> None:
        if not gone:
            gone.append(on.server.by_name("a.md")[0].id)
            on.server.documents.clear()

    on.server.on_call["document"] = on.server.on_call["progress"] = delete_once
    await run_pool(on, ["a.md"])
    (stored,) = on.server.by_name("a.md")
    assert stored.id != gone[0]
    assert on.states() == {"a.md": "synced"}


@pytest.mark.anyio
async def test_indexing_that_outlives_the_pass_is_taken_up_by_the_next() -> None:
    on = stage({"a.md": b"hello"})
    on.server.indexing = 60.0
    first = await run_pool(on, ["a.md"], wait=False)
    assert (first.indexing, first.exit) == (1, Exit.INDEXING)
    assert on.states() == {"a.md": "indexing"}
    second = await run_pool(on, ["a.md"])
    assert on.states() == {"a.md": "synced"}
    assert second.exit is Exit.OK
    assert on.server.count("create") == 1


async def _watching(count: int) -> tuple[IndexingTracker, Callable[[], Awaitable[list[object]]]]:
    on = stage({f"{n}.md": b"x" for n in range(count)})
    on.server.indexing = 600.0
    await run_pool(on, [f"{n}.md" for n in range(count)], wait=False)
    watch = IndexingTracker(on.world)
    for entry in on.ledger.held.values():
        watch.add(entry.key, entry.document_id)
    return watch, watch.poll  # type: ignore[return-value]


@pytest.mark.anyio
@pytest.mark.parametrize("count", [1, 3, 4, 9])
async def test_polling_slows_down_without_progress_and_settles_everything_at_once(
    count: int,
) -> None:
    watch, poll = await _watching(count)
    intervals = []
    for _ in range(20):
        assert await poll() == []
        intervals.append(watch.interval)
    assert intervals == sorted(intervals)
    assert intervals[0] > SHORTEST_ALONE
    assert intervals[-1] == LONGEST
    await anyio.sleep(600.0)
    assert len(await poll()) == count
    assert (len(watch), watch.interval) == (0, SHORTEST_ALONE)


@pytest.mark.anyio
@pytest.mark.parametrize("frozen", [True, False])
async def test_stuck_is_who_makes_no_progress_while_others_complete(frozen: bool) -> None:
    on = stage({"a.md": b"x", "b.md": b"x"})
    on.server.indexing = 1e6
    await run_pool(on, ["a.md", "b.md"], wait=False)
    (slow,), (quick,) = on.server.by_name("a.md"), on.server.by_name("b.md")
    slow.frozen = frozen
    quick.ready_at = on.clock.now() + STUCK_AFTER + 60
    watch = IndexingTracker(on.world)
    for entry in on.ledger.held.values():
        watch.add(entry.key, entry.document_id)
    while len(watch) == 2:
        assert watch.lost() == []
        await anyio.sleep(120.0)
        await watch.poll()
    assert watch.lost() == ([A] if frozen else [])
    assert watch.lost() == []  # named once


@given(st.lists(st.sampled_from(["a", "b"]), max_size=6))
def test_the_retry_rest_depends_on_failures_in_a_row_only(words: list[str]) -> None:
    entry = ENTRY
    for word in words:
        why = say.FAILED_INDEXING(path=word, reason=word)
        entry = entry_after_indexing(entry, _document(Readiness.ERROR), why, now=0.0)
    assert entry.failures == len(words)
    assert entry_after_indexing(entry, _document(), None, now=0.0).failures == 0
