"""A row of a list stands for the status of a document that was just made, and for no other."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kbsync.engine.execute.indexing import IndexingTracker
from kbsync.engine.execute.status_polls import FEW, MORE_ROWS, chunks_of
from kbsync.engine.ports import ObservedListing
from kbsync.messages import Problem
from kbsync.messages import engine as say
from kbsync.model import Capability, EntryState

from .fakes import Stage, run_pool, stage
from .words import key_of

pytestmark = pytest.mark.anyio
EMPTY_BASE = ObservedListing(started_at=1_000_000.0, complete=True, documents=0)


def _staged(count: int) -> tuple[Stage, list[str]]:
    names = [f"{n:03}.md" for n in range(count)]
    return stage({name: b"text%03d" % n for n, name in enumerate(names)}), names


def _listing(on: Stage) -> ObservedListing:
    return replace(EMPTY_BASE, started_at=on.clock.now())


async def test_what_was_just_made_is_asked_for_by_lists_alone() -> None:
    on, names = _staged(40)
    await run_pool(on, names, listing=_listing(on))
    assert set(on.states().values()) == {"synced"}
    # One alone is asked for by its name.
    assert sum(on.server.count(call) for call in ("named", "progress", "document")) <= 6
    assert on.server.count("page") < 40


async def test_chunks_that_no_row_proves_are_asked_for() -> None:
    on, names = _staged(40)
    lost = {"003.md", "017.md"}
    on.server.empty_names |= lost
    on.server.model.counts_lost_words = True
    words = on.server.model.words
    assert all(len(on.source.files[name].content) % 2 for name in lost)  # so words are shown
    await run_pool(on, names, listing=_listing(on))
    for name in lost:
        entry = on.ledger.held[key_of(name)]
        assert words(on.server.documents[entry.document_id])
        assert (entry.state, entry.reason and entry.reason[0]) == (
            EntryState.FAILED,
            say.FAILED_NO_CHUNKS.code,
        )
    asked = [what for _, call, what in on.server.calls if call == "progress"]
    assert len(lost) <= len(asked) <= len(lost) + 3


async def test_where_tokens_are_not_counted_every_end_is_asked_for() -> None:
    on, names = _staged(12)
    on.server.model.able = on.server.model.able.noting(Capability.KEEPS_KEYWORDS, able=False)
    on.world = replace(on.world, technique="high_quality")
    await run_pool(on, names, listing=_listing(on))
    assert set(on.states().values()) == {"synced"}
    assert on.server.count("progress") >= 12


async def test_what_is_written_over_is_not_proved_by_a_row() -> None:
    on = stage()
    names = [f"{n}.md" for n in range(8)]
    for name in names:
        on.synced(name, b"before")
        on.source.write(name, b"after it")
    await run_pool(on, names)
    assert on.server.count("update") == 8
    assert on.server.count("progress") >= 8
    assert [what for _, call, what in on.server.calls if call == "page" and "newest" in what] == []


async def test_documents_of_others_may_push_ours_out_of_the_first_rows() -> None:
    on, names = _staged(12)
    made = 0

    def write(_: str) -> None:
        nonlocal made
        for _ in range(2 * MORE_ROWS if made < 400 else 0):
            on.server.put(f"other {made}", b"x")
            made += 1

    on.server.on_call["create"] = write
    await run_pool(on, names, listing=_listing(on))
    assert set(on.states().values()) == {"synced"}


@pytest.mark.parametrize("count", [FEW, FEW + 1])
async def test_of_a_few_it_is_asked_how_far_each_is(count: int) -> None:
    on, names = _staged(count)
    on.server.indexing = 30.0
    await run_pool(on, names, wait=False, listing=_listing(on))
    watch = IndexingTracker(on.world)
    for entry in on.ledger.held.values():
        watch.add(entry.key, entry.document_id, made=True)
    on.server.calls.clear()
    assert await watch.poll() == []
    assert on.server.count("page") == 1
    assert on.server.count("progress") == (count if count <= FEW else 0)


async def test_no_more_rows_are_asked_for_than_are_under_way() -> None:
    on, names = _staged(30)
    await run_pool(on, names, listing=_listing(on))
    newest = [what for _, call, what in on.server.calls if call == "page" and what]
    rows = [int(what.removeprefix("the newest ")) for what in newest]
    assert rows
    assert max(rows) <= on.world.most_indexing + MORE_ROWS


async def test_a_base_that_is_away_for_a_moment_proves_no_chunks() -> None:
    on = stage()
    synced = on.synced("a.md", b"a text")
    entry = replace(synced, batch=f"batch-{synced.rev}")
    assert await chunks_of(on.world, entry) is not None
    # Written over by a later upload: its own batch is no more.
    assert await chunks_of(on.world, replace(entry, batch="batch-of-before")) is None
    on.server.base_there = False
    with pytest.raises(Problem):
        await chunks_of(on.world, entry)
