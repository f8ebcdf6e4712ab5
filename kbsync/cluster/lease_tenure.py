"""Every transaction of a worker is fenced by the lease of the shard that it works on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Select, select
from sqlalchemy.exc import ProgrammingError

from kbsync.cluster.database_time import NOW
from kbsync.cluster.leases import MINE, Lease, mine
from kbsync.cluster.shared_tenure import SharedTenure
from kbsync.cluster.tables import SHARD
from kbsync.ledger.store import LedgerStore
from kbsync.ledger.tables import META
from kbsync.ledger.tenure import generation, is_missing_table
from kbsync.messages import Problem
from kbsync.messages import ledger as messages


def _looking(*columns: Any) -> Select[Any]:
    return select(META.c.generation, *columns).select_from(META).join(SHARD, MINE)


# Who takes the lease changes its row, and waits until the transaction that has read it has ended.
_FENCE = _looking().with_for_update(read=True, of=SHARD)
_LOOK = _looking(SHARD.c.until >= NOW)
_HOLDER = select(SHARD.c.holder)


class LeaseTenure(SharedTenure):
    """The right of a slot of a worker to write: the era, and the lease that it has.

    The slot opens its store with it once, and holds one lease after the other.
    """

    _lease: Lease | None = None
    _too: Lease | None = None

    def hold(self, lease: Lease | None, store: LedgerStore) -> None:
        """Write for `lease` from now on, None for nothing; the store forgets what it had read.

        Args:
            lease: taken by this process.
            store: opened with this tenure; no transaction of it is under way.
        """
        self._lease = lease
        store.begin_anew()

    @contextmanager
    def holding_too(self, lease: Lease) -> Iterator[None]:
        """Write for another lease as well, for as long as the context lasts."""
        self._too = lease
        try:
            yield
        finally:
            self._too = None

    def require(self, connection: Connection) -> None:
        """Check that the lease is this process's; nobody takes it before the transaction ends.

        Raises:
            Problem: KB-L452.
            TenureEnded: KB-L045 or KB-L193.
        """
        self._found(connection, _FENCE, self._lease)
        if self._too is not None:
            self._found(connection, _FENCE, self._too)

    def look(self, connection: Connection) -> None:
        """Check that the lease is this process's and not over by the database's clock.

        Raises:
            Problem: KB-L452 or KB-L453.
            TenureEnded: KB-L045 or KB-L193.
        """
        if self._lease is None:
            super().look(connection)
            return
        _, lasts = self._found(connection, _LOOK, self._lease)
        if not lasts:
            raise Problem(messages.LEASE_OVER(**_words(self._lease)))

    def _found(self, connection: Connection, statement: Select[Any], lease: Lease | None) -> Any:
        if lease is None:
            raise RuntimeError("a worker writes only for a shard that it has the lease of")
        try:
            row = connection.execute(statement, mine(lease)).first()
        except ProgrammingError as error:
            if is_missing_table(error):
                self._require_era(None)
            raise
        if row is None:
            self._require_era(generation(connection))
            raise _refusal(connection, lease)
        self._require_era(row.generation)
        return row


def _refusal(connection: Connection, lease: Lease) -> Problem:
    holder = connection.scalar(_HOLDER.where(SHARD.c.id == lease.shard)) or "none"
    return Problem(messages.LEASE_TAKEN(holder=holder, **_words(lease)))


def _words(lease: Lease) -> dict[str, object]:
    return {"shard": lease.shown, "mirror": lease.mirror}
