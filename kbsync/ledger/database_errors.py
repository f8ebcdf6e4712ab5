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
def told(place: LedgerLocation) -> Iterator[None]:
    """Turn a database's error into a `Problem` with a code; other errors pass.

    Raises:
        Problem: KB-L023, KB-L024, KB-L040 to KB-L043, KB-L046 or KB-L047.
    """
    try:
        yield
    except DBAPIError as error:
        cause = error.orig if isinstance(error.orig, Exception) else error
        raise Problem(notice(cause, place)) from error
    except sqlite3.Error as error:
        raise Problem(notice(error, place)) from error
    except Exception as error:
        if type(error).__module__.partition(".")[0] != "psycopg":
            raise
        raise Problem(notice(error, place)) from error


def notice(error: Exception, place: LedgerLocation) -> Notice:
    """Say in the catalogue's words what `error`, raised by a driver, means."""
    if isinstance(error, sqlite3.Error):
        return _of_sqlite(error, place)
    return _of_postgresql(error, place)


def _of_sqlite(error: sqlite3.Error, place: LedgerLocation) -> Notice:
    name = getattr(error, "sqlite_errorname", None) or ""
    why = str(error)
    kind = "_".join(name.split("_")[:2])
    match kind:
        case "SQLITE_FULL":
            return messages.FULL(place=place.shown, folder=place.folder)
        case "SQLITE_IOERR":
            return messages.DISK_FAULT(place=place.shown, why=f"{why}, {name}")
        case "SQLITE_BUSY" | "SQLITE_LOCKED":
            return messages.BUSY(place=place.shown, seconds=BUSY_SECONDS)
        case "SQLITE_NOTADB":
            return messages.NOT_A_LEDGER(place=place.shown)
        case "SQLITE_CORRUPT":
            return messages.DAMAGED(place=place.shown, why=why)
        case "SQLITE_READONLY" | "SQLITE_CANTOPEN" | "SQLITE_PERM":
            return messages.NOT_WRITABLE(place=place.shown, folder=place.folder, why=why)
    return messages.FAILED(place=place.shown, why=why)


_AWAY = {"08", "57"}
_DISK_FULL = "53100"


def _of_postgresql(error: Exception, place: LedgerLocation) -> Notice:
    state = getattr(error, "sqlstate", None) or ""
    why = str(error).strip().partition("\n")[0] or type(error).__name__
    if state == _DISK_FULL:
        return messages.FULL(place=place.shown, folder=place.folder)
    if state == "25006":
        return messages.READ_ONLY(place=place.shown)
    if state[:2] == "58":
        return messages.DISK_FAULT(place=place.shown, why=why)
    if state[:2] in _AWAY or (not state and type(error).__name__ == "OperationalError"):
        return messages.LOST(place=place.shown, why=why)
    return messages.FAILED(place=place.shown, why=why)


def os_reason(error: OSError) -> str:
    """Return the system's words for `error`, without file names."""
    return error.strerror or errno.errorcode.get(error.errno or 0, type(error).__name__)
