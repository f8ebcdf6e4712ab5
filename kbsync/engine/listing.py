"""Reading a base's documents into the ledger (docs/design.md section 6, Absence)."""

from __future__ import annotations

from kbsync.engine.bases import refuse
from kbsync.engine.mirror import World
from kbsync.engine.ports import Listing, Page
from kbsync.model import Done
from kbsync.planning.marks import mark_of

TRIES = 3


async def refresh(world: World) -> Listing:
    """List the base into the ledger and return what the listing proves.

    It is complete when the total stayed the same over all pages and equals the number of distinct
    ids; pages shift while others create and delete, so an incomplete one is read again.

    Raises:
        Problem: the server could not be asked.
    """
    listing = await _once(world)
    for _ in range(TRIES - 1):
        if listing.complete:
            break
        listing = await _once(world)
    return listing


async def _once(world: World) -> Listing:
    if world.base_id is None:
        return Listing(started_at=world.clock.now(), complete=True, documents=0)
    started_at = world.clock.now()
    world.ledger.begin_listing(world.base_id)
    totals: set[int] = set()
    ids: set[str] = set()
    owners: set[str] = set()
    number = 1
    while True:
        page = await _page(world, world.base_id, number)
        totals.add(page.total)
        ids.update(document.id for document in page.documents)
        owners |= _owners(world, page)
        world.ledger.add_listed(world.base_id, page.documents)
        if not page.documents or number * 100 >= page.total:
            break
        number += 1
    complete = totals == {len(ids)}
    listing = Listing(
        started_at=started_at, complete=complete, documents=len(ids), owners=frozenset(owners)
    )
    world.ledger.end_listing(world.base_id, listing)
    return listing


def _owners(world: World, page: Page) -> set[str]:
    """Return who wrote the valid marks of this mirror; a mark that does not say is nobody's."""
    marks = (mark_of(document) for document in page.documents)
    ours = (mark for mark in marks if mark is not None and mark.mirror == world.mirror.name)
    return {mark.owner for mark in ours if mark.owner}


async def _page(world: World, base_id: str, number: int) -> Page:
    outcome = await world.remote.page(base_id, number)
    if isinstance(outcome, Done):
        return outcome.value
    refuse(world.mirror, "listing the documents", outcome)
