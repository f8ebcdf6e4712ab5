"""The shards of each mirror: they are cut, joined, marked as dirty, and found."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import (
    ARRAY,
    Boolean,
    Connection,
    Double,
    Select,
    Text,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql

from kbsync.cluster.across import OtherShards
from kbsync.cluster.cluster_database import ClusterDatabase
from kbsync.cluster.database_time import NOW, epoch, seconds
from kbsync.cluster.leases import DUE, FREE, MINE, Lease, mine
from kbsync.cluster.tables import SHARD
from kbsync.lazy_dataclass import dataclass
from kbsync.ledger.entries import above
from kbsync.ledger.tables import ENTRIES


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """A range of the paths of a mirror. Times: seconds since the epoch, of the database's clock.

    Args:
        id: no other shard has it, before or after.
        mirror: the mirror's name.
        first: its first path, "" for the first of all.
        end: the first path behind it; None when it goes on to the last.
        holder: who has its lease, over or not; None for nobody.
        dirty_since: since when it has to be compared; None when nothing is known to have changed.
        urgent: whether a fresh edit is in it.
        compared_at: as of when it was compared; None for never.
        files: how many there were then.
        seconds: how long that took.
    """

    id: int
    mirror: str
    first: str
    end: str | None
    holder: str | None
    dirty_since: float | None
    urgent: bool
    compared_at: float | None
    files: int | None
    seconds: float | None


_SHARD = (
    SHARD.c.id,
    SHARD.c.mirror,
    SHARD.c.first,
    SHARD.c.end,
    SHARD.c.holder,
    epoch(SHARD.c.dirty_since),
    SHARD.c.urgent,
    epoch(SHARD.c.compared_at),
    SHARD.c.files,
    SHARD.c.seconds,
)
_OF_MIRROR = SHARD.c.mirror == bindparam("of_mirror")
_WHOLE = (
    postgresql.insert(SHARD)
    .values(mirror=bindparam("of_mirror"), first="", dirty_since=NOW, unseen_since=NOW, marks=1)
    .on_conflict_do_nothing()
)
_SHARDS = select(*_SHARD).where(_OF_MIRROR).order_by(SHARD.c.first)
_AT = (
    select(*_SHARD)
    .where(_OF_MIRROR, SHARD.c.first <= bindparam("path"))
    .order_by(SHARD.c.first.desc())
    .limit(1)
)
_WANTED = or_(bindparam("any"), _OF_MIRROR)
_ALL_DUE = (
    select(*_SHARD)
    .where(_WANTED, DUE, FREE)
    .order_by(SHARD.c.urgent.desc(), SHARD.c.dirty_since, SHARD.c.id)
    .limit(bindparam("most"))
)
_OLDEST_UNSEEN = select(epoch(func.min(SHARD.c.unseen_since).label("oldest"))).where(
    _OF_MIRROR, SHARD.c.id != bindparam("but")
)
# Only a shard with documents can lose a file to another one.
_FILLED = exists(literal(1)).where(
    ENTRIES.c.mirror == SHARD.c.mirror,
    ENTRIES.c.path >= SHARD.c.first,
    or_(SHARD.c.end.is_(None), ENTRIES.c.path < SHARD.c.end),
)
_OTHERS_FILLED = _OLDEST_UNSEEN.where(SHARD.c.unseen_since.is_not(None), _FILLED)
_FORGET = delete(SHARD).where(_OF_MIRROR)
_URGENT = bindparam("fresh", type_=Boolean)
# What a mark changes of a shard; `fresh`: whether it comes before what waits longer.
MARKED = {
    "dirty_since": func.coalesce(SHARD.c.dirty_since, NOW),
    "unseen_since": func.coalesce(SHARD.c.unseen_since, NOW),
    "marks": SHARD.c.marks + 1,
    "urgent": or_(SHARD.c.urgent, _URGENT),
    "not_before": case((_URGENT, null()), else_=SHARD.c.not_before),
}


def _marking(chosen: Select[Any]) -> Select[Any]:
    """Return the statement that marks shards; it says how many were chosen, and the ids.

    Args:
        chosen: the ids.
    """
    wanted = chosen.cte("wanted")
    # All who mark several lock them in one order, so that none waits for another in a circle.
    locked = (
        select(SHARD.c.id)
        .where(SHARD.c.id.in_(select(wanted.c.id)))
        .order_by(SHARD.c.id)
        .with_for_update()
        .cte("locked")
    )
    marked = (
        update(SHARD)
        .where(SHARD.c.id.in_(select(locked.c.id)))
        .values(MARKED)
        .returning(SHARD.c.id)
        .cte("marked")
    )
    counted = select(func.count()).select_from(wanted).scalar_subquery()
    ids = select(func.array_agg(marked.c.id)).scalar_subquery()
    return select(counted.label("wanted"), ids.label("marked"))


def _of_paths() -> Select[Any]:
    paths = func.unnest(bindparam("paths", type_=ARRAY(Text))).table_valued("path").render_derived()
    shard = (
        select(SHARD.c.id)
        .where(_OF_MIRROR, SHARD.c.first <= paths.c.path)
        .order_by(SHARD.c.first.desc())
        .limit(1)
        .correlate(paths)
        .scalar_subquery()
    )
    found = select(shard.label("id")).select_from(paths).subquery()
    return select(found.c.id).where(found.c.id.is_not(None)).distinct()


_MARK_PATHS = _marking(_of_paths())
_MARK_ALL = _marking(select(SHARD.c.id).where(_OF_MIRROR))
_MARK_OLD = _marking(
    select(SHARD.c.id).where(
        _OF_MIRROR, SHARD.c.dirty_since.is_(None), SHARD.c.compared_at < NOW - seconds("age")
    )
)
# What a listing says of a shard is believed where no process had it since then.
_MARK_RESTED = _marking(
    select(SHARD.c.id).where(
        _OF_MIRROR,
        SHARD.c.dirty_since.is_(None),
        epoch(SHARD.c.rested_at) < bindparam("moment", type_=Double),
    )
)
_MARK_FIRST = _marking(
    select(SHARD.c.id).where(_OF_MIRROR, SHARD.c.dirty_since.is_(None), SHARD.c.first == "")
)
_MARK_PREFIX = _marking(
    select(SHARD.c.id).where(
        _OF_MIRROR,
        SHARD.c.first < bindparam("above"),
        or_(SHARD.c.end.is_(None), SHARD.c.end > bindparam("prefix")),
    )
)

_PUT_OFF = (
    update(SHARD)
    .where(SHARD.c.mirror.in_(bindparam("mirrors", expanding=True)), SHARD.c.id != bindparam("but"))
    .values(not_before=NOW + seconds("wait"))
)


class Partition:
    """The shards of all mirrors of a ledger.

    Args:
        database: of the cluster.
    """

    def __init__(self, database: ClusterDatabase) -> None:
        self._database = database

    def make_whole(self, mirror: str) -> None:
        """See to it that a mirror has shards: at first one for all paths, dirty."""
        self._database.run(_WHOLE, {"of_mirror": mirror})

    def forget(self, mirror: str) -> None:
        """Drop the shards of a mirror; who works on one of them commits nothing more."""
        self._database.run(_FORGET, {"of_mirror": mirror})

    def shards(self, mirror: str) -> tuple[Shard, ...]:
        """Return the shards of a mirror in the order of their paths."""
        return tuple(map(_shard, self._database.run(_SHARDS, {"of_mirror": mirror})))

    def at(self, mirror: str, path: str) -> Shard | None:
        """Return the shard that a path of a mirror is in; None for a mirror without shards."""
        rows = self._database.run(_AT, {"of_mirror": mirror, "path": path})
        return _shard(rows[0]) if rows else None

    def due(self, most: int, mirror: str | None = None) -> tuple[Shard, ...]:
        """Return shards to be worked on that nobody has: fresh edits first, then the oldest.

        Args:
            most: how many.
            mirror: of this one alone; None for all.
        """
        values = {"most": most, "any": mirror is None, "of_mirror": mirror}
        return tuple(map(_shard, self._database.run(_ALL_DUE, values)))

    def oldest_unseen(self, mirror: str, *, except_shard: int) -> float | None:
        """Return since when one of the other shards is to be looked at; None for none."""
        values = {"of_mirror": mirror, "but": except_shard}
        row = self._database.run(_OLDEST_UNSEEN, values)[0]
        return None if row.oldest is None else float(row.oldest)

    def others(self, mirror: str, *, except_shard: int) -> OtherShards:
        """Return what is known of the other shards of a mirror."""
        unseen = self.oldest_unseen(mirror, except_shard=except_shard)
        if unseen is None:
            return OtherShards()
        values = {"of_mirror": mirror, "but": except_shard}
        row = self._database.run(_OTHERS_FILLED, values)[0]
        return OtherShards(unseen_since=unseen, filled_since=row.oldest)

    # -- marks ------------------------------------------------------------------------------------

    def mark(self, mirror: str, paths: Collection[str], *, urgent: bool) -> tuple[int, ...]:
        """Mark the shards of changed paths as dirty; return their ids.

        Args:
            mirror: the mirror's name; without shards it gets one.
            paths: what changed.
            urgent: whether it is a fresh edit, which comes before what waits longer.
        """
        values = {"of_mirror": mirror, "paths": sorted(set(paths)), "fresh": urgent}
        return self._mark(_MARK_PATHS, values) if paths else ()

    def mark_all(self, mirror: str) -> tuple[int, ...]:
        """Mark all shards of a mirror as dirty; return their ids."""
        return self._mark(_MARK_ALL, {"of_mirror": mirror, "fresh": False})

    def mark_old(self, mirror: str, age: float) -> None:
        """Mark the shards that were compared more than `age` seconds ago."""
        self._database.run(_MARK_OLD, {"of_mirror": mirror, "age": age, "fresh": False})

    def mark_rested(self, mirror: str, moment: float) -> None:
        """Mark the shards that no process had since a moment (seconds since the epoch)."""
        self._database.run(_MARK_RESTED, {"of_mirror": mirror, "moment": moment, "fresh": False})

    def mark_first(self, mirror: str) -> None:
        """Mark the shard that a mirror begins with: there its base is listed."""
        self._database.run(_MARK_FIRST, {"of_mirror": mirror, "fresh": False})

    def mark_folders(self, mirror: str, folders: Collection[str]) -> None:
        """Mark the shards that have a path below one of `folders`."""
        for folder in sorted(folders):
            prefix = f"{folder}/"
            values = {"prefix": prefix, "above": above(prefix), "fresh": False}
            self._mark(_MARK_PREFIX, {"of_mirror": mirror, **values})

    def _mark(self, statement: Select[Any], values: dict[str, Any]) -> tuple[int, ...]:
        while True:
            row = self._database.run(statement, values)[0]
            wanted, marked = row.wanted, row.marked or ()
            if not wanted:
                self.make_whole(values["of_mirror"])
            # One that was joined with its neighbour meanwhile is not there: its paths are looked
            # for again.
            elif wanted == len(marked):
                return tuple(sorted(marked))

    def put_off(self, mirrors: Collection[str], seconds: float | None, *, but: int = 0) -> None:
        """Have the shards of some mirrors wait: their server cannot be reached.

        Args:
            mirrors: their names.
            seconds: how long; None: no longer.
            but: the id of the one that is to try it meanwhile.
        """
        values = {"mirrors": sorted(mirrors), "wait": seconds, "but": but}
        self._database.run(_PUT_OFF, values)

    # -- cutting and joining ----------------------------------------------------------------------

    def split(self, lease: Lease, at: str) -> tuple[Lease, Shard] | None:
        """Cut a shard in two: its holder keeps what is before `at`, the rest is free and dirty.

        Args:
            lease: of the shard; its holder has nothing in hand from `at` on.
            at: a path within the shard, behind its first.

        Returns:
            The lease of the first part, and the new shard; None where the lease is another
            process's by now.

        Raises:
            ValueError: `at` is not within it.
        """
        if not lease.first < at or not (lease.end is None or at < lease.end):
            raise ValueError(f"{at!r} does not cut {lease.shown}")
        with self._database.transaction() as connection:
            cut = update(SHARD).where(MINE).values(end=bindparam("cut_at"), files=None)
            if not connection.execute(cut, {**mine(lease), "cut_at": at}).rowcount:
                return None
            rest = {"mirror": lease.mirror, "first": at, "end": lease.end, "marks": 1}
            seen = {"dirty_since": NOW, "unseen_since": NOW, "rested_at": NOW}
            made = insert(SHARD).values(**rest, **seen, urgent=lease.urgent)
            new = connection.execute(made.returning(*_SHARD)).one()
        # With the marks that its job has seen: there may be more by now.
        return replace(lease, end=at), _shard(new)

    def join(self, one: int, other: int) -> Shard | None:
        """Make one shard of two neighbours that nobody works on.

        Args:
            one: the id of the first.
            other: of the one behind it.

        Returns:
            The shard that has the paths of both; None where one of them is worked on, was cut or
            joined meanwhile, something of it is held back, or they are no neighbours.
        """
        with self._database.transaction() as connection:
            pair = _locked(connection, (one, other))
            if len(pair) < 2 or not all(row.free and not row.held for row in pair.values()):
                return None
            before, behind = pair[one], pair[other]
            if before.mirror != behind.mirror or before.end != behind.first:
                return None
            connection.execute(delete(SHARD).where(SHARD.c.id == other))
            joined = update(SHARD).where(SHARD.c.id == one).values(_joined(before, behind))
            return _shard(connection.execute(joined.returning(*_SHARD)).one())


def _locked(connection: Connection, ids: Sequence[int]) -> dict[int, Any]:
    wanted = select(SHARD, FREE.label("free")).where(SHARD.c.id.in_(ids)).order_by(SHARD.c.id)
    return {row.id: row for row in connection.execute(wanted.with_for_update())}


def _joined(one: Any, other: Any) -> dict[str, Any]:
    """Return what changes of the row `one` when it takes over the paths of `other`."""
    compared = [one.compared_at, other.compared_at]
    rested = [one.rested_at, other.rested_at]
    counted = [one.files, other.files]
    dirty = [each for each in (one.dirty_since, other.dirty_since) if each is not None]
    unseen = [each for each in (one.unseen_since, other.unseen_since) if each is not None]
    waits = [one.not_before, other.not_before]
    return {
        "end": other.end,
        "epoch": one.epoch + 1,
        "holder": None,
        "until": None,
        "rested_at": None if None in rested else max(rested),
        "dirty_since": min(dirty, default=None),
        "unseen_since": min(unseen, default=None),
        "marks": one.marks + other.marks + 1,
        "urgent": one.urgent or other.urgent,
        "not_before": None if None in waits else min(waits),
        "compared_at": None if None in compared else min(compared),
        "files": None if None in counted else sum(counted),
        "seconds": None,
    }


def _shard(row: Any) -> Shard:
    return Shard(**row._mapping)
