"""Bases of more than a page, that others change while they are read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from kbsync.engine.execute.indexing import IndexingTracker
from kbsync.engine.observe.adoption import Trust, take
from kbsync.engine.observe.knowledge_base import owned
from kbsync.engine.observe.remote_state import TRIES, refresh
from kbsync.engine.ports import ObservedListing
from kbsync.engine.reconciler import Reconciler
from kbsync.messages import Problem
from kbsync.messages import adoption as say
from kbsync.messages import engine as engine_say
from kbsync.model import EntryState
from kbsync.planning.pairing import By, pair

from .fakes import Stage, stage
from .words import key_of

pytestmark = pytest.mark.anyio


def filled(count: int) -> Stage:
    on = stage(settle=0.0)
    for n in range(count):
        on.server.put(f"{n:04}.md", b"by hand")
    return on


def deleting(on: Stage, times: int) -> Callable[[str], None]:
    """A document is deleted by hand while each of the first pages is on its way."""
    left = [*on.server.documents][:times]

    def delete(_: str) -> None:
        if left:
            del on.server.documents[left.pop()]

    return delete


async def test_a_listing_reads_every_page() -> None:
    on = filled(250)
    listing = await refresh(on.world)
    assert (listing.complete, listing.documents, len(on.ledger.documents)) == (True, 250, 250)
    assert on.server.count("page") == 3


async def test_a_listing_that_shifted_is_read_again() -> None:
    on = filled(250)
    on.server.on_call["page"] = deleting(on, 2)
    listing = await refresh(on.world)
    assert (listing.complete, listing.documents) == (True, 248)
    assert on.server.count("page") == 6


async def test_a_listing_that_keeps_shifting_proves_nothing() -> None:
    on = filled(250)
    on.server.on_call["page"] = deleting(on, 250)
    listing = await refresh(on.world)
    assert not listing.complete
    assert on.server.count("page") <= 3 * TRIES


async def test_nothing_is_offered_from_a_listing_that_keeps_shifting() -> None:
    on = filled(250)
    on.source.write("0249.md", b"by hand")
    on.server.on_call["page"] = deleting(on, 200)
    engine = Reconciler(on.world.mirror, on.ledger, on.server, on.clock)
    with pytest.raises(Problem) as caught:
        await engine.offer(
            lambda files, documents: pair(files, documents, By.NAME),
            cause="name",
            trust=Trust.SIZE,
        )
    assert caught.value.notice.message is say.LISTING_MOVED
    assert on.ledger.held == {}


async def test_what_was_offered_of_another_base_is_not_taken() -> None:
    on = filled(1)
    on.source.write("0000.md", b"by hand")
    engine = Reconciler(on.world.mirror, on.ledger, on.server, on.clock)
    offered = await engine.offer(
        lambda files, documents: pair(files, documents, By.NAME), cause="name", trust=Trust.SIZE
    )
    assert len(offered.actions) == 1
    before = replace(offered, context=replace(offered.context, base_id="listed-then"))
    with pytest.raises(Problem) as caught:
        await take(before)
    assert caught.value.notice.message is say.LISTING_MOVED
    assert on.ledger.held == {}


async def test_what_is_being_indexed_may_fill_several_pages() -> None:
    on = stage()
    on.server.indexing = 600.0
    watch = IndexingTracker(on.world)
    for n in range(230):
        path = f"{n:03}.md"
        entry = on.synced(path, b"%d" % n, state=EntryState.INDEXING)
        on.server.documents[entry.document_id].ready_at = on.clock.now() + 600.0
        watch.add(key_of(path), entry.document_id)
    assert await watch.poll() == []
    assert on.server.count("page") == 4  # three of what is indexed, one of what waits
    assert on.server.count("document") == 0


# -- whose documents they are --------------------------------------------------------------------


def _listed(*owners: str) -> ObservedListing:
    return ObservedListing(started_at=0.0, complete=True, documents=9, owners=frozenset(owners))


async def test_a_mirror_that_another_took_over_decides_nothing() -> None:
    on = stage()
    first = owned(on.world, _listed())
    assert owned(on.world, _listed(first.token)) == first
    on.synced("a.md", b"a")
    with pytest.raises(Problem) as caught:
        owned(on.world, _listed(first.token, "another"))
    assert caught.value.notice.message is engine_say.OTHER_KBSYNC


async def test_an_owner_hidden_while_the_base_was_taken_over_had_the_mirror_before() -> None:
    on = stage()
    first = owned(on.world, replace(_listed(), complete=False))
    on.synced("a.md", b"a")
    again = owned(on.world, replace(_listed(first.token, "another"), complete=False))
    assert (again.token, again.predecessors) == (first.token, {"another"})
    seen = owned(on.world, _listed(first.token, "another", "a third"))
    assert (seen.token, seen.predecessors) == (first.token, {"another", "a third"})
    with pytest.raises(Problem):
        owned(on.world, _listed(first.token, "a fourth"))


async def test_a_ledger_that_has_nothing_of_a_mirror_takes_it_over() -> None:
    on = stage()
    first = owned(on.world, _listed())
    second = owned(on.world, _listed(first.token, "another"))
    assert second.token != first.token
    assert second.predecessors == {first.token, "another"}
    assert owned(on.world, _listed("another", second.token)) == second
