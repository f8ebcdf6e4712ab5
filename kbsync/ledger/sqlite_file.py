"""The file of a ledger on SQLite: made, opened, identified, copied."""

from __future__ import annotations

import errno
import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from kbsync.ledger.database_errors import BUSY_SECONDS, errors_as_problems, os_reason, without_room
from kbsync.ledger.file_owner import opened
from kbsync.ledger.location import LedgerLocation
from kbsync.ledger.tables import APPLICATION_ID
from kbsync.messages import Problem
from kbsync.messages import ledger as messages
from kbsync.messages.machine_limits import machine_limit

# The most memory a connection keeps pages of the ledger in. What reads goes through the ledger from
# its beginning to its end, or asks for keys that no cache would have: more would only be memory.
READER_KIB = 4_096
WRITER_KIB = 16_384
# Pages of 4 KiB in the write-ahead log before a checkpoint. Many, because the ids of documents are
# random: every page of a listing touches many places of the file.
CHECKPOINT_PAGES = 8_000


def make_file(location: LedgerLocation, shown: LedgerLocation | None = None) -> None:
    """Make the ledger's folder (0700) and file (0600) where they are not there yet.

    Args:
        location: where.
        shown: the ledger that messages name instead.

    Raises:
        Problem: KB-L004 to KB-L007, KB-L197.
    """
    path, shown = location.path, shown or location
    if path is None:
        return
    if path.is_dir():
        raise Problem(messages.IS_FOLDER(place=shown.shown))
    make_folder(path.parent)
    try:
        os.close(opened(path, os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK))
    except OSError as error:
        why = error.strerror or str(error)
        words = {"place": shown.shown, "folder": shown.folder}
        known = without_room(error, shown) or machine_limit(error)
        raise Problem(known or messages.NOT_WRITABLE(why=why, **words)) from error
    if not stat.S_ISREG(path.stat().st_mode):
        raise Problem(messages.NOT_REGULAR(place=shown.shown))
    # The write-ahead log is made beside the file, so its folder must take files too.
    if not os.access(path.parent, os.W_OK | os.X_OK):
        why = "its folder takes no new files"
        raise Problem(messages.NOT_WRITABLE(place=shown.shown, folder=shown.folder, why=why))


def make_folder(folder: Path) -> None:
    """Make the ledger's folder, for this user alone.

    Raises:
        Problem: KB-L006 or KB-L197.
    """
    missing = [folder, *folder.parents]
    missing = [each for each in missing if not each.exists()]
    try:
        for each in reversed(missing):
            each.mkdir(mode=0o700, exist_ok=True)
        if not folder.is_dir():
            raise NotADirectoryError(20, "there is a file where the folder should be")
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            there = next(each for each in folder.parents if each.exists())
            words = {"place": folder, "folder": there, "why": os_reason(error)}
            raise Problem(messages.NO_ROOM(**words)) from error
        why = error.strerror or str(error)
        raise Problem(messages.NO_FOLDER(folder=folder, why=why)) from error


def require_file(location: LedgerLocation) -> None:
    """Check that there is a file to read.

    Raises:
        Problem: KB-L004, KB-L005, KB-L008 or KB-L020.
    """
    path = location.path
    if path is None:
        return
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise Problem(messages.MISSING(place=location.shown)) from None
    except OSError as error:
        raise Problem(messages.NOT_READABLE(place=location.shown, why=error.strerror)) from error
    if stat.S_ISDIR(found.st_mode):
        raise Problem(messages.IS_FOLDER(place=location.shown))
    if not stat.S_ISREG(found.st_mode):
        raise Problem(messages.NOT_REGULAR(place=location.shown))
    if found.st_size == 0:
        raise Problem(messages.MISSING(place=location.shown))
    if not os.access(path, os.R_OK):
        raise Problem(messages.NOT_READABLE(place=location.shown, why="permission denied"))


def open_file(
    location: LedgerLocation, mode: str, cache_kib: int = READER_KIB
) -> sqlite3.Connection:
    """Open the ledger's file.

    Args:
        location: of a ledger on SQLite.
        mode: ``rw`` or ``ro``.
        cache_kib: the most memory for its pages.
    """
    connection = sqlite3.connect(
        f"file:{quote(str(location.path))}?mode={mode}",
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,  # SQLAlchemy begins transactions, with BEGIN IMMEDIATE
        check_same_thread=False,
    )
    try:
        _set_up(connection, cache_kib)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _set_up(connection: sqlite3.Connection, cache_kib: int) -> None:
    with closing(connection.cursor()) as cursor:
        # Durable at every commit: with NORMAL a power cut could undo the last intents.
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute("PRAGMA trusted_schema = OFF")
        cursor.execute(f"PRAGMA cache_size = -{cache_kib}")
        cursor.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")


def identify_file(location: LedgerLocation, mode: str, *, thorough: bool) -> bool:
    """Return whether the file is a ledger (True) or still empty (False).

    Args:
        mode: ``rw`` or ``ro``.
        thorough: read every page for damage.

    Raises:
        Problem: KB-L023, KB-L024, KB-L025, or as `errors_as_problems`.
    """
    with errors_as_problems(location), closing(open_file(location, mode)) as connection:
        (mine,) = connection.execute("PRAGMA application_id").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if mine != APPLICATION_ID and (tables or mine):
            raise Problem(messages.OTHER_DATABASE(place=location.shown))
        damage = quick_check(connection) if thorough and tables else ""
    if damage:
        raise Problem(messages.DAMAGED(place=location.shown, why=damage))
    return bool(tables)


def quick_check(connection: sqlite3.Connection) -> str:
    """Return the first damage SQLite finds, empty when there is none."""
    (answer,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    return "" if answer == "ok" else str(answer)


def copy_file(location: LedgerLocation, copy: Path) -> None:
    """Write a consistent copy of the ledger's file, whole or not at all; replaces an older one.

    Raises:
        Problem: KB-L061.
    """
    partial = copy.with_name(f"{copy.name}.partial")
    try:
        partial.unlink(missing_ok=True)
        os.close(os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        with (
            closing(open_file(location, "ro")) as source,
            closing(sqlite3.connect(partial)) as target,
        ):
            source.backup(target)
            # The copy is one file: it must not need a write-ahead log beside it.
            target.execute("PRAGMA journal_mode = DELETE")
        _sync(partial)
        partial.replace(copy)
        _sync(copy.parent)
    except (OSError, sqlite3.Error) as error:
        partial.unlink(missing_ok=True)
        why = os_reason(error) if isinstance(error, OSError) else str(error)
        raise Problem(messages.COPY_FAILED(copy=copy, why=why)) from error


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
