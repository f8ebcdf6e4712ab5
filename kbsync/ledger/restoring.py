"""A backup is put in the place of the ledger; the ledger of before is kept beside it."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from kbsync.ledger.database_errors import os_reason
from kbsync.ledger.file_owner import give
from kbsync.ledger.location import LedgerLocation, find_location
from kbsync.ledger.lock import FileLock
from kbsync.ledger.sqlite_file import copy_file, make_folder, open_file
from kbsync.ledger.store import LedgerStore
from kbsync.messages import Problem
from kbsync.messages import ledger as messages

# The log is part of a ledger: left behind, SQLite would write what is in it into the copy.
ENDINGS = ("", "-wal", "-shm")
# Without a time to live `expires_at` stays NULL.
_BEGIN_ANEW = """
UPDATE entries SET expires_at = expires_at + (:now - trashed_at), trashed_at = :now
WHERE state = 'trashed' AND trashed_at IS NOT NULL
"""


def restore(backup: Path, address: str | os.PathLike[str]) -> str | None:
    """Make `backup` the ledger at `address`.

    Args:
        backup: as `LedgerStore.backup` writes it.
        address: of the ledger; a schema of PostgreSQL has to be empty.

    Returns:
        Where the ledger of before is now; None when there was none.

    Raises:
        Problem: `backup` is no sound ledger (KB-L008, KB-L020 to KB-L027, KB-L066), the ledger is
            in use (KB-L021) or not empty (KB-L350), or the copy failed (KB-L061, KB-L065).
    """
    source, location = find_location(backup), find_location(address)
    if source.path == location.path:
        raise Problem(messages.COPY_SAME(copy=location.shown))
    _require_sound(source)
    if location.path is None:
        with TemporaryDirectory() as folder:
            copy = Path(folder) / "ledger.db"
            _copy(source, copy)
            _fill(find_location(copy), address)
        return None
    make_folder(location.path.parent)
    with FileLock(location, "kbsync ledger restore"):
        whole = Path(f"{location.path}.restored")
        # Before anything is moved: where there is no room for it, the ledger stays as it was.
        _copy(source, whole)
        _give(whole)
        kept = _set_aside(location.path)
        whole.replace(location.path)
    return kept


def _give(whole: Path) -> None:
    descriptor = os.open(whole, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        give(descriptor, whole.parent)
    finally:
        os.close(descriptor)


def _require_sound(source: LedgerLocation) -> None:
    assert source.path is not None  # noqa: S101 - a file was named
    try:
        with LedgerStore.open(source.path, readonly=True) as store:
            faults = store.check()
    except Problem as problem:
        # It is upgraded when it is opened to write.
        if problem.notice.message is not messages.OLDER:
            raise
        return
    if faults:
        raise Problem(messages.NOT_SOUND(place=source.shown, count=len(faults)))


def _copy(source: LedgerLocation, copy: Path) -> None:
    """Copy a backup; what is in its trash rests from now on, as long as it was given.

    Since it was made a file may have come back, and gone once more: its document would be deleted
    before its time.
    """
    copy_file(source, copy)
    try:
        with closing(open_file(find_location(copy), "rw")) as connection:
            _begin_trash_anew(connection)
    except sqlite3.Error as error:
        copy.unlink()
        raise Problem(messages.COPY_FAILED(copy=copy, why=str(error))) from error


def _begin_trash_anew(connection: sqlite3.Connection) -> None:
    columns = {str(row[1]) for row in connection.execute("PRAGMA table_info(entries)")}
    if "trashed_at" not in columns:  # a ledger of an older format has no trash
        return
    (recorded,) = connection.execute("SELECT high_water FROM meta").fetchone()
    now = {"now": max(time.time(), float(recorded or 0))}
    # No recorded time lies in the future of the ledger's clock.
    connection.execute("UPDATE meta SET high_water = :now", now)
    connection.execute(_BEGIN_ANEW, now)


def _fill(source: LedgerLocation, address: str | os.PathLike[str]) -> None:
    assert source.path is not None  # noqa: S101 - a file was named
    with (
        LedgerStore.open(address, command="kbsync ledger restore") as target,
        LedgerStore.open(source.path, readonly=True) as store,
    ):
        try:
            store.copy_to(target)
        except Problem as problem:
            if problem.notice.message is not messages.COPY_NOT_EMPTY:
                raise
            schema = target.location.schema
            sql = f'ALTER SCHEMA "{schema}" RENAME TO "{schema}_before"'
            words = {"place": target.location.shown, "database": target.location.url.database}
            raise Problem(messages.RESTORE_NOT_EMPTY(sql=sql, **words)) from None


def _set_aside(path: Path) -> str | None:
    """Give the ledger's files other names; return that of the first."""
    stamp = time.strftime("%Y%m%dT%H%M%S")
    kept = f"{path}.before-restore-{stamp}"
    try:
        for ending in ENDINGS:
            if os.path.lexists(f"{path}{ending}"):
                os.rename(f"{path}{ending}", f"{kept}{ending}")  # noqa: PTH104 - names with endings
    except OSError as error:
        raise Problem(messages.COPY_FAILED(copy=kept, why=os_reason(error))) from error
    return kept if os.path.lexists(kept) else None
