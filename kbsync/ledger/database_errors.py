"""What a database says when it cannot, as messages of the catalogue."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError

from kbsync.ledger.location import LedgerLocation
from kbsync.messages import Notice, Problem
from kbsync.messages import ledger as messages

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
        if type(error).__module__.partition(".")[0] != "psycopg":
            raise
        raise Problem(notice(error, location)) from error


def notice(error: Exception, location: LedgerLocation) -> Notice:
    """Say in the catalogue's words what `error`, raised by a driver, means."""
    if isinstance(error, sqlite3.Error):
        return _of_sqlite(error, location)
    return _of_postgresql(error, location)


def _of_sqlite(error: sqlite3.Error, location: LedgerLocation) -> Notice:
    name = getattr(error, "sqlite_errorname", None) or ""
    why = str(error)
    kind = "_".join(name.split("_")[:2])
    match kind:
        case "SQLITE_FULL":
            return messages.FULL(place=location.shown, folder=location.folder)
        case "SQLITE_IOERR":
            return messages.DISK_FAULT(place=location.shown, why=f"{why}, {name}")
        case "SQLITE_BUSY" | "SQLITE_LOCKED":
            return messages.BUSY(place=location.shown, seconds=BUSY_SECONDS)
        case "SQLITE_NOTADB":
            return messages.NOT_A_LEDGER(place=location.shown)
        case "SQLITE_CORRUPT":
            return messages.DAMAGED(place=location.shown, why=why)
        case "SQLITE_READONLY" | "SQLITE_CANTOPEN" | "SQLITE_PERM":
            return messages.NOT_WRITABLE(place=location.shown, folder=location.folder, why=why)
    return messages.FAILED(place=location.shown, why=why)


_AWAY = {"08", "57"}
_DISK_FULL = "53100"


def _of_postgresql(error: Exception, location: LedgerLocation) -> Notice:
    state = getattr(error, "sqlstate", None) or ""
    why = str(error).strip().partition("\n")[0] or type(error).__name__
    if state == _DISK_FULL:
        return messages.FULL(place=location.shown, folder=location.folder)
    if state == "25006":
        return messages.READ_ONLY(place=location.shown)
    if state[:2] == "58":
        return messages.DISK_FAULT(place=location.shown, why=why)
    if state[:2] in _AWAY or (not state and type(error).__name__ == "OperationalError"):
        return messages.LOST(place=location.shown, why=why)
    return messages.FAILED(place=location.shown, why=why)


def os_reason(error: OSError) -> str:
    """Return the system's words for `error`, without file names."""
    return error.strerror or errno.errorcode.get(error.errno or 0, type(error).__name__)
