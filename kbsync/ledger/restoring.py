"""A backup is put in the place of the ledger; the ledger of before is kept beside it."""

from __future__ import annotations

import os
import time
from pathlib import Path

from kbsync.ledger.database_errors import os_reason
from kbsync.ledger.location import LedgerLocation, find_location
from kbsync.ledger.lock import FileLock
from kbsync.ledger.sqlite_file import copy_file, make_folder
from kbsync.ledger.store import LedgerStore
from kbsync.messages import Problem
from kbsync.messages import ledger as messages

# The log is part of a ledger: left behind, SQLite would write what is in it into the copy.
ENDINGS = ("", "-wal", "-shm")


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
        _fill(source, address)
        return None
    make_folder(location.path.parent)
    with FileLock(location, "kbsync ledger restore"):
        whole = Path(f"{location.path}.restored")
        # Before anything is moved: where there is no room for it, the ledger stays as it was.
        copy_file(source, whole)
        kept = _set_aside(location.path)
        whole.replace(location.path)
    return kept


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
