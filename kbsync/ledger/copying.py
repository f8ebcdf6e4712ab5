"""A ledger copied row by row into an empty one, on either database, and compared afterwards."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, Table, func, insert, select

from kbsync.ledger.database import Database
from kbsync.ledger.place import Place
from kbsync.ledger.schema import JOURNAL, LISTED, META, METADATA
from kbsync.messages import Problem
from kbsync.messages import ledger as messages

BATCH = 1000
# How often a database was opened is its own affair.
_OWN = META.c.key != "generation"
_COUNTED = (JOURNAL, LISTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """What a copy has.

    Args:
        rows: number by table.
        checksum: sha256 (hex) over every value of every row.
    """

    rows: Mapping[str, int]
    checksum: str


def copy(source: Database, target: Database) -> Copied:
    """Copy everything, in one transaction of `target`, and read it back.

    Raises:
        Problem: KB-L063 when `target` is not empty, KB-L065 when what was read back is not what
            was written, KB-L040 to KB-L047.
    """
    with source.snapshot() as reading:
        with target.writing() as connection:
            _require_empty(connection, target.place)
            written = _fill(reading, connection)
            _carry_numbers(reading, source.place, connection, target.place)
        with target.snapshot() as connection:
            found = _sum_up(connection)
    if found != written:
        raise Problem(messages.COPY_DIFFERS(copy=target.place.shown))
    return found


def _require_empty(connection: Connection, place: Place) -> None:
    taken = 0
    for table in METADATA.sorted_tables:
        taken += connection.scalar(_ours(select(func.count()).select_from(table), table)) or 0
    if taken:
        raise Problem(messages.COPY_NOT_EMPTY(copy=place.shown, rows=taken))


def _fill(reading: Connection, writing: Connection) -> Copied:
    digest, rows = hashlib.sha256(), {}
    for table in METADATA.sorted_tables:
        rows[table.name] = 0
        for batch in _batches(reading, table):
            names = [column.name for column in table.columns]
            writing.execute(insert(table), [dict(zip(names, row, strict=True)) for row in batch])
            rows[table.name] += len(batch)
            _add(digest, table, batch)
    return Copied(rows=rows, checksum=digest.hexdigest())


def _sum_up(connection: Connection) -> Copied:
    digest, rows = hashlib.sha256(), {}
    for table in METADATA.sorted_tables:
        rows[table.name] = 0
        for batch in _batches(connection, table):
            rows[table.name] += len(batch)
            _add(digest, table, batch)
    return Copied(rows=rows, checksum=digest.hexdigest())


def _batches(connection: Connection, table: Table) -> Iterator[Sequence[Sequence[Any]]]:
    # Keys are compared in code point order on both databases, so that both give one order.
    statement = _ours(select(table), table).order_by(*table.primary_key.columns)
    found = connection.execute(statement, execution_options={"yield_per": BATCH})
    for batch in found.partitions():
        yield [tuple(row) for row in batch]


def _ours(statement: Select[Any], table: Table) -> Select[Any]:
    return statement.where(_OWN) if table is META else statement


def _add(digest: Any, table: Table, batch: Sequence[Sequence[Any]]) -> None:
    for row in batch:
        digest.update(repr((table.name, row)).encode("utf-8", "backslashreplace"))


# -- numbers that never come back ----------------------------------------------------------------


def _carry_numbers(reading: Connection, source: Place, writing: Connection, target: Place) -> None:
    """Let the copy count on where the source stands: a number that was told stays taken."""
    for table in _COUNTED:
        last = _last_number(reading, source, table)
        if last and target.path is None:
            sequence = f"pg_get_serial_sequence('\"{target.schema}\".{table.name}', 'id')"
            writing.exec_driver_sql(f"SELECT setval({sequence}, %s)", (last,))
        elif last and table is JOURNAL:
            writing.exec_driver_sql("DELETE FROM sqlite_sequence WHERE name = ?", (table.name,))
            row = (table.name, last)
            writing.exec_driver_sql("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", row)


def _last_number(reading: Connection, source: Place, table: Table) -> int:
    highest = reading.scalar(select(func.max(table.c.id))) or 0
    if source.path is None:
        sequence = f"pg_get_serial_sequence('\"{source.schema}\".{table.name}', 'id')"
        sql = f"SELECT pg_sequence_last_value({sequence}::regclass)"
        return max(highest, reading.exec_driver_sql(sql).scalar() or 0)
    if table is not JOURNAL:
        return int(highest)
    sql = "SELECT seq FROM sqlite_sequence WHERE name = ?"
    return max(highest, reading.exec_driver_sql(sql, (table.name,)).scalar() or 0)
