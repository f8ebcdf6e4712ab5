"""The cluster's tables are made by the first process that needs them."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select

from kbsync.cluster.tables import CLUSTER, FORMAT, METADATA
from kbsync.ledger.location import LedgerLocation
from kbsync.messages import Problem
from kbsync.messages import ledger as messages


def jobs_schema(location: LedgerLocation) -> str:
    """Return the name of the schema that the jobs are in, beside the ledger's own."""
    return f"{location.schema}_jobs"


def make_tables(connection: Connection, location: LedgerLocation) -> None:
    """Make the tables where they are missing.

    Args:
        connection: in a transaction; one process at a time comes here.
        location: of the ledger.

    Raises:
        Problem: KB-L454.
    """
    there = connection.exec_driver_sql("SELECT to_regclass('cluster')").scalar_one()
    if there is None:
        _make(connection)
        return
    found = connection.scalars(select(CLUSTER.c.format)).one()
    if found < FORMAT:
        # What they hold is found anew. Processes of before end: an era begins.
        METADATA.drop_all(connection)
        _make(connection)
    if found > FORMAT:
        words = {"place": location.shown, "found": found, "known": FORMAT}
        raise Problem(messages.NEWER_CLUSTER(**words))


def _make(connection: Connection) -> None:
    METADATA.create_all(connection)
    # No generation yet: the first process begins an era.
    connection.execute(insert(CLUSTER), {"id": 1, "format": FORMAT, "generation": -1})
