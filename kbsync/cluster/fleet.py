"""What the fleet does, as its tables have it: who is at work, and how far the shards are.

Whoever may read the ledger may look; no lease is taken, and no lock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, and_, func, not_, select

from kbsync.cluster.database_time import NOW, epoch, seconds
from kbsync.cluster.leases import FREE
from kbsync.cluster.members import GONE_AFTER
from kbsync.cluster.schema import jobs_schema
from kbsync.cluster.tables import CLUSTER, FORMAT, MEMBER, SHARD
from kbsync.lazy_dataclass import dataclass
from kbsync.ledger.location import LedgerLocation

# The states of jobs that are shown, by the name that procrastinate has for them.
WAITING, DOING = "todo", "doing"


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetProcess:
    """A process at work.

    Args:
        roles: in the order of their names.
        host: the machine's name.
        pid: its number there.
        since: when it began (seconds since the epoch, of the database's clock).
        seen_at: when it was heard of last.
        silent_for: seconds since then.
    """

    roles: tuple[str, ...]
    host: str
    pid: int
    since: float
    seen_at: float
    silent_for: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MirrorShards:
    """The shards of a mirror.

    Args:
        clean: as they were compared, nothing is known to have changed.
        dirty: they have to be compared, and nobody does.
        leased: a process works on them.
        held: in which the guard holds something back, whichever of these they are.
        dirty_since: since when the oldest has to be compared, worked on or not (seconds since the
            epoch, of the database's clock); None when none has to.
        dirty_for: seconds since then.
    """

    clean: int
    dirty: int
    leased: int
    held: int
    dirty_since: float | None
    dirty_for: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """A cluster at one moment.

    Args:
        processes: at work, by their roles, the oldest of each first.
        mirrors: their shards, by name.
    """

    processes: tuple[FleetProcess, ...]
    mirrors: Mapping[str, MirrorShards]


_PROCESSES = (
    select(
        func.string_agg(MEMBER.c.role, ",").label("roles"),
        MEMBER.c.host,
        MEMBER.c.pid,
        epoch(func.min(MEMBER.c.since).label("since")),
        epoch(func.max(MEMBER.c.seen_at).label("seen_at")),
        epoch((NOW - func.max(MEMBER.c.seen_at)).label("silent_for")),
    )
    .where(MEMBER.c.seen_at > NOW - seconds("silence"))
    .group_by(MEMBER.c.host, MEMBER.c.pid)
    .order_by("roles", func.min(MEMBER.c.since), MEMBER.c.host, MEMBER.c.pid)
)
_DIRTY = SHARD.c.dirty_since.is_not(None)
_OLDEST = func.min(SHARD.c.dirty_since)
_SHARDS = (
    select(
        SHARD.c.mirror,
        func.count().filter(and_(FREE, not_(_DIRTY))).label("clean"),
        func.count().filter(and_(FREE, _DIRTY)).label("dirty"),
        func.count().filter(not_(FREE)).label("leased"),
        func.count(SHARD.c.held).label("held"),
        epoch(_OLDEST.label("dirty_since")),
        epoch((NOW - _OLDEST).label("dirty_for")),
    )
    .group_by(SHARD.c.mirror)
    .order_by(SHARD.c.mirror)
)


def fleet(connection: Connection) -> Fleet | None:
    """Return what the fleet does; None where its tables are of a newer form.

    Args:
        connection: that reads the ledger, and its tables are there.
    """
    if connection.scalars(select(CLUSTER.c.format)).one() > FORMAT:
        return None
    processes = connection.execute(_PROCESSES, {"silence": GONE_AFTER})
    return Fleet(
        processes=tuple(map(_process, processes)),
        mirrors=dict(map(_shards, connection.execute(_SHARDS))),
    )


def jobs(connection: Connection, location: LedgerLocation) -> Mapping[str, int]:
    """Return how many jobs wait, and how many are worked on, by the engine's names for that.

    Args:
        connection: that reads the ledger; PostgreSQL.
        location: of the ledger.
    """
    table = f'"{jobs_schema(location)}".procrastinate_jobs'
    if connection.exec_driver_sql("SELECT to_regclass(%s)", (table,)).scalar_one() is None:
        return {}
    counting = f"SELECT status::text, count(*) FROM {table} GROUP BY status"  # noqa: S608
    found = {str(status): int(number) for status, number in connection.exec_driver_sql(counting)}
    return {status: found.get(status, 0) for status in (WAITING, DOING)}


def by_role(processes: Iterable[FleetProcess]) -> Mapping[str, int]:
    """Return how many processes have each role; one may have several."""
    found: dict[str, int] = {}
    for role in (role for each in processes for role in each.roles):
        found[role] = found.get(role, 0) + 1
    return found


def _process(row: Any) -> FleetProcess:
    # A process that works is there twice: as what it is, and by the slots of its worker.
    known = {**row._mapping, "roles": tuple(sorted(set(row.roles.split(","))))}
    return FleetProcess(**{**known, "silent_for": max(0.0, row.silent_for)})


def _shards(row: Any) -> tuple[str, MirrorShards]:
    known = dict(row._mapping)
    return known.pop("mirror"), MirrorShards(**known)
