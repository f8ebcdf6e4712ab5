"""Drift in a cluster: one shard lists the base, and the others are compared with that listing.

What a listing says of a shard is believed where nothing was written for the shard since it was
begun. A shard that was worked on meanwhile waits for the next one.
"""

from __future__ import annotations

from sqlalchemy import bindparam, select

from kbsync.cluster.cluster_database import ClusterDatabase
from kbsync.cluster.database_time import NOW, epoch
from kbsync.cluster.leases import Lease
from kbsync.cluster.partition import Partition
from kbsync.engine.ports import Ledger, ObservedListing
from kbsync.lazy_dataclass import dataclass
from kbsync.ledger.tables import BINDINGS, LISTINGS

# Seconds until a base is listed again whose listing did not come out whole: it was written to.
NOT_WHOLE = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What a job is to believe of the server.

    Args:
        lists: it lists the base first.
        listed: the listing that it believes instead.
    """

    lists: bool = False
    listed: ObservedListing | None = None


def observation(ledger: Ledger, lease: Lease, *, resync: float, now: float) -> Observation:
    """Return what the job of a shard is to believe.

    Args:
        ledger: of the mirror.
        lease: of the shard.
        resync: seconds after which a base is listed again.
        now: seconds of the fleet's clock.
    """
    binding = ledger.binding(lease.mirror)
    newest = ledger.listing(binding.base_id) if binding else None
    if not lease.first and (
        newest is None or _is_old(now - newest.started_at, complete=newest.complete, resync=resync)
    ):
        return Observation(lists=True)
    if newest is None or not newest.complete or lease.rested_at is None:
        return Observation()
    return Observation(listed=newest if lease.rested_at < newest.started_at else None)


def _is_old(age: float, *, complete: bool, resync: float) -> bool:
    return age >= (resync if complete else min(resync, NOT_WHOLE))


_NEWEST = (
    select(
        LISTINGS.c.started_at,
        LISTINGS.c.complete,
        (epoch(NOW) - LISTINGS.c.started_at).label("age"),
    )
    .join_from(BINDINGS, LISTINGS, LISTINGS.c.base_id == BINDINGS.c.base_id)
    .where(BINDINGS.c.mirror == bindparam("of_mirror"), LISTINGS.c.started_at.is_not(None))
)


class Drift:
    """Sees to it that each shard is compared with what is at the server.

    Args:
        database: of the cluster.
        partition: the shards.
    """

    def __init__(self, database: ClusterDatabase, partition: Partition) -> None:
        self._database = database
        self._partition = partition

    def mark(self, mirror: str, resync: float) -> None:
        """Mark the shards that a listing says something new of, or the one that is to list.

        Args:
            mirror: the mirror's name.
            resync: seconds after which a base is listed again.
        """
        for row in self._database.run(_NEWEST, {"of_mirror": mirror}):
            if row.complete:
                self._partition.mark_rested(mirror, row.started_at)
            if _is_old(row.age, complete=row.complete, resync=resync):
                self._partition.mark_first(mirror)
