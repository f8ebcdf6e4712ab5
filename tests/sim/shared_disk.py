"""A ledger on a real PostgreSQL that several processes write, by a time that is the history's."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, Executable, Row, event, func, select, text

from kbsync.cluster.cluster_database import ClusterDatabase
from kbsync.cluster.tables import METADATA as CLUSTER_TABLES
from kbsync.ledger.database import Database, Query, Value
from kbsync.ledger.database import Row as ReadRow
from kbsync.ledger.engines import writer_engine
from kbsync.ledger.location import LedgerLocation, find_location
from kbsync.ledger.lock import advisory_key
from kbsync.ledger.store import LedgerStore
from kbsync.ledger.tables import METADATA as LEDGER_TABLES
from kbsync.ledger.tenure import Tenure
from kbsync.model import DocKey

from .weather import Weather

SECONDS = 10.0  # until a cut line has to be noticed


class DroppingWeather(Weather):
    """The weather of a process whose ledger is at the other end of a line.

    Attributes:
        drops: share of the transactions before or after which that line is lost.
        stops: share of the answers of servers after which the process is stopped for a while.
        stopped_until: in seconds of the history.
    """

    drops = stops = 0.0
    stopped_until = float("-inf")

    @classmethod
    def of_a_worker(cls, chance: Any) -> DroppingWeather:
        """Return the weather of a process of a fleet."""
        drawn = cls(
            chance,
            reads=chance.choice([0.0, 0.02, 0.05]),
            writes=chance.choice([0.0, 0.15, 0.4]),
            meddling=chance.choice([0.0, 0.05, 0.1]),
            crash_in=int(10 ** chance.uniform(1, 3)) if chance.random() < 0.4 else None,
        )
        drawn.drops = chance.choice([0.0, 0.0, 0.01, 0.05])
        drawn.stops = chance.choice([0.0, 0.02, 0.1])
        return drawn

    def drops_line(self) -> bool:
        """Whether the line to the database is lost now."""
        lost = self.chance.random() < self.drops
        self.met["line lost"] += lost
        return lost


def _cut(connection: Connection | None) -> None:
    """Lose the line under a connection; what notices is its next statement."""
    if connection is not None and not connection.closed and not connection.invalidated:
        raw = connection.connection.dbapi_connection
        if raw is not None:
            raw.close()


class FaultyClusterDatabase(ClusterDatabase):
    """The cluster's rows as a process has them that may lose its line, or end, at any statement."""

    def __init__(self, address: str, weather: DroppingWeather) -> None:
        self._weather = weather
        super().__init__(address, "kbsync run --role work")

    def run(
        self, statement: Executable, values: Mapping[str, Any] | None = None
    ) -> Sequence[Row[Any]]:
        self._before()
        rows = super().run(statement, values)
        self._after()
        return rows

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        self._before()
        with super().transaction() as connection:
            yield connection
        self._after()

    def _before(self) -> None:
        self._weather.point()
        if self._weather.drops_line():
            _cut(self._connection)

    def _after(self) -> None:
        if self._weather.drops_line():  # it was committed, and the answer is lost
            _cut(self._connection)
            super().run(text("SELECT 1"))
        self._weather.point()


class FaultyDatabase(Database):
    """The ledger of such a process."""

    weather: Weather | None = None

    @contextmanager
    def writing(self, touched: Collection[DocKey] | None = None) -> Iterator[Connection]:
        if self.weather is not None:
            self.weather.point()
            self._drop()
        with super().writing(touched) as connection:
            yield connection
        if self.weather is not None:
            if self._drop():
                with super().writing(()):  # it was committed, and the answer is lost
                    pass
            self.weather.point()

    def _fetch(self, query: Query, values: Mapping[str, Value]) -> list[ReadRow]:
        reads = self._fetcher
        if isinstance(self.weather, DroppingWeather) and reads and self.weather.drops_line():
            reads.driver_connection.close()  # type: ignore[union-attr]
        return super()._fetch(query, values)

    def _drop(self) -> bool:
        lost = isinstance(self.weather, DroppingWeather) and self.weather.drops_line()
        if lost:
            _cut(self._writer)
        return lost


class SharedDisk:
    """Where the ledger of one history after the other lives.

    Args:
        address: of a ledger that is yet to be made.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self.location: LedgerLocation = find_location(address)
        self._store: LedgerStore | None = None
        ClusterDatabase(address).close()  # makes all tables
        self._wipes = writer_engine(self.location, "kbsync").connect()
        self._wipe = self._statements()

    def _statements(self) -> list[Executable]:
        """Return what makes all tables as they are now."""
        tables = [*CLUSTER_TABLES.sorted_tables, *LEDGER_TABLES.sorted_tables]
        found: list[Executable] = [each.delete() for each in reversed(tables)]
        for table in tables:
            rows = self._wipes.execute(table.select()).all()
            found += [table.insert().values(dict(row._mapping)) for row in rows]
        numbers = "SELECT sequencename FROM pg_sequences WHERE schemaname = current_schema()"
        for (name,) in self._wipes.exec_driver_sql(numbers).all():
            found.append(text(f'ALTER SEQUENCE "{name}" RESTART'))
        self._wipes.rollback()
        return found

    @property
    def store(self) -> LedgerStore:
        """The ledger, as an ordinary process has it."""
        if self._store is None:
            self._store = LedgerStore(FaultyDatabase(self.location))
        return self._store

    def under(self, weather: Weather | None) -> LedgerStore:
        """Return the ledger of an ordinary process, from now on in this weather."""
        store = self.store
        assert isinstance(store.database, FaultyDatabase)
        store.database.weather = weather
        return store

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Leave the ledger to the processes of a cluster; those who judge read beside them."""
        self.close()
        self._store = LedgerStore.open(self.address, readonly=True)
        try:
            yield
        finally:
            self.close()
            self._await_cut_lines()

    def _await_cut_lines(self) -> None:
        """PostgreSQL notices a moment later that a line was cut; until then its lock is held.

        A process that was killed has no line any more; here what is left of it has to be freed.
        """
        key = advisory_key(self.location.schema)
        end = time.monotonic() + SECONDS
        gc.collect()
        with self._wipes.begin():
            while not self._wipes.scalar(select(func.pg_try_advisory_lock(key))):
                assert time.monotonic() < end
                time.sleep(0.002)
            self._wipes.scalar(select(func.pg_advisory_unlock(key)))

    def slot(self, tenure: Tenure, weather: Weather) -> LedgerStore:
        """Open the ledger of a slot of a worker."""
        database = FaultyDatabase(self.location, command="kbsync run --role work", tenure=tenure)
        database.weather = weather
        return LedgerStore(database)

    def close(self) -> None:
        if self._store is not None:
            self._store.close()
            self._store = None

    def lose(self) -> None:
        """Make an empty ledger of it."""
        self.close()
        with self._wipes.begin():
            for each in self._wipe:
                self._wipes.execute(each)

    def end(self) -> None:
        """Leave it."""
        self.close()
        self._wipes.close()


@contextmanager
def database_time(now: Callable[[], float]) -> Iterator[None]:
    """Let the clock of PostgreSQL say what `now` says."""

    def replace(_: object, __: object, sql: str, values: Any, *___: object) -> tuple[str, Any]:
        if "clock_timestamp()" in sql:
            sql = sql.replace("clock_timestamp()", f"to_timestamp({now()!r})")
        return sql, values

    event.listen(Engine, "before_cursor_execute", replace, retval=True)
    try:
        yield
    finally:
        event.remove(Engine, "before_cursor_execute", replace)
