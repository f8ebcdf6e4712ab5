"""The lease of a shard: one process works on it until a time of the database's clock."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    and_,
    bindparam,
    case,
    false,
    func,
    null,
    or_,
    tuple_,
    update,
)

from kbsync.cluster.cluster_database import ClusterDatabase
from kbsync.cluster.database_time import NOW, epoch, seconds
from kbsync.cluster.tables import SHARD
from kbsync.lazy_dataclass import dataclass

# How long a lease lasts that is not renewed: longer than what a stopped process has begun.
SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A shard that this process works on.

    Args:
        shard: its id.
        mirror: the mirror's name.
        first: the first path of the shard, "" for the first of all.
        end: the first path behind it; None when it goes on to the last.
        epoch: the number of this taking; every other taking of the shard has another one.
        holder: who works on it.
        dirty_since: since when it had to be compared, when the job began (seconds since the epoch);
            None for never.
        urgent: whether a fresh edit is in it.
        marks: how often it was marked until then.
        waited: whether it had been put off.
        rested_at: when the lease before this one ended; None where that is not known.
        holds: whether something of it was held back by the last job.
        released: what of that a person has agreed to, as JSON.
    """

    shard: int
    mirror: str
    first: str
    end: str | None
    epoch: int
    holder: str
    dirty_since: float | None
    urgent: bool
    marks: int
    waited: bool
    rested_at: float | None = None
    holds: bool = False
    released: str | None = None

    @property
    def shown(self) -> str:
        """Its range, for messages."""
        return f"{self.first or '(first)'}..{self.end or '(last)'}"


# What a lease is made of, in the order of `Lease`.
LEASE = (
    SHARD.c.id.label("shard"),
    SHARD.c.mirror,
    SHARD.c.first,
    SHARD.c.end,
    SHARD.c.epoch,
    SHARD.c.holder,
    epoch(SHARD.c.dirty_since),
    SHARD.c.urgent,
    SHARD.c.marks,
    SHARD.c.not_before.is_not(None).label("waited"),
    epoch(SHARD.c.rested_at),
    SHARD.c.held.is_not(None).label("holds"),
    SHARD.c.released,
)
FREE = or_(SHARD.c.holder.is_(None), SHARD.c.until < NOW)
DUE = and_(
    SHARD.c.dirty_since.is_not(None),
    or_(SHARD.c.not_before.is_(None), SHARD.c.not_before <= NOW),
)
MINE = and_(
    SHARD.c.id == bindparam("shard"),
    SHARD.c.epoch == bindparam("of_epoch"),
    SHARD.c.holder == bindparam("of_holder"),
)


_TAKE = (
    update(SHARD)
    .where(SHARD.c.id == bindparam("shard"), FREE, or_(bindparam("any"), DUE))
    .values(
        holder=bindparam("by"),
        epoch=SHARD.c.epoch + 1,
        until=NOW + seconds("lasting"),
        began_at=NOW,
        # One that was not released has ended by itself: what was begun before is an intent.
        rested_at=case((SHARD.c.holder.is_(None), SHARD.c.rested_at), else_=SHARD.c.until),
    )
    .returning(*LEASE)
)
_RENEW = (
    update(SHARD)
    .where(
        tuple_(SHARD.c.id, SHARD.c.epoch).in_(bindparam("leases", expanding=True)),
        SHARD.c.holder == bindparam("by"),
    )
    .values(until=NOW + seconds("lasting"))
    .returning(SHARD.c.id)
)
_LET_GO: Mapping[str, Any] = {"holder": None, "until": None}
_RELEASE = (
    update(SHARD)
    .where(MINE)
    .values(
        **_LET_GO,
        rested_at=NOW,
        not_before=func.coalesce(NOW + seconds("wait"), SHARD.c.not_before),
    )
)
_UNCHANGED = SHARD.c.marks == bindparam("seen_marks", type_=BigInteger)
_LOOKED_AT = (
    update(SHARD)
    .where(MINE)
    .values(unseen_since=case((_UNCHANGED, null()), else_=SHARD.c.began_at))
)
_COMPARED = (
    update(SHARD)
    .where(MINE)
    .values(
        # A mark that came during the job may be of what the job had read before.
        dirty_since=case((_UNCHANGED, null()), else_=SHARD.c.began_at),
        urgent=case((_UNCHANGED, false()), else_=SHARD.c.urgent),
        not_before=None,
        # What was agreed to meanwhile is for the next job.
        released=case(
            (and_(_UNCHANGED, bindparam("done", type_=Boolean)), null()), else_=SHARD.c.released
        ),
        compared_at=SHARD.c.began_at,
        began_at=NOW,
        files=bindparam("of_files"),
        seconds=bindparam("of_seconds"),
    )
    .returning(*LEASE)
)


class Leases:
    """Takes, renews and releases the leases of one process.

    Args:
        database: of the cluster.
        holder: how the process is named to the others.
        lasting: how many seconds a lease lasts that is not renewed.
    """

    def __init__(self, database: ClusterDatabase, holder: str, lasting: float = SECONDS) -> None:
        self._database = database
        self._holder = holder
        self._lasting = lasting

    def take(self, shard: int, *, due: bool = True) -> Lease | None:
        """Take a shard; return None where another process has it, or nothing is to be done.

        Args:
            shard: its id.
            due: only where it is dirty and not put off.

        Raises:
            Problem: as `ClusterDatabase.run`.
        """
        values = {"shard": shard, "any": not due, "by": self._holder, "lasting": self._lasting}
        rows = self._database.run(_TAKE, values)
        return lease_of(rows[0]) if rows else None

    def renew(self, leases: Collection[Lease]) -> tuple[Lease, ...]:
        """Let leases last from now on; return those that are another process's by now.

        One that was over and not taken is this process's again.
        """
        if not leases:
            return ()
        numbers = [(each.shard, each.epoch) for each in leases]
        values = {"leases": numbers, "by": self._holder, "lasting": self._lasting}
        renewed = {row.id for row in self._database.run(_RENEW, values)}
        return tuple(each for each in leases if each.shard not in renewed)

    def release(self, lease: Lease, *, put_off: float | None = None) -> None:
        """Let go of a lease; one that is another process's by now stays that one's.

        Args:
            lease: taken here.
            put_off: seconds for which nobody is to take the shard, unless a fresh edit comes.
        """
        self._database.run(_RELEASE, {**mine(lease), "wait": put_off})

    def looked_at(self, lease: Lease) -> None:
        """Note that what had changed in a shard when its job began is known, if not done yet."""
        self._database.run(_LOOKED_AT, {**mine(lease), "seen_marks": lease.marks})

    def compared(
        self, lease: Lease, *, files: int, seconds: float, released: bool = True
    ) -> Lease | None:
        """Note that all of a shard was compared, and everything done that had to be.

        Args:
            lease: as it was when the job began.
            files: how many there are.
            seconds: how long the job took.
            released: whether what a person agreed to is done.

        Returns:
            The lease as it is for a next job: its `dirty_since` is None unless the shard was marked
            meanwhile. None where the lease is another process's by now.
        """
        values = {"seen_marks": lease.marks, "of_files": files, "of_seconds": seconds}
        values |= {"done": released}
        rows = self._database.run(_COMPARED, {**mine(lease), **values})
        return lease_of(rows[0]) if rows else None


def mine(lease: Lease) -> dict[str, Any]:
    """Return the values that name a lease in a statement."""
    return {"shard": lease.shard, "of_epoch": lease.epoch, "of_holder": lease.holder}


def lease_of(row: Any) -> Lease:
    """Return the lease in a row of `LEASE`."""
    return Lease(**row._mapping)
