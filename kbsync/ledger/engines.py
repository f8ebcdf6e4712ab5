"""SQLAlchemy engines of a ledger: for the one connection that writes, and for those that read."""

from __future__ import annotations

import logging
from contextlib import closing
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, NullPool, QueuePool, create_engine, event
from sqlalchemy.exc import ProgrammingError

from kbsync.ledger.location import LedgerLocation
from kbsync.ledger.lock import application_name, lock_schema
from kbsync.ledger.sqlite_file import WRITER_KIB, open_file
from kbsync.messages import Problem
from kbsync.messages import ledger as messages

if TYPE_CHECKING:
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry


# What the connection of a machine that is gone holds is free after these seconds (5 + 3 x 2): the
# lock of the ledger above all. Where it is a socket file these have no effect.
WRITER = (
    "SET synchronous_commit = on; SET tcp_keepalives_idle = 5; "
    "SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 3; SET tcp_user_timeout = 11000"
)


def writer_engine(location: LedgerLocation, command: str) -> Engine:
    """Return the engine of the one connection that writes; every write is durable when it ends."""
    if location.path is None:
        return _postgresql(location, command, WRITER, pooled=False)
    engine = create_engine(
        "sqlite+pysqlite://",
        creator=lambda: open_file(location, "rw", WRITER_KIB),
        poolclass=NullPool,
    )

    # IMMEDIATE: a transaction that has to wait does so at its begin, never half-way.
    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def reader_engine(location: LedgerLocation, command: str) -> Engine:
    """Return the engine of connections that cannot write."""
    if location.path is None:
        setting = "SET default_transaction_read_only = on"
        return _postgresql(location, command, setting, pooled=True)
    return create_engine(
        "sqlite+pysqlite://", creator=lambda: open_file(location, "ro"), poolclass=QueuePool
    )


def _postgresql(location: LedgerLocation, command: str, setting: str, *, pooled: bool) -> Engine:
    # A lost connection is an error where it is used, and the pool replaces it. It also logs a
    # traceback, as it could not reset the connection: one more at each restart of a database.
    logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)
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


def prepare_schema(connection: Connection, location: LedgerLocation, *, make: bool) -> None:
    """Take the lock of a ledger on PostgreSQL.

    Args:
        make: make its schema where it is missing.

    Raises:
        Problem: KB-L021, KB-L029 or KB-L031.
    """
    with connection.begin():
        require_utf8(connection, location)
        lock_schema(connection, location)
    if make:
        make_schema(connection, location)


def make_schema(connection: Connection, location: LedgerLocation) -> None:
    """Make the schema of a ledger where it is missing.

    Raises:
        Problem: KB-L031.
    """
    with connection.begin():
        sql = "SELECT 1 FROM pg_namespace WHERE nspname = %s"
        if connection.exec_driver_sql(sql, (location.schema,)).first() is not None:
            return
    user = connection.exec_driver_sql("SELECT current_user").scalar_one()
    connection.rollback()
    try:
        with connection.begin():
            connection.exec_driver_sql(f'CREATE SCHEMA "{location.schema}"')
    except ProgrammingError as error:
        why = str(error.orig).partition("\n")[0]
        words = {
            "schema": location.schema,
            "place": location.shown,
            "database": connection.engine.url.database,
            "sql": f'CREATE SCHEMA "{location.schema}" AUTHORIZATION "{user}"',
        }
        raise Problem(messages.NO_SCHEMA(why=why, **words)) from error


def require_utf8(connection: Connection, location: LedgerLocation) -> None:
    """Check that the database can keep every name.

    Raises:
        Problem: KB-L029.
    """
    encoding = connection.exec_driver_sql("SHOW server_encoding").scalar_one()
    if encoding != "UTF8":
        raise Problem(messages.NOT_UTF8(place=location.shown, encoding=encoding))
