"""Make a ledger, or upgrade one to the format of this kbsync, or raise why that is not possible.

A new ledger is made as it is declared. The revisions lead older ones to the same tables: a test
compares both.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Column, Connection, MetaData, PrimaryKeyConstraint, String, Table
from sqlalchemy.exc import DBAPIError

from kbsync.ledger.location import LedgerLocation
from kbsync.ledger.sqlite_file import copy_file
from kbsync.ledger.tables import APPLICATION_ID, META, REVISION
from kbsync.messages import Problem
from kbsync.messages import ledger as messages

if TYPE_CHECKING:
    from alembic.config import Config

# Looked up at run time, so that tests can add a revision.
SCRIPTS = Path(__file__).parent / "migrations"

# As Alembic makes it: it finds here which revision it goes on from.
_VERSION = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)


def found_revision(connection: Connection, location: LedgerLocation) -> str | None:
    """Return the revision of the ledger behind `connection`, None when there is none yet.

    Raises:
        Problem: KB-L025 when there are tables that are no ledger's.
    """
    tables = _tables(connection, location)
    if not tables:
        return None
    if not {"alembic_version", "meta", "bindings"} <= tables:
        raise Problem(messages.OTHER_DATABASE(place=location.shown))
    row = connection.exec_driver_sql("SELECT version_num FROM alembic_version").first()
    return str(row[0]) if row else None


def _tables(connection: Connection, location: LedgerLocation) -> set[str]:
    if location.path is not None:
        rows = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'")
    else:
        rows = connection.exec_driver_sql(
            "SELECT tablename FROM pg_tables WHERE schemaname = %s", (location.schema,)
        )
    return {str(row[0]) for row in rows}


def require_current(found: str | None, location: LedgerLocation) -> None:
    """Check that a reader understands the ledger.

    Raises:
        Problem: KB-L020, KB-L026 or KB-L027.
    """
    if found is None:
        raise Problem(messages.MISSING(place=location.shown))
    if found != REVISION:
        _refuse_newer(found, location)
        raise Problem(messages.OLDER(place=location.shown, found=found, known=REVISION))


def upgrade(connection: Connection, location: LedgerLocation) -> None:
    """Bring the ledger to `REVISION`, in one transaction; of an older one a copy is kept first.

    The copy of a file is `<ledger>.before-<revision>`.

    Raises:
        Problem: KB-L025, KB-L026, KB-L030 or KB-L061.
    """
    with connection.begin():
        found = found_revision(connection, location)
    if found == REVISION:
        return
    if found is not None:
        _refuse_newer(found, location)
        if location.path is not None:
            copy_file(location, Path(f"{location.path}.before-{REVISION}"))
    try:
        with connection.begin():
            if found is None:
                _make(connection)
            else:
                run_revisions(connection)
            if location.path is not None:
                connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
    except DBAPIError as error:
        why = str(error.orig).partition("\n")[0]
        raise Problem(
            messages.NOT_UPGRADED(
                place=location.shown, found=found or "(none)", known=REVISION, why=why
            )
        ) from error


def _make(connection: Connection) -> None:
    from kbsync.ledger.indexes import METADATA  # noqa: PLC0415 - it loads all of PostgreSQL's part

    METADATA.create_all(connection, checkfirst=False)
    connection.execute(META.insert().values(id=1, high_water=0.0, generation=0))
    _VERSION.create(connection)
    connection.execute(_VERSION.insert().values(version_num=REVISION))


def run_revisions(connection: Connection) -> None:
    """Run the revisions that are missing, of an empty database all of them."""
    from alembic import command  # noqa: PLC0415 - slow to import, needed by older ledgers alone

    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, REVISION)


def _config() -> Config:
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    # The option is one of configparser, where a % begins an interpolation.
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    return config


def _refuse_newer(found: str, location: LedgerLocation) -> None:
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if found not in known:
        raise Problem(messages.NEWER(place=location.shown, found=found, known=REVISION))
