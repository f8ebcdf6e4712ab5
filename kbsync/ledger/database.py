"""The ledger's connections: one that writes, one for short selects, some for streams."""

from __future__ import annotations

import ctypes
import fcntl
import math
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias, TypeVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    Dialect,
    PoolProxiedConnection,
    Text,
    literal_column,
)
from sqlalchemy.sql.elements import CompilerElement

from kbsync.ledger import migrate
from kbsync.ledger.database_errors import errors_as_problems
from kbsync.ledger.engines import reader_engine, writer_engine
from kbsync.ledger.known_rows import KnownRows
from kbsync.ledger.location import LedgerLocation
from kbsync.ledger.lock import FileLock, LockHolder, backend_holder, read_holder
from kbsync.ledger.open_files import OpenFiles
from kbsync.ledger.sqlite_file import identify_file, make_file, require_file
from kbsync.ledger.tenure import SoleTenure, Tenure, TenureEnded
from kbsync.messages import Notice, Problem
from kbsync.messages import ledger as messages
from kbsync.model import DocKey

if TYPE_CHECKING:
    from sqlalchemy.engine.interfaces import DBAPICursor

# Seconds after a transaction in which no other process is looked for.
SURE = 1.0

T = TypeVar("T")
Value: TypeAlias = str | int | float | bool | None
Row: TypeAlias = tuple[Value, ...]


class Query:
    """A statement in a dialect's SQL, compiled once: 20 times faster than running it by Core.

    Args:
        statement: what is compiled.
        dialect: of the database.
        columns: of an insert, the names of the values it is given.
    """

    def __init__(
        self, statement: CompilerElement, dialect: Dialect, columns: Sequence[str] | None = None
    ) -> None:
        more: dict[str, Any] = {} if columns is None else {"column_keys": list(columns)}
        compiled = statement.compile(
            dialect=dialect, compile_kwargs={"render_postcompile": True}, **more
        )
        self.sql = str(compiled)
        self._order: Sequence[str] | None = getattr(compiled, "positiontup", None)
        self._constants = dict(compiled.params)

    def values(self, given: Mapping[str, Value]) -> Sequence[Value] | Mapping[str, Value]:
        """Return the bound values as the driver wants them."""
        values = {**self._constants, **given}
        return values if self._order is None else tuple(values[name] for name in self._order)

    def change(self, connection: Connection, rows: Sequence[Mapping[str, Value]]) -> None:
        """Run it once for each of `rows`, in the transaction of `connection`."""
        given: Any = [self.values(row) for row in rows]
        connection.exec_driver_sql(self.sql, given if len(given) > 1 else given[0])


def constants(words: Iterable[str]) -> list[ColumnElement[str]]:
    """Return words of kbsync itself as literals for `IN`: SQL with bound ones cannot be compiled
    before their number is known.
    """
    return [literal_column(f"'{word}'", Text) for word in words]


# Shared by all ledgers of the process: tests and `ledger copy` open several.
_QUERIES: dict[tuple[str, CompilerElement], Query] = {}


