"""Whether a ledger can be made and written in its place, tried as a writer does it; nothing stays.

What is there already is only looked at: a process may have it open.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy.exc import ProgrammingError

from kbsync.ledger.database_errors import errors_as_problems, without_room
from kbsync.ledger.engines import require_utf8, writer_engine
from kbsync.ledger.location import LedgerLocation, find_location
from kbsync.ledger.lock import FileLock
from kbsync.ledger.sqlite_file import identify_file, make_file, make_folder
from kbsync.messages import Problem
from kbsync.messages import ledger as messages
from kbsync.messages.machine_limits import machine_limit

TRIAL = ".kbsync-trial-"
# A first pass writes more than an empty ledger takes.
BYTES = 1 << 20


@contextmanager
def folder_made(folder: Path) -> Iterator[None]:
    """Make a folder as a writer does, and remove afterwards what was made.

    Raises:
        Problem: KB-L006 or KB-L197.
    """
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    make_folder(folder)
    try:
        yield
    finally:
        for each in missing:
            with suppress(OSError):  # another process uses it by now
                each.rmdir()


def try_file(location: LedgerLocation) -> None:
    """Try to lock and write a ledger beside the one at `location`, whose folder is there.

    Raises:
        Problem: KB-L005, KB-L007, KB-L022 to KB-L025, KB-L028, KB-L040, KB-L041 or KB-L197.
    """
    path = location.path
    assert path is not None  # noqa: S101 - a database has no file
    _look_at(path, location)
    try:
        folder = TemporaryDirectory(prefix=TRIAL, dir=path.parent)
    except OSError as error:
        known = without_room(error, location) or machine_limit(error)
        raise (Problem(known) if known else _not_writable(location, error)) from None
    with folder as name:
        beside = find_location(Path(name) / "ledger.db")
        make_file(beside, shown=location)
        with FileLock(beside), errors_as_problems(location), closing(_opened(beside)) as trial:
            (mode,) = trial.execute("PRAGMA journal_mode = WAL").fetchone()
            if mode != "wal":
                raise Problem(messages.NO_WAL(place=location.shown, mode=mode))
            trial.execute("CREATE TABLE trial (bytes)")
            trial.execute("INSERT INTO trial VALUES (zeroblob(?))", (BYTES,))


def _opened(location: LedgerLocation) -> sqlite3.Connection:
    return sqlite3.connect(str(location.path), isolation_level=None)


def _look_at(path: Path, location: LedgerLocation) -> None:
    """Look at the ledger and its lock as far as they are there."""
    if os.path.lexists(path):
        if not path.is_file():
            raise Problem(messages.NOT_REGULAR(place=location.shown))
        if not os.access(path, os.R_OK | os.W_OK):
            raise _not_writable(location, PermissionError(errno.EACCES, "permission denied"))
        if path.stat().st_size:
            identify_file(location, "ro", thorough=False)
    lock = f"{path}.lock"
    if os.path.lexists(lock):
        try:
            os.close(os.open(lock, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW))
        except OSError as error:
            raise Problem(messages.NO_LOCK(lock=lock, why=error.strerror)) from None


def _not_writable(location: LedgerLocation, error: OSError) -> Problem:
    words = {"place": location.shown, "folder": location.folder}
    return Problem(messages.NOT_WRITABLE(why=error.strerror or str(error), **words))


def try_database(location: LedgerLocation) -> None:
    """Try whether the schema of a ledger on PostgreSQL is there, or could be made.

    Raises:
        Problem: KB-L029, KB-L031, KB-L043 or KB-L046.
    """
    engine = writer_engine(location, "kbsync validate")
    with errors_as_problems(location), engine.connect() as connection:
        require_utf8(connection, location)
        sql = "SELECT 1 FROM pg_namespace WHERE nspname = %s"
        if connection.exec_driver_sql(sql, (location.schema,)).first() is not None:
            return
        user = connection.exec_driver_sql("SELECT current_user").scalar_one()
        try:
            connection.exec_driver_sql(f'CREATE SCHEMA "{location.schema}"')
        except ProgrammingError as error:
            why = str(error.orig).partition("\n")[0]
            words = {"schema": location.schema, "place": location.shown, "user": user}
            raise Problem(messages.NO_SCHEMA(why=why, **words)) from error
        finally:
            connection.rollback()
