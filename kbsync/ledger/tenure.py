"""Whether this process may write a ledger on PostgreSQL, asked before each transaction."""

from __future__ import annotations

from typing import Protocol

from sqlalchemy import Connection, select
from sqlalchemy.exc import ProgrammingError

from kbsync.ledger.engines import prepare_schema
from kbsync.ledger.location import LedgerLocation
from kbsync.ledger.lock import unlock_schema
from kbsync.ledger.tables import META
from kbsync.messages import Problem
from kbsync.messages import ledger as messages

_UNDEFINED_TABLE = "42P01"


class TenureEnded(Problem):
    """The ledger is another one, or another process wrote it: this one never writes it again."""


class Tenure(Protocol):
    """The right to write a ledger on PostgreSQL, which goes with the connection that holds it.

    Each check raises a `Problem` for what may pass, and `TenureEnded` for what does not.
    """

    @property
    def alone(self) -> bool:
        """Whether no other process writes the ledger meanwhile."""

    def take(self, connection: Connection) -> None:
        """Take it over a new connection, before the ledger's tables are made or upgraded."""

    def note(self, connection: Connection) -> None:
        """Note in the ledger's tables that it is taken."""

    def require(self, connection: Connection) -> None:
        """Check, at the begin of a transaction, that it may be committed."""

    def look(self, connection: Connection) -> None:
        """Check, in a transaction, that this process may write to a server."""

    def release(self, connection: Connection) -> None:
        """Let go of it at once: PostgreSQL notices a moment later that a connection ended."""


class SoleTenure:
    """One process writes: it holds the lock, and no later one has counted up the generation.

    Args:
        location: of the ledger.
    """

    alone = True

    def __init__(self, location: LedgerLocation) -> None:
        self._location = location
        self._generation: int | None = None

    def take(self, connection: Connection) -> None:
        """Take the lock; check that no other process wrote while it was away.

        Raises:
            Problem: KB-L021, KB-L029, KB-L031 or KB-L450.
            TenureEnded: KB-L045 or KB-L193.
        """
        try:
            prepare_schema(connection, self._location, make=self._generation is None)
        finally:
            # Also where the lock is held: by another writer, or by what is left of this one.
            if self._generation is not None:
                with connection.begin():
                    self.require(connection)

    def note(self, connection: Connection) -> None:
        """Count the writers, so that each knows of a later one."""
        with connection.begin():
            self._generation = 1 + connection.scalars(select(META.c.generation)).one()
            connection.execute(META.update().values(generation=self._generation))

    def require(self, connection: Connection) -> None:
        """Check that no other process wrote since, whatever the lock says.

        Raises:
            TenureEnded: KB-L045 or KB-L193.
        """
        words = {"place": self._location.shown}
        found = generation(connection)
        if found is None:
            raise TenureEnded(messages.REMOVED(**words))
        if found != self._generation:
            raise TenureEnded(messages.TAKEN_OVER(**words))

    def look(self, connection: Connection) -> None:
        """Check the same as before a transaction."""
        self.require(connection)

    def release(self, connection: Connection) -> None:
        """Let go of the lock."""
        unlock_schema(connection, self._location)


def generation(connection: Connection) -> int | None:
    """Return how often a writer opened the ledger on PostgreSQL; None when it has no tables."""
    try:
        return connection.scalars(select(META.c.generation)).one_or_none()
    except ProgrammingError as error:
        if is_missing_table(error):
            return None
        raise


def is_missing_table(error: ProgrammingError) -> bool:
    """Whether PostgreSQL says that a table is not there."""
    return getattr(error.orig, "sqlstate", None) == _UNDEFINED_TABLE
