"""What the shards of a mirror were allowed and have not done yet: the guard sees all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, select

from kbsync.cluster import held_back
from kbsync.cluster.cluster_database import ClusterDatabase
from kbsync.cluster.leases import Lease
from kbsync.cluster.tables import ALLOWANCE
from kbsync.model import DocKey, Guard
from kbsync.planning.guard import Risk

_OTHERS = select(ALLOWANCE.c.path, ALLOWANCE.c.risk).where(
    ALLOWANCE.c.mirror == bindparam("of_mirror"), ALLOWANCE.c.shard != bindparam("but")
)
_DROP = delete(ALLOWANCE).where(ALLOWANCE.c.shard == bindparam("of_shard"))


class Allowances:
    """Keeps them by shard; what a shard was allowed counts until it is compared again.

    Args:
        database: of the cluster.
    """

    def __init__(self, database: ClusterDatabase) -> None:
        self._database = database

    @contextmanager
    def judging(self, mirror: str, shard: int) -> Iterator[Judged]:
        """Judge what a shard of `mirror` may do, while no other shard of it is judged."""
        with self._database.transaction() as connection:
            lock = select(func.pg_advisory_xact_lock(func.hashtextextended(mirror, _PURPOSE)))
            connection.execute(lock)
            connection.execute(_DROP, {"of_shard": shard})
            yield Judged(connection, mirror, shard)

    def drop(self, shard: int) -> None:
        """Note that what a shard was allowed is done, or is judged anew before it is done."""
        self._database.run(_DROP, {"of_shard": shard})


class Judged:
    """What is known while a shard is judged.

    Args:
        connection: in the transaction that lets one judge at a time.
        mirror: the mirror's name.
        shard: which is judged.
    """

    def __init__(self, connection: Connection, mirror: str, shard: int) -> None:
        self._connection = connection
        self._mirror = mirror
        self._shard = shard

    def others(self) -> Mapping[DocKey, Risk]:
        """Return what other shards of the mirror were allowed."""
        rows = self._connection.execute(_OTHERS, {"of_mirror": self._mirror, "but": self._shard})
        return {DocKey(mirror=self._mirror, path=row.path): Risk(row.risk) for row in rows}

    def allow(self, risks: Mapping[DocKey, Risk]) -> None:
        """Note what this shard may do."""
        rows: list[dict[str, Any]] = [
            {"mirror": key.mirror, "path": key.path, "risk": risk.value, "shard": self._shard}
            for key, risk in risks.items()
        ]
        if rows:
            self._connection.execute(insert(ALLOWANCE), rows)

    def hold(self, lease: Lease, guard: Guard, at: float) -> None:
        """Note what is held back of this shard; see `held_back.note`."""
        held_back.note(self._connection, lease, guard, at)


# Advisory locks are numbers that all programs on the database share.
_PURPOSE = 0x6B6273796E63
