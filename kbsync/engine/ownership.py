"""Who marks the documents of a mirror: this ledger, one before it, or another kbsync.

A ledger that has nothing of a mirror takes it over: it makes itself a token, remembers whose marks
it found, and writes its own over them. So the one that took over last owns the mirror, and
whichever ledger had it before meets a token it does not know and stops. A lost ledger cannot do
that any more, and a backup of a ledger bears the token of its time: neither is in anybody's way.
A base that changes while it is listed may hide some marks: until a listing was complete, whoever
else is met had the mirror before.
"""

from __future__ import annotations

import uuid
from dataclasses import replace

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
    mirror, ledger = world.mirror.name, world.ledger
    known = ledger.ownership(mirror)
    ownership = _met(known, listing, empty=not ledger.counts(mirror))
    if ownership is None:
        raise Problem(say.OTHER_KBSYNC(mirror=mirror, base=world.base_id))
    if ownership != known:
        ledger.own(mirror, ownership)
    return ownership


def _met(known: Ownership | None, listing: Listing | None, *, empty: bool) -> Ownership | None:
    """Return what is to be kept now, None where another kbsync took over.

    Args:
        known: what was kept until now.
        listing: of this pass.
        empty: whether the ledger has no document of the mirror.
    """
    met = frozenset() if listing is None else listing.owners
    whole = listing is not None and listing.complete
    if known is None:
        return _anew(met, whole=whole)
    strangers = met - known.predecessors - {known.token}
    if not known.whole:  # it may have missed some when it took over
        return replace(known, predecessors=known.predecessors | strangers, whole=whole)
    if not strangers:
        return known
    return _anew(met, whole=whole) if empty else None


def _anew(predecessors: frozenset[str], *, whole: bool) -> Ownership:
    return Ownership(token=str(uuid.uuid4()), predecessors=predecessors, whole=whole)
