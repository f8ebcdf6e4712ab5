"""Errors of the databases as problems of the message catalogue."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError

from kbsync.ledger.location import LedgerLocation
from kbsync.messages import Notice, Problem
from kbsync.messages import ledger as messages
from kbsync.messages.machine_limits import limit_now

# How long a connection to SQLite waits for a lock of another program.
BUSY_SECONDS = 30


@contextmanager
def errors_as_problems(location: LedgerLocation) -> Iterator[None]:
    """Turn a database's error into a `Problem` with a code; other errors pass.

    Raises:
        Problem: KB-L023, KB-L024, KB-L040 to KB-L043, KB-L046 or KB-L047.
    """
    try:
        yield
    except DBAPIError as error:
        cause = error.orig if isinstance(error.orig, Exception) else error
        raise Problem(notice(cause, location)) from error
    except sqlite3.Error as error:
        raise Problem(notice(error, location)) from error
    except Exception as error:
        if not _is_of_psycopg(error):
            raise
        raise Problem(notice(error, location)) from error


def notice(error: Exception, location: LedgerLocation) -> Notice:
    """Return the message of the catalogue for `error`, which a driver raised."""
    if isinstance(error, sqlite3.Error):
        return _of_sqlite(error, location)
    return _of_postgresql(error, location)


def _is_of_psycopg(error: Exception, kind: str = "Error") -> bool:
    """Whether it is of that kind of psycopg's, or of its pool's."""
    # By names: psycopg is an optional package and takes long to import.
    own = {"psycopg", "psycopg.errors"}
    return any(each.__name__ == kind and each.__module__ in own for each in type(error).__mro__)


def _of_sqlite(error: sqlite3.Error, location: LedgerLocation) -> Notice:
    name = getattr(error, "sqlite_errorname", None) or ""
    why = str(error)
    kind = "_".join(name.split("_")[:2])
    if kind == "SQLITE_CANTOPEN" and (limit := limit_now()):
        return limit
    match kind:
        case "SQLITE_FULL":
            return messages.FULL(place=location.shown, folder=location.folder)
        # The file of what is shared (-shm) cannot grow, and SQLite does not say that it is room.
        case "SQLITE_IOERR" if _has_no_space(location):
            words = {"place": location.shown, "folder": location.folder}
            return messages.NO_ROOM(**words, why="nothing is free on it")
        case "SQLITE_IOERR":
            return messages.DISK_FAULT(place=location.shown, why=f"{why}, {name}")
        case "SQLITE_BUSY" | "SQLITE_LOCKED":
            return messages.BUSY(place=location.shown, seconds=BUSY_SECONDS)
        case "SQLITE_NOTADB":
            return messages.NOT_A_LEDGER(place=location.shown)
        case "SQLITE_CORRUPT":
            return messages.DAMAGED(place=location.shown, why=why)
        case "SQLITE_CANTOPEN" if _has_no_names(location):
            why = "no file can be made, as all inodes are taken"
            return messages.NO_ROOM(place=location.shown, folder=location.folder, why=why)
        case "SQLITE_READONLY" | "SQLITE_CANTOPEN" | "SQLITE_PERM":
            return messages.NOT_WRITABLE(place=location.shown, folder=location.folder, why=why)
    return messages.FAILED(place=location.shown, why=why)


def _has_no_space(location: LedgerLocation) -> bool:
    """Whether the ledger's disk has no block left for this user."""
    try:
        return os.statvfs(location.folder).f_bavail == 0
    except OSError:
        return False


def _has_no_names(location: LedgerLocation) -> bool:
    """Whether the ledger's disk has no inodes left; some file systems do not count them."""
    try:
        found = os.statvfs(location.folder)
    except OSError:
        return False
    return found.f_files > 0 and found.f_ffree == 0


def without_room(error: OSError, location: LedgerLocation) -> Notice | None:
    """Return the message of a disk without room or inodes; None for another error."""
    if error.errno not in (errno.ENOSPC, errno.EDQUOT):
        return None
    why = "no file can be made, as all inodes are taken" if _has_no_names(location) else ""
    why = why or os_reason(error)
    return messages.NO_ROOM(place=location.shown, folder=location.folder, why=why)


# SQLSTATE: classes "connection exception" and "operator intervention"; codes.
_CONNECTION_LOST = {"08", "57"}
_SYSTEM_ERROR = "58"
_DISK_FULL = "53100"
_READ_ONLY_TRANSACTION = "25006"


def _of_postgresql(error: Exception, location: LedgerLocation) -> Notice:
    state = getattr(error, "sqlstate", None) or ""
    why = str(error).strip().partition("\n")[0] or type(error).__name__
    if state == _DISK_FULL:
        return messages.FULL(place=location.shown, folder=location.folder)
    if state == _READ_ONLY_TRANSACTION:
        return messages.READ_ONLY(place=location.shown)
    if state[:2] == _SYSTEM_ERROR:
        return messages.DISK_FAULT(place=location.shown, why=why)
    # Without a code: the connection could not be made at all.
    if state[:2] in _CONNECTION_LOST or (not state and _is_of_psycopg(error, "OperationalError")):
        return messages.LOST(place=location.shown, why=why)
    return messages.FAILED(place=location.shown, why=why)


def os_reason(error: OSError) -> str:
    """Return what the operating system says about `error`, without file names."""
    return error.strerror or errno.errorcode.get(error.errno or 0, type(error).__name__)
