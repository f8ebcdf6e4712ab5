"""The ledger of the engine (`kbsync.engine.ports.Ledger`), on SQLite or PostgreSQL."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

from kbsync.ledger import maintenance
from kbsync.ledger.clock import LedgerClock
from kbsync.ledger.database import Database, lock_holder
from kbsync.ledger.database_errors import errors_as_problems, os_reason
from kbsync.ledger.entries import Entries
from kbsync.ledger.journal import Journal
from kbsync.ledger.location import LedgerLocation, find_location
from kbsync.ledger.maintenance import Copied, Health, rows_of, unreadable
from kbsync.ledger.mirrors import Mirrors
from kbsync.ledger.pulse import Pulses
from kbsync.ledger.remote_listing import RemoteListings
from kbsync.ledger.scan_rows import ScanRows
from kbsync.ledger.servers import Servers
from kbsync.ledger.sqlite_file import copy_file, identify_file, open_file
from kbsync.ledger.tallies import Tallies
from kbsync.ledger.tenure import Tenure
from kbsync.ledger.transactions import Transactions
from kbsync.ledger.unmet import UnmetKeys
from kbsync.messages import Notice, Problem
from kbsync.messages import ledger as messages


class LedgerStore(
    ScanRows,
    Entries,
    Transactions,
    UnmetKeys,
    RemoteListings,
    Journal,
    Mirrors,
    Servers,
    Pulses,
    Tallies,
):
    """An open ledger. Close it, or use it as a context manager.

    Attributes:
        clock: the time as this ledger counts it.

    Args:
        database: what is open.
        wall: seconds since the epoch, as the clock follows them.
    """

    def __init__(self, database: Database, wall: Callable[[], float] = time.time) -> None:
        self._database = database
        self.clock = LedgerClock(self, wall=wall)

    @classmethod
    def open(
        cls,
        address: str | os.PathLike[str],
        *,
        readonly: bool = False,
        command: str = "",
        tenure: Tenure | None = None,
        wall: Callable[[], float] = time.time,
    ) -> Self:
        """Open the ledger at `address`; a writer makes and upgrades it as needed.

        Args:
            address: a path or an SQLAlchemy URL, see `find_location`.
            readonly: read beside a writing process: do not lock, make or upgrade.
            command: how this process is named to others that find the ledger locked.
            tenure: the right to write, on PostgreSQL; None for that of a process that writes alone.
            wall: seconds since the epoch, as the clock follows them.

        Raises:
            Problem: KB-L001 to KB-L009 for the location, KB-L020 to KB-L031 for what is there.
        """
        location = find_location(address)
        return cls(Database(location, readonly=readonly, command=command, tenure=tenure), wall)

    @property
    def location(self) -> LedgerLocation:
        """Where the ledger lives, for messages."""
        return self._database.location

    @property
    def database(self) -> Database:
        """What is open, for readers of their own such as `folder_rows.FolderRows`."""
        return self._database

    def begin_anew(self) -> None:
        """Forget what was read: another process may have written since."""
        self._database.begin_anew()
        self._high_water = None

    def lost(self) -> Notice | None:
        """Look whether this is the ledger its location names; return why nothing is written more.

        It costs a few system calls, on PostgreSQL a select.
        """
        return self._database.look()

    def fence(self) -> Notice | None:
        """Return why nothing may be written at a server any more; None while this one may.

        On PostgreSQL it costs a select where the last transaction is a second old or older.
        """
        return self._database.fence()

    def returned(self) -> bool:
        """Whether the location names a sound ledger again that this process could open anew."""
        location = self.location
        # What is left of one that was overwritten stays open here: another process is needed.
        why = self._database.look()
        if why is None or why.message is messages.OVERWRITTEN:
            return False
        if why.message is messages.LOG_GONE:  # closing it writes the log into the file
            return True
        try:
            holder = lock_holder(location)
            if holder is not None and holder.pid != str(os.getpid()):
                return False
            Database(location, readonly=True).close()
            return location.path is None or identify_file(location, "ro", thorough=True)
        except Problem:
            return False

    def check(self) -> tuple[str, ...]:
        """Read every page and return what is wrong, as sentences; empty for a sound ledger.

        PostgreSQL checks its own pages: there nothing is read.

        Raises:
            Problem: KB-L040 to KB-L046.
        """
        if self.location.path is None:
            return ()
        with (
            errors_as_problems(self.location),
            closing(open_file(self.location, "ro")) as connection,
        ):
            try:
                found = [str(row[0]) for row in connection.execute("PRAGMA integrity_check")]
                lost = connection.execute("PRAGMA foreign_key_check").fetchall()
            except sqlite3.DatabaseError as error:
                # With some damage the check itself ends early.
                if not (error.sqlite_errorname or "").startswith("SQLITE_CORRUPT"):
                    raise
                return (str(error),)
        found += [
            f"a row of {table} names a row of {parent} that is gone" for table, _, parent, _ in lost
        ]
        return tuple(each for each in found if each != "ok")

    def health(self) -> Health:
        """Check the ledger, read every row, and count; a damaged ledger is only checked.

        Raises:
            Problem: KB-L040 to KB-L046.
        """
        faults = self.check()
        if faults:
            return Health(faults=faults, rows={}, entries={}, intents=())
        mirrors = [binding.mirror for binding in self.bindings()]
        return Health(
            faults=tuple(unreadable(self._database)),
            rows=rows_of(self._database),
            entries={mirror: self.counts(mirror) for mirror in mirrors},
            intents=tuple(intent for mirror in mirrors for intent in self.intents(mirror)),
        )

    def backup(self, to: str | os.PathLike[str]) -> None:
        """Write a consistent copy of the ledger to a file of SQLite, while it is in use.

        The file is readable only by us, and is a ledger itself.

        Raises:
            Problem: KB-L060 when `to` is there, KB-L061 when it cannot be written.
        """
        copy = Path(to).absolute()
        if os.path.lexists(copy):
            raise Problem(messages.COPY_EXISTS(copy=copy))
        if self.location.path is None:
            self._backup_rows(copy)
        else:
            copy_file(self.location, copy)

    def _backup_rows(self, copy: Path) -> None:
        try:
            folder = TemporaryDirectory(prefix=f".{copy.name}.", dir=copy.parent)
        except OSError as error:
            raise Problem(messages.COPY_FAILED(copy=copy, why=os_reason(error))) from error
        with folder as name:
            location = find_location(Path(name) / "ledger.db")
            with closing(Database(location)) as target:
                maintenance.copy(self._database, target)
            copy_file(location, copy)

    def copy_to(self, other: LedgerStore) -> Copied:
        """Copy everything into `other`, which has to be empty, and read it back.

        Raises:
            Problem: KB-L063 or KB-L065, KB-L040 to KB-L047.
        """
        copied = maintenance.copy(self._database, other._database)
        other._high_water = None  # it was read before the copy
        return copied

    def close(self) -> None:
        """Close the ledger and release its lock; a second call does nothing."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
