"""The lock of the ledger, shared by the processes of a cluster, and the era in which they share it.

An ordinary process holds the same lock alone, so that either it works or the cluster. Each ordinary
process counts up the generation of the ledger, and the first process of a cluster after it does so
too: an era of the cluster is one generation. What is left of a process of before writes nothing,
and the processes of an era do not end each other.
"""

from __future__ import annotations

from contextlib import suppress

from sqlalchemy import Connection, delete, func, select, update
from sqlalchemy.exc import SQLAlchemyError

from kbsync.cluster.database_time import NOW
from kbsync.cluster.schema import make_tables
from kbsync.cluster.tables import CLUSTER, MEMBER, SHARD
from kbsync.ledger.engines import make_schema, require_utf8
from kbsync.ledger.location import LedgerLocation
from kbsync.ledger.lock import advisory_key, refusal
from kbsync.ledger.migrate import found_revision
from kbsync.ledger.tables import META, REVISION
from kbsync.ledger.tenure import TenureEnded, generation
from kbsync.messages import Notice, Problem
from kbsync.messages import ledger as messages

# What a stopped process has begun is given up after these seconds, so that no lock outlasts it. A
# statement that waits for a lock longer than that fails.
LIMITS = "SET idle_in_transaction_session_timeout = '10s'; SET lock_timeout = '12s'"


class SharedTenure:
    """The right of a process of a cluster to write.

    Args:
        location: of the ledger.
    """

    alone = False

    def __init__(self, location: LedgerLocation) -> None:
        self._location = location
        self._era: int | None = None

    def take(self, connection: Connection) -> None:
        """Share the lock; take it alone at first where the ledger is yet to be made or upgraded.

        Raises:
            Problem: KB-L025, KB-L029, KB-L031, KB-L450 or KB-L451.
            TenureEnded: KB-L193.
        """
        with connection.begin():
            require_utf8(connection, self._location)
            connection.exec_driver_sql(LIMITS)
            self._lock(connection, "pg_advisory_lock", "cluster begin")
            current = found_revision(connection, self._location) == REVISION
            if self._era is not None and generation(connection) is None:
                raise TenureEnded(messages.REMOVED(place=self._location.shown))
            if not current and not self._lock(connection, "pg_try_advisory_lock"):
                raise self._refusal(connection)
            if not self._lock(connection, "pg_try_advisory_lock_shared"):
                raise self._refusal(connection)
        if not current:
            make_schema(connection, self._location)

    def note(self, connection: Connection) -> None:
        """Make the cluster's tables; join the era, or begin one.

        Raises:
            Problem: KB-L454.
        """
        with connection.begin():
            make_tables(connection, self._location)
            found = connection.scalars(select(META.c.generation)).one()
            if connection.scalars(select(CLUSTER.c.generation)).one() != found:
                found += 1
                _begin_era(connection, found)
        with connection.begin():
            for purpose in ("ledger", "cluster begin"):
                self._lock(connection, "pg_advisory_unlock", purpose)
        self._era = found

    def require(self, connection: Connection) -> None:
        """Check that the era lasts, whatever the lock says.

        Raises:
            TenureEnded: KB-L045 or KB-L193.
        """
        self._require_era(generation(connection))

    def look(self, connection: Connection) -> None:
        """Check the same as before a transaction."""
        self._require_era(generation(connection))

    def release(self, connection: Connection) -> None:
        """Let go of the lock."""
        with suppress(SQLAlchemyError):  # a connection that is lost holds nothing
            connection.rollback()
            with connection.begin():
                self._lock(connection, "pg_advisory_unlock_shared")

    def _require_era(self, found: int | None) -> None:
        words = {"place": self._location.shown}
        if found is None:
            raise TenureEnded(messages.REMOVED(**words))
        if found != self._era:
            raise TenureEnded(messages.TAKEN_OVER(**words))

    def _lock(self, connection: Connection, function: str, purpose: str = "ledger") -> bool:
        key = advisory_key(self._location.schema, purpose)
        return bool(connection.exec_driver_sql(f"SELECT {function}(%s)", (key,)).scalar_one())

    def _refusal(self, connection: Connection) -> Problem:
        notice = refusal(connection, self._location).notice
        if notice.message is messages.LOCKED:
            return Problem(Notice(messages.WRITER_AT_WORK, notice.words))
        return Problem(notice)


def _begin_era(connection: Connection, number: int) -> None:
    """Begin one: no process of the cluster is at work, and what another one wrote is not known."""
    connection.execute(update(META).values(generation=number))
    connection.execute(update(CLUSTER).values(generation=number))
    connection.execute(delete(MEMBER))
    connection.execute(
        update(SHARD).values(
            holder=None,
            until=None,
            held=None,
            released=None,
            rested_at=NOW,
            dirty_since=func.coalesce(SHARD.c.dirty_since, NOW),
            unseen_since=func.coalesce(SHARD.c.unseen_since, NOW),
            marks=SHARD.c.marks + 1,
        )
    )
