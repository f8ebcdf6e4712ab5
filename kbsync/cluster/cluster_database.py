"""The connection by which a process of the cluster reads and changes the cluster's rows."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Executable, Row

from kbsync.cluster.shared_tenure import SharedTenure
from kbsync.ledger import migrate
from kbsync.ledger.database_errors import errors_as_problems
from kbsync.ledger.engines import writer_engine
from kbsync.ledger.location import find_location
from kbsync.messages import Problem
from kbsync.messages import ledger as messages


class ClusterDatabase:
    """An open connection that holds the shared lock; one that was lost is made again when needed.

    Any thread may use it; statements wait for each other.

    Args:
        address: of the ledger, see `find_location`.
        command: how this process is named to others that find the ledger locked.

    Raises:
        Problem: KB-L455 for a file, KB-L451 beside an ordinary process, or as `LedgerStore.open`.
    """

    def __init__(self, address: str, command: str = "") -> None:
        self.location = find_location(address)
        if self.location.path is not None:
            raise Problem(messages.CLUSTER_NEEDS_POSTGRESQL(place=self.location.shown))
        self._engine = writer_engine(self.location, command)
        self._tenure = SharedTenure(self.location)
        self._using = threading.RLock()
        self._connection: Connection | None = None
        with self._using, errors_as_problems(self.location):
            self._connected()

    def run(
        self, statement: Executable, values: Mapping[str, Any] | None = None
    ) -> Sequence[Row[Any]]:
        """Run one statement, which is a transaction and a round trip; return its rows.

        Raises:
            Problem: KB-L040 to KB-L047, KB-L193 or KB-L451.
        """
        with self._using, errors_as_problems(self.location):
            connection = self._connected()
            with connection.begin():
                result = connection.execute(statement, values or {})
                return result.all() if result.returns_rows else ()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Run a block in one transaction.

        Raises:
            Problem: as `run`.
        """
        with self._using, errors_as_problems(self.location):
            connection = self._connected()
            connection.execution_options(isolation_level="READ COMMITTED")
            try:
                with connection.begin():
                    yield connection
            finally:
                if not connection.invalidated:
                    connection.execution_options(isolation_level="AUTOCOMMIT")

    def _connected(self) -> Connection:
        if self._connection is None or self._connection.invalidated or self._connection.closed:
            self._connection = self._connect()
        return self._connection

    def _connect(self) -> Connection:
        connection = self._engine.connect()
        try:
            self._tenure.take(connection)
            migrate.upgrade(connection, self.location)
            self._tenure.note(connection)
        except BaseException:
            connection.close()
            raise
        return connection.execution_options(isolation_level="AUTOCOMMIT")

    def close(self) -> None:
        """Close it and let go of the lock."""
        if self._connection is not None:
            self._tenure.release(self._connection)
            self._connection.close()
            self._connection = None

    def __enter__(self) -> ClusterDatabase:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
