"""The one SQLite file: opened, versioned, read by many connections and written by one."""

from __future__ import annotations

import os
import queue
import sqlite3
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from . import schema


class StoreError(Exception):
    """The data file cannot be used; the message says why and what to type next."""


class Store:
    """The data file of one embedded server. Safe to use from many threads.

    Args:
        path: the SQLite file; it and its folder are made when missing, readable by the owner only.

    Raises:
        StoreError: the file is no store of ours, is newer than this program, or is in use.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._readers: queue.LifoQueue[sqlite3.Connection] = queue.LifoQueue()
        self._write_lock = threading.Lock()
        with ExitStack() as opened:
            try:
                self._owner = opened.enter_context(closing(_claim(path)))
                self._writer = opened.enter_context(closing(self._open()))
                self._prepare()
            except (sqlite3.DatabaseError, OSError) as fault:
                raise StoreError(
                    f"{path} cannot be used as a data file ({fault}). "
                    "Next: kbsync serve --data ANOTHER-FILE"
                ) from fault
            opened.pop_all()
        row = self._writer.execute("SELECT tenant, owner FROM workspace").fetchone()
        self.tenant: str = row["tenant"]
        self.owner: str = row["owner"]

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection that sees the last committed state and never waits for a writer."""
        try:
            connection = self._readers.get_nowait()
        except queue.Empty:
            connection = self._open()
        try:
            yield connection
        finally:
            self._readers.put(connection)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: committed at the end, rolled back when the body raises."""
        with self._write_lock:
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self._writer.execute("COMMIT")
            except BaseException:
                if self._writer.in_transaction:  # a full disk ends it without being asked
                    self._writer.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Close every connection; nothing may use the store afterwards."""
        while not self._readers.empty():
            self._readers.get_nowait().close()
        with self._write_lock:
            self._writer.close()
        self._owner.close()

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, isolation_level=None, check_same_thread=False, timeout=30.0
        )
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.create_function("fold", 1, str.casefold, deterministic=True)
        return connection

    def _prepare(self) -> None:
        found: int = self._writer.execute("PRAGMA user_version").fetchone()[0]
        if found > schema.VERSION:
            raise StoreError(
                f"{self.path} was written by a newer kbsync (format {found}, this one knows "
                f"{schema.VERSION}). Next: pip install --upgrade kbsync"
            )
        if found != schema.VERSION:
            self._create()
        # Stays with the file, so that readers have it too.
        self._writer.execute("PRAGMA journal_mode = WAL")

    def _create(self) -> None:
        if self._writer.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            raise StoreError(
                f"{self.path} is an SQLite file of another program. "
                "Next: kbsync serve --data ANOTHER-FILE"
            )
        ids = f"'{fresh_id()}', '{fresh_id()}'"
        workspace = f"INSERT INTO workspace VALUES ({ids});"  # noqa: S608 - two fresh UUIDs
        self._writer.executescript(
            f"BEGIN; {schema.TABLES} {workspace} PRAGMA user_version = {schema.VERSION}; COMMIT;"
        )


def fresh_id() -> str:
    """A new random id (UUID version 4)."""
    return str(uuid.uuid4())


def now() -> int:
    """The time in whole epoch seconds, floored, as the wire carries it."""
    return int(time.time())


def _claim(path: Path) -> sqlite3.Connection:
    """Hold the file for this process: two servers would index every document twice.

    A lock inside SQLite is portable and vanishes with the process, however that dies.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    lock = sqlite3.connect(f"{path}.lock", isolation_level=None, check_same_thread=False, timeout=0)
    try:
        lock.execute("PRAGMA locking_mode = EXCLUSIVE")
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError:
        lock.close()
        raise StoreError(
            f"{path} is already served by another process. Next: stop it, or "
            "kbsync serve --data ANOTHER-FILE"
        ) from None
    return lock
