"""Who marks the documents of a mirror: this ledger, one before it, or another kbsync.

A ledger that has nothing of a mirror takes it over: it makes itself a token, remembers whose marks
it found, and writes its own over them. So the one that took over last owns the mirror, and
whichever ledger had it before meets a token it does not know and stops. A lost ledger cannot do
that any more, and a backup of a ledger bears the token of its time: neither is in anybody's way.
"""

from __future__ import annotations

from kbsync.engine.mirror import World
from kbsync.engine.ports import Listing, Ownership
from kbsync.messages import Problem
from kbsync.messages import engine as say


def owned(world: World, listing: Listing | None) -> Ownership:
    """Return under which name the mirror's documents are marked, taking it over when it is new.

    Args:
        world: the three sides of the mirror.
        listing: the listing of this pass; needed where the ledger has no name yet.

    Raises:
        Problem: KB-E052 when another kbsync took the mirror over.
    """
    mirror = world.mirror.name
    ownership = world.ledger.ownership(mirror)
    met = frozenset() if listing is None else listing.owners
    if ownership is None:
        return world.ledger.take_over(mirror, met)
    if not met - ownership.predecessors - {ownership.token}:
        return ownership
    if not world.ledger.counts(mirror):
        return world.ledger.take_over(mirror, met)
    raise Problem(say.OTHER_KBSYNC(mirror=mirror, base=world.base_id))