class Database:
    """The open database of a ledger.

    Any thread may read; writes wait for each other.

    Args:
        location: where it lives.
        readonly: do not lock, make, migrate or write.
        command: how this process is named to others that find the ledger locked.
        tenure: the right to write, on PostgreSQL; None for that of a process that writes alone.

    Attributes:
        known: what was read of keys and holds.

    Raises:
        Problem: KB-L004 to KB-L008, KB-L020 to KB-L031, or as `errors_as_problems`.
    """

    def __init__(
        self,
        location: LedgerLocation,
        *,
        readonly: bool = False,
        command: str = "",
        tenure: Tenure | None = None,
    ) -> None:
        self.location = location
        self.readonly = readonly
        self._command = command
        self._file_lock: FileLock | None = None
        self._files: OpenFiles | None = None
        self._lost: Notice | None = None
        self._writer: Connection | None = None
        self._tenure: Tenure = tenure or SoleTenure(location)
        self._sure_at = -math.inf
        self._version: int | None = None
        self._writing = threading.RLock()
        self._readers = reader_engine(location, command)
        self._fetching = threading.Lock()
        self._fetcher: PoolProxiedConnection | None = None
        self.known = KnownRows(kept=not readonly)
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
        if self.location.path is not None:
            self._files = OpenFiles(self.location)
            self._version = _data_version(self._writer)

    def _set_journal_mode(self) -> None:
        path = str(self.location.path)
        with errors_as_problems(self.location), closing(sqlite3.connect(path)) as connection:
            (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        if mode != "wal":
            raise Problem(messages.NO_WAL(place=self.location.shown, mode=mode))

    def _connect(self) -> Connection:
        with self._judged():
            connection = writer_engine(self.location, self._command).connect()
            try:
                if self.location.path is not None:
                    migrate.upgrade(connection, self.location)
                else:
                    self._tenure.take(connection)
                    migrate.upgrade(connection, self.location)
                    self._tenure.note(connection)
            except BaseException:
                connection.close()
                raise
        return connection

    @property
    def alone(self) -> bool:
        """Whether no other process writes the ledger meanwhile."""
        return self._tenure.alone

    def begin_anew(self) -> None:
        """Forget what was read: another process may have written since."""
        self.known.forget(None)
        self._sure_at = -math.inf

    # -- whether it is still the ledger that the location names ----------------------------------

    def look(self) -> Notice | None:
        """Look whether the location names this ledger; return why nothing is written any more.

        A transaction under way is not waited for: the next one looks itself.
        """
        if self._lost is None and not self.readonly and self._writing.acquire(blocking=False):
            try:
                with suppress(Problem), self._judged():
                    self._look()
            finally:
                self._writing.release()
        return self._lost

    def fence(self) -> Notice | None:
        """Look whether another process may write by now; return why this one may not.

        A file's lock stays with a process that is stopped. On PostgreSQL the lock goes with the
        connection, so that a process which was stopped, or whose machine was, looks before it
        writes to a server (docs/design.md section 8). A database that does not answer counts as
        taken over: who holds the lock is not known.
        """
        if self.location.path is not None or _now() - self._sure_at < SURE:
            return self._lost
        with self._writing:
            try:
                with self._judged():
                    self._look()
            except Problem as problem:
                return problem.notice
        return self._lost

    def _look(self) -> None:
        self._require_ours()
        writer = self._connected()
        if self.location.path is not None:
            self._require_unchanged(writer)
            return
        with writer.begin():
            self._tenure.look(writer)
        self._sure_at = _now()

    @contextmanager
    def _judged(self) -> Iterator[None]:
        """Turn errors into problems; one that says that it is all over is kept."""
        try:
            with errors_as_problems(self.location):
                yield
        except TenureEnded as ended:
            self._lost = ended.notice
            raise

    def _connected(self) -> Connection:
        """Return the connection that writes; one that was lost is made again."""
        # The lock went with the connection: a new one must take it again.
        if self._writer is None or self._writer.invalidated or self._writer.closed:
            self._writer = self._connect()
        return self._writer

    def _require_ours(self) -> None:
        """Check that the location names what is open here, and that the lock is held there."""
        self._require_not_lost()
        if self._files is None or self._file_lock is None:
            return
        why = self._files.change() or self._file_lock.renew()
        if why is not None:
            self._lose(why)

    def _require_alone(self, writer: Connection) -> None:
        """Check, in a transaction, that this process may write, whatever its lock says."""
        if self.location.path is not None:
            self._require_unchanged(writer)
            return
        self._tenure.require(writer)
        self._sure_at = _now()

    def _require_unchanged(self, writer: Connection) -> None:
        """Check that no other connection wrote the file since the last transaction."""
        if _data_version(writer) != self._version:
            self._lose(messages.WRITTEN_BY_ANOTHER(place=self.location.shown))

    def _lose(self, why: Notice) -> NoReturn:
        """Read and write nothing more.

        Raises:
            Problem: `why`.
        """
        self._lost = why
        if self._files is not None and why.message in _FILE_GONE:
            self._files.set_log_aside()
        raise Problem(why)

    def _require_not_lost(self) -> None:
        if self._lost is not None:
            raise Problem(self._lost)

    @contextmanager
    def writing(self, touched: Collection[DocKey] | None = None) -> Iterator[Connection]:
        """Run a block in one durable transaction: all of it or nothing.

        Args:
            touched: the keys whose entries, intents and rejections it changes; None for any.

        Raises:
            Problem: KB-L040 to KB-L047, after which the ledger stays usable; KB-L193 to KB-L199,
                after which nothing can be read or written any more.
        """
        if self.readonly:
            raise Problem(messages.READ_ONLY(place=self.location.shown))
        with self._writing, self._judged():
            self._require_ours()
            writer = self._connected()
            try:
                with writer.begin():
                    self._require_alone(writer)
                    yield writer
            finally:
                self.known.forget(touched)
                if self._files is not None:
                    self._files.written()

    def compiled(self, statement: CompilerElement) -> Query:
        """Return a statement that runs once in the SQL of this database."""
        return Query(statement, self._readers.dialect)

    def query(self, statement: CompilerElement, columns: Sequence[str] | None = None) -> Query:
        """Return a statement that is a constant of a module; it is compiled only once.

        Args:
            statement: the constant.
            columns: of an insert, the names of its values, always the same.
        """
        dialect = self._readers.dialect
        which = (dialect.name, statement)
        known = _QUERIES.get(which)
        return known or _QUERIES.setdefault(which, Query(statement, dialect, columns))

    def fetch(self, statement: CompilerElement, **values: Value) -> list[Row]:
        """Return all rows of a short select (a constant of a module), as committed now."""
        return self._fetch(self.query(statement), values)

    def recalled(self, kind: str, key: DocKey, read: Callable[[], T]) -> T:
        """Return what `read` reads of `key`; it is not read again before `key` is changed.

        Args:
            kind: what is read.
            key: whose rows.
            read: reads it from the database.
        """
        self._require_not_lost()
        return self.known.get(kind, key, read)

    def fetch_once(self, statement: CompilerElement) -> list[Row]:
        """Return all rows of a short select that was made for this one time."""
        return self._fetch(self.compiled(statement), {})

    def _fetch(self, query: Query, values: Mapping[str, Value]) -> list[Row]:
        self._require_not_lost()
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
        self._require_not_lost()
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
        self._require_not_lost()
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
        if self._files is not None:
            self.look()
        if self._writer is not None:
            self._close_writer(self._writer)
            self._writer = None
        if self._file_lock is not None:
            self._file_lock.release()
            self._file_lock = None

    def _close_writer(self, writer: Connection) -> None:
        if self._lost is not None and self._lost.message in _FILE_GONE:
            # SQLite would write its log into the file, and remove by its name what may be the log
            # of another ledger by now. So it stays open until the process ends.
            for kept in (writer, self._files):
                ctypes.pythonapi.Py_IncRef(ctypes.py_object(kept))
            return
        if self.location.path is None:
            self._tenure.release(writer)
        writer.close()
        if self._files is not None:
            self._files.close()
            self._files = None


# What is open is not what the path names: its log belongs to neither.
_FILE_GONE = frozenset({messages.REMOVED, messages.REPLACED, messages.OVERWRITTEN})


def _now() -> float:
    """Return seconds that go on while the machine sleeps, where the system counts these."""
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime(clock)


def _data_version(writer: Connection) -> int:
    """Return a number that changes when another connection commits."""
    raw = writer.connection.dbapi_connection
    assert raw is not None  # noqa: S101 - it is open
    with closing(raw.cursor()) as cursor:
        cursor.execute("PRAGMA data_version")
        (version,) = cursor.fetchone() or (0,)
        return int(version)


def lock_holder(location: LedgerLocation) -> LockHolder | None:
    """Return which process holds the lock of a ledger, None when it is free. Does not take it.

    Raises:
        Problem: KB-L043 and the like, for a database that does not answer.
    """
    if location.path is not None:
        return _file_lock_holder(f"{location.path}.lock")
    engine = reader_engine(location, "kbsync doctor")
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
