"""The disk under the ledger: the real store on SQLite, where every transaction may be the last.

A copy can be put back later, as a restored backup is, and the file can be lost.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from sqlalchemy import Connection
from sqlalchemy.sql.elements import CompilerElement

from kbsync.ledger.database import Database, Query
from kbsync.ledger.location import LedgerLocation, find_location
from kbsync.ledger.store import LedgerStore
from kbsync.model import DocKey

from .weather import Weather


class Failing(Database):
    """A database whose disk fills up, and whose process ends before or after a commit."""

    weather: Weather | None = None
    compiled_once: ClassVar[dict[CompilerElement, Query]] = {}
    first: ClassVar[Connection | None] = None

    def __init__(self, place: LedgerLocation) -> None:
        super().__init__(place)
        self._questions = self.compiled_once

    def _connect(self) -> Connection:
        """Connect; what was compiled for one ledger need not be for the next."""
        connection = super()._connect()
        first = Failing.first = Failing.first or connection
        connection.dialect = connection.engine.dialect = first.dialect
        connection.engine._compiled_cache = first.engine._compiled_cache
        return connection

    @contextmanager
    def writing(self, touched: Collection[DocKey] | None = None) -> Iterator[Connection]:
        if self.weather is not None:
            self.weather.point()
        with super().writing(touched) as connection:
            yield connection
            if self.weather is not None and self.weather.disk_is_full():
                error = sqlite3.OperationalError("database or disk is full")
                error.sqlite_errorname = "SQLITE_FULL"
                raise error
        if self.weather is not None:
            self.weather.point()


class Disk:
    """Where one ledger lives.

    Args:
        path: of its file.
        empty: a ledger that has nothing yet, to begin with.
    """

    def __init__(self, path: Path, empty: Path) -> None:
        self.path = path
        self._empty = empty
        self._copy = path.with_suffix(".copy")
        self._database: Failing | None = None
        self._store: LedgerStore | None = None
        self.lose()

    @property
    def store(self) -> LedgerStore:
        if self._store is None:
            self._database = Failing(find_location(self.path))
            self._store = LedgerStore(self._database)
        return self._store

    def under(self, weather: Weather | None) -> LedgerStore:
        """Return the ledger, from now on in this weather."""
        store = self.store
        assert self._database is not None
        self._database.weather = weather
        return store

    def close(self) -> None:
        if self._store is not None:
            self._store.close()
        self._store = self._database = None

    def lose(self) -> None:
        self.close()
        for ending in ("", "-wal", "-shm", ".lock"):
            Path(f"{self.path}{ending}").unlink(missing_ok=True)
        shutil.copyfile(self._empty, self.path)

    def keep_copy(self) -> None:
        self.close()
        shutil.copyfile(self.path, self._copy)

    def roll_back(self) -> bool:
        """Put the copy back; false when there is none."""
        if not self._copy.exists():
            return False
        self.close()
        shutil.copyfile(self._copy, self.path)
        return True
