"""Engines: how each database is opened for the one writer and for readers."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING
from urllib.parse import quote

from sqlalchemy import Engine, NullPool, QueuePool, create_engine, event

from kbsync.ledger.database_errors import BUSY_SECONDS
from kbsync.ledger.location import LedgerLocation
from kbsync.ledger.lock import application_name

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry

# Pages of a ledger kept in memory by each connection at most.
CACHE_KIB = 16_384
# So many pages of 4 KiB the log may grow before they are sorted into the file: documents have
# random ids, so that every page of a listing touches many places.
LOG_PAGES = 8_000


def writer_engine(place: LedgerLocation, command: str = "") -> Engine:
    """Return the engine of the one connection that writes; every write is durable when it ends."""
    if place.path is None:
        return _postgresql(place, command, "SET synchronous_commit = on", pooled=False)
    engine = create_engine(
        "sqlite+pysqlite://", creator=lambda: open_file(place, "rw"), poolclass=NullPool
    )

    # IMMEDIATE: a transaction that would have to wait waits at its begin, never half-way.
    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def reader_engine(place: LedgerLocation, command: str = "") -> Engine:
    """Return the engine of connections that cannot write."""
    if place.path is None:
        return _postgresql(place, command, "SET default_transaction_read_only = on", pooled=True)
    return create_engine(
        "sqlite+pysqlite://", creator=lambda: open_file(place, "ro"), poolclass=QueuePool
    )


def open_file(place: LedgerLocation, mode: str) -> sqlite3.Connection:
    """Open the ledger's file: `mode` is ``rw`` or ``ro``. Transactions are begun by hand."""
    connection = sqlite3.connect(
        f"file:{quote(str(place.path))}?mode={mode}",
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )
    with closing(connection.cursor()) as cursor:
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute("PRAGMA trusted_schema = OFF")
        cursor.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        cursor.execute(f"PRAGMA wal_autocheckpoint = {LOG_PAGES}")
    return connection


def _postgresql(place: LedgerLocation, command: str, setting: str, *, pooled: bool) -> Engine:
    engine = create_engine(
        place.url,
        poolclass=QueuePool if pooled else NullPool,
        connect_args={"application_name": application_name(command), "connect_timeout": 10},
    )

    # First among the listeners: SQLAlchemy asks a new connection for its current schema.
    @event.listens_for(engine, "connect", insert=True)
    def prepare(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        with closing(connection.cursor()) as cursor:
            cursor.execute(f'SET search_path TO "{place.schema}"')
            cursor.execute(setting)
        connection.commit()

    return engine
