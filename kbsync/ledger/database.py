"""The ledger's connections: one that writes, one for short selects, some for streams."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, TypeAlias

from sqlalchemy import (
    Connection,
    Dialect,
    Engine,
    NullPool,
    PoolProxiedConnection,
    QueuePool,
    create_engine,
    event,
    select,
)
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.sql.elements import CompilerElement

from kbsync.ledger import migrate
from kbsync.ledger.database_errors import errors_as_problems
from kbsync.ledger.location import LedgerLocation
from kbsync.ledger.lock import (
    FileLock,
    LockHolder,
    application_name,
    backend_holder,
    lock_schema,
    read_holder,
)
from kbsync.ledger.sqlite_file import identify_file, make_file, open_file, require_file
from kbsync.ledger.tables import META
from kbsync.messages import Problem
from kbsync.messages import ledger as messages

if TYPE_CHECKING:
    from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor
    from sqlalchemy.pool import ConnectionPoolEntry

Value: TypeAlias = str | int | float | bool | None
Row: TypeAlias = tuple[Value, ...]


class Query:
    """A select in a dialect's SQL, compiled once: 20 times faster than running it by Core."""

    def __init__(self, statement: CompilerElement, dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
        self.sql = str(compiled)
        self._order: Sequence[str] | None = getattr(compiled, "positiontup", None)
        self._constants = dict(compiled.params)

    def values(self, given: Mapping[str, Value]) -> Sequence[Value] | Mapping[str, Value]:
        """Return the bound values as the driver wants them."""
        values = {**self._constants, **given}
        return values if self._order is None else [values[name] for name in self._order]


# Shared by all ledgers of the process: tests and `ledger copy` open several.
_QUERIES: dict[tuple[str, CompilerElement], Query] = {}


class Database:
    """The open database of a ledger.

    Any thread may read; writes wait for each other.

    Args:
        location: where it lives.
        readonly: do not lock, make, migrate or write.
        command: how this process is named to others that find the ledger locked.

    Raises:
        Problem: KB-L004 to KB-L008, KB-L020 to KB-L031, or as `errors_as_problems`.
    """

    def __init__(
        self, location: LedgerLocation, *, readonly: bool = False, command: str = ""
    ) -> None:
        self.location = location
        self.readonly = readonly
        self._command = command
        self._file_lock: FileLock | None = None
        self._writer: Connection | None = None
        self._generation: int | None = None
        self._writing = threading.RLock()
        self._readers = _reader_engine(location, command)
        self._fetching = threading.Lock()
        self._fetcher: PoolProxiedConnection | None = None
        try:
            self._open_reader() if readonly else self._open_writer()
        except BaseException:
            self.close()
            raise

    def _open_reader(self) -> None:
        require_file(self.location)
        if self.location.path and not identify_file(self.location, "ro", thorough=False):
            raise Problem(messages.MISSING(place=self.location.shown))
        with errors_as_problems(self.location), self._readers.connect() as connection:
            found = migrate.found_revision(connection, self.location)
            migrate.require_current(found, self.location)

    def _open_writer(self) -> None:
        if self.location.path is not None:
            make_file(self.location)
            self._file_lock = FileLock(self.location, self._command)
            identify_file(self.location, "rw", thorough=True)
            self._set_journal_mode()
        self._writer = self._connect()

    def _set_journal_mode(self) -> None:
        path = str(self.location.path)
        with errors_as_problems(self.location), closing(sqlite3.connect(path)) as connection:
            (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        if mode != "wal":
            raise Problem(messages.NO_WAL(place=self.location.shown, mode=mode))

    def _connect(self) -> Connection:
        with errors_as_problems(self.location):
            connection = _writer_engine(self.location, self._command).connect()
            try:
                if self.location.path is None:
                    _prepare_schema(connection, self.location)
                migrate.upgrade(connection, self.location)
                self._count_generation(connection)
            except BaseException:
                connection.close()
                raise
        return connection

    def _count_generation(self, connection: Connection) -> None:
        """Check that no other process wrote while a lost connection, and its lock, were away."""
        if self.location.path is not None:  # a file's lock lasts as long as the process
            return
        with connection.begin():
            found = connection.scalars(select(META.c.generation)).one()
            if self._generation is not None and found != self._generation:
                raise Problem(messages.TAKEN_OVER(place=self.location.shown))
            self._generation = found + 1
            connection.execute(META.update().values(generation=self._generation))

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Run a block in one durable transaction: all of it or nothing.

        Raises:
            Problem: KB-L040 to KB-L047. The ledger stays usable.
        """
        if self.readonly:
            raise Problem(messages.READ_ONLY(place=self.location.shown))
        with self._writing, errors_as_problems(self.location):
            # The lock went with the connection: a new one must take it again.
            if self._writer is None or self._writer.invalidated or self._writer.closed:
                self._writer = self._connect()
            with self._writer.begin():
                yield self._writer

    def compiled(self, statement: CompilerElement) -> Query:
        """Return a statement that runs once in the SQL of this database."""
        return Query(statement, self._readers.dialect)

    def query(self, statement: CompilerElement) -> Query:
        """Return a statement that is a constant of a module; it is compiled only once."""
        which = (self._readers.dialect.name, statement)
        known = _QUERIES.get(which)
        return known or _QUERIES.setdefault(which, self.compiled(statement))

    def fetch(self, statement: CompilerElement, **values: Value) -> list[Row]:
        """Return all rows of a short select (a constant of a module), as committed now."""
        return self._fetch(self.query(statement), values)

    def fetch_once(self, statement: CompilerElement) -> list[Row]:
        """Return all rows of a short select that was made for this one time."""
        return self._fetch(self.compiled(statement), {})

    def _fetch(self, query: Query, values: Mapping[str, Value]) -> list[Row]:
        with self._fetching, errors_as_problems(self.location):
            if self._fetcher is None:
                self._fetcher = self._readers.raw_connection()
                if self.location.path is None:
                    # A transaction left open would show the rows of its first select for ever.
                    self._fetcher.driver_connection.autocommit = True  # type: ignore[union-attr]
            try:
                with closing(self._fetcher.cursor()) as cursor:
                    cursor.execute(query.sql, query.values(values))
                    return list(cursor.fetchall())
            except Exception:
                self._fetcher.invalidate()
                self._fetcher = None
                raise

    def stream(self, query: Query, size: int = 1000, **values: Value) -> Iterator[list[Row]]:
        """Yield the rows of a long select in lists of `size`, all from one moment.

        Until it ends the database keeps that moment alive: a stream is to be read to its end
        or closed.
        """
        with errors_as_problems(self.location):
            connection = self._readers.raw_connection()
            try:
                with closing(self._long_cursor(connection)) as cursor:
                    cursor.execute(query.sql, query.values(values))
                    while rows := cursor.fetchmany(size):
                        yield list(rows)
            finally:
                connection.close()

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """Lend a connection that reads everything from one moment, and cannot write.

        Raises:
            Problem: KB-L040 to KB-L046.
        """
        with errors_as_problems(self.location), self._readers.connect() as connection:
            if self.location.path is None:
                connection.execution_options(isolation_level="REPEATABLE READ")
            else:
                connection.exec_driver_sql("BEGIN")
            yield connection

    def _long_cursor(self, connection: PoolProxiedConnection) -> DBAPICursor:
        if self.location.path is not None:
            return connection.cursor()
        # A named cursor stays on the server; a plain one would send every row at once.
        return connection.cursor(name="kbsync_stream")

    def close(self) -> None:
        """Close everything and let go of the lock."""
        if self._fetcher is not None:
            self._fetcher.close()
            self._fetcher = None
        self._readers.dispose()
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        if self._file_lock is not None:
            self._file_lock.release()
            self._file_lock = None


def lock_holder(location: LedgerLocation) -> LockHolder | None:
    """Return which process holds the lock of a ledger, None when it is free. Does not take it.

    Raises:
        Problem: KB-L043 and the like, for a database that does not answer.
    """
    if location.path is not None:
        return _file_lock_holder(f"{location.path}.lock")
    engine = _reader_engine(location, "kbsync doctor")
    try:
        with errors_as_problems(location), engine.connect() as connection:
            return backend_holder(connection, location)
    finally:
        engine.dispose()


def _file_lock_holder(file: str) -> LockHolder | None:
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        # Refused while a process writes; held for an instant, and shared among those that look.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return read_holder(file)
    finally:
        os.close(descriptor)
    return None


def _writer_engine(location: LedgerLocation, command: str) -> Engine:
    """Return the engine of the one connection that writes; every write is durable when it ends."""
    if location.path is None:
        return _postgresql(location, command, "SET synchronous_commit = on", pooled=False)
    engine = create_engine(
        "sqlite+pysqlite://", creator=lambda: open_file(location, "rw"), poolclass=NullPool
    )

    # IMMEDIATE: a transaction that has to wait does so at its begin, never half-way.
    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _reader_engine(location: LedgerLocation, command: str) -> Engine:
    """Return the engine of connections that cannot write."""
    if location.path is None:
        setting = "SET default_transaction_read_only = on"
        return _postgresql(location, command, setting, pooled=True)
    return create_engine(
        "sqlite+pysqlite://", creator=lambda: open_file(location, "ro"), poolclass=QueuePool
    )


def _postgresql(location: LedgerLocation, command: str, setting: str, *, pooled: bool) -> Engine:
    engine = create_engine(
        location.url,
        poolclass=QueuePool if pooled else NullPool,
        connect_args={"application_name": application_name(command), "connect_timeout": 10},
    )

    # First among the listeners: SQLAlchemy asks a new connection for its current schema.
    @event.listens_for(engine, "connect", insert=True)
    def prepare(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        with closing(connection.cursor()) as cursor:
            cursor.execute(f'SET search_path TO "{location.schema}"')
            cursor.execute(setting)
        connection.commit()

    return engine


def _prepare_schema(connection: Connection, location: LedgerLocation) -> None:
    with connection.begin():
        encoding = connection.exec_driver_sql("SHOW server_encoding").scalar_one()
        if encoding != "UTF8":
            raise Problem(messages.NOT_UTF8(place=location.shown, encoding=encoding))
        lock_schema(connection, location)
        sql = "SELECT 1 FROM pg_namespace WHERE nspname = %s"
        there = connection.exec_driver_sql(sql, (location.schema,)).first()
    if there is None:
        _make_schema(connection, location)


def _make_schema(connection: Connection, location: LedgerLocation) -> None:
    user = connection.exec_driver_sql("SELECT current_user").scalar_one()
    connection.rollback()
    try:
        with connection.begin():
            connection.exec_driver_sql(f'CREATE SCHEMA "{location.schema}"')
    except ProgrammingError as error:
        why = str(error.orig).partition("\n")[0]
        raise Problem(
            messages.NO_SCHEMA(schema=location.schema, place=location.shown, why=why, user=user)
        ) from error
