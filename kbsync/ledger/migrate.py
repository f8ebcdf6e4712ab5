"""Bring a ledger to the format of this kbsync, or say why not."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from kbsync.ledger.connections import open_file
from kbsync.ledger.database_errors import os_reason, told
from kbsync.ledger.location import LedgerLocation
from kbsync.ledger.schema import APPLICATION_ID, REVISION
from kbsync.messages import Problem
from kbsync.messages import ledger as messages

if TYPE_CHECKING:
    from alembic.config import Config

SCRIPTS = Path(__file__).parent / "migrations"


def identify_file(place: LedgerLocation, mode: str, *, thorough: bool) -> bool:
    """Tell whether the file is a ledger (True) or still empty (False).

    Args:
        mode: ``rw`` or ``ro``.
        thorough: read every page for damage.

    Raises:
        Problem: KB-L023, KB-L024, KB-L025, or one of `told`.
    """
    with told(place), closing(open_file(place, mode)) as connection:
        (mine,) = connection.execute("PRAGMA application_id").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if mine != APPLICATION_ID and (tables or mine):
            raise Problem(messages.OTHER_DATABASE(place=place.shown))
        damage = quick_check(connection) if thorough and tables else ""
    if damage:
        raise Problem(messages.DAMAGED(place=place.shown, why=damage))
    return bool(tables)


def quick_check(connection: sqlite3.Connection) -> str:
    """Return the first damage SQLite finds, empty when there is none."""
    (answer,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    return "" if answer == "ok" else str(answer)


def found_revision(connection: Connection, place: LedgerLocation) -> str | None:
    """Return the revision of the ledger at the other end, None when there is none yet.

    Raises:
        Problem: KB-L025 when the place is taken by something that is no ledger.
    """
    tables = _tables(connection, place)
    if not tables:
        return None
    if not {"alembic_version", "meta", "bindings"} <= tables:
        raise Problem(messages.OTHER_DATABASE(place=place.shown))
    row = connection.exec_driver_sql("SELECT version_num FROM alembic_version").first()
    return str(row[0]) if row else None


def _tables(connection: Connection, place: LedgerLocation) -> set[str]:
    if place.path is not None:
        rows = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'")
    else:
        rows = connection.exec_driver_sql(
            "SELECT tablename FROM pg_tables WHERE schemaname = %s", (place.schema,)
        )
    return {str(row[0]) for row in rows}


def require_current(found: str | None, place: LedgerLocation) -> None:
    """See that a reader understands the ledger.

    Raises:
        Problem: KB-L020, KB-L026 or KB-L027.
    """
    if found is None:
        raise Problem(messages.MISSING(place=place.shown))
    if found != REVISION:
        _refuse_newer(found, place)
        raise Problem(messages.OLDER(place=place.shown, found=found, known=REVISION))


def upgrade(connection: Connection, place: LedgerLocation) -> None:
    """Bring the ledger to `REVISION`, in one transaction; of an older one a copy is kept first.

    The copy of a file is `<ledger>.before-<revision>`.

    Raises:
        Problem: KB-L025, KB-L026, KB-L030 or KB-L061.
    """
    with connection.begin():
        found = found_revision(connection, place)
    if found == REVISION:
        return
    if found is not None:
        _refuse_newer(found, place)
        if place.path is not None:
            copy_file(place, Path(f"{place.path}.before-{REVISION}"))
    try:
        with connection.begin():
            _run(connection)
            if place.path is not None:
                connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
    except DBAPIError as error:
        why = str(error.orig).partition("\n")[0]
        raise Problem(
            messages.NOT_UPGRADED(
                place=place.shown, found=found or "(none)", known=REVISION, why=why
            )
        ) from error


def _run(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415 - slow to import, needed once in a ledger's life

    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, REVISION)


def _config() -> Config:
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    return config


def _refuse_newer(found: str, place: LedgerLocation) -> None:
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if found not in known:
        raise Problem(messages.NEWER(place=place.shown, found=found, known=REVISION))


def copy_file(place: LedgerLocation, copy: Path) -> None:
    """Write a consistent copy of the ledger's file, whole or not at all; replaces an older one.

    Raises:
        Problem: KB-L061.
    """
    partial = copy.with_name(f"{copy.name}.partial")
    try:
        partial.unlink(missing_ok=True)
        os.close(os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        with closing(open_file(place, "ro")) as source, closing(sqlite3.connect(partial)) as target:
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
