"""A ledger copied row by row into an empty one, on either database, and compared afterwards."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Connection, Select, Table, func, insert, select

from kbsync.ledger import records
from kbsync.ledger.database import Database, Row
from kbsync.ledger.location import LedgerLocation
from kbsync.ledger.schema import (
    BINDINGS,
    ENTRIES,
    INTENTS,
    JOURNAL,
    LISTED,
    META,
    METADATA,
    REJECTIONS,
)
from kbsync.messages import Problem
from kbsync.messages import ledger as messages
from kbsync.model import Intent

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


def _require_empty(connection: Connection, place: LedgerLocation) -> None:
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


def _carry_numbers(
    reading: Connection, source: LedgerLocation, writing: Connection, target: LedgerLocation
) -> None:
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


def _last_number(reading: Connection, source: LedgerLocation, table: Table) -> int:
    highest = reading.scalar(select(func.max(table.c.id))) or 0
    if source.path is None:
        sequence = f"pg_get_serial_sequence('\"{source.schema}\".{table.name}', 'id')"
        sql = f"SELECT pg_sequence_last_value({sequence}::regclass)"
        return max(highest, reading.exec_driver_sql(sql).scalar() or 0)
    if table is not JOURNAL:
        return int(highest)
    sql = "SELECT seq FROM sqlite_sequence WHERE name = ?"
    return max(highest, reading.exec_driver_sql(sql, (table.name,)).scalar() or 0)


# -- Whether a ledger is sound, and what is in it.


NAMED = 20

_READ: tuple[tuple[Table, Sequence[Column[Any]], Callable[[Row], object]], ...] = (
    (BINDINGS, records.BINDING, records.binding_of),
    (ENTRIES, records.ENTRY, records.entry_of),
    (INTENTS, records.INTENT, records.intent_of),
    (REJECTIONS, records.REJECTION, records.rejection_of),
    (JOURNAL, records.LINE, records.line_of),
    (LISTED, records.DOCUMENT, records.document_of),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What was found.

    Args:
        faults: what is wrong, as sentences; empty for a sound ledger.
        rows: number by table.
        entries: number by mirror and state.
        intents: calls that were not accounted for yet.
    """

    faults: tuple[str, ...]
    rows: Mapping[str, int]
    entries: Mapping[str, Mapping[str, int]]
    intents: tuple[Intent, ...]


def unreadable(database: Database) -> Iterator[str]:
    """Read every row as what it stands for; yield a sentence for those that are no such thing.

    At most `NAMED` rows of each table are named.
    """
    for table, columns, read in _READ:
        keys = list(table.primary_key.columns)
        question = database.compiled(select(*keys, *columns).order_by(*keys))
        named = 0
        for rows in database.stream(question):
            for row in rows:
                fault = _fault(read, row[len(keys) :])
                if fault and named < NAMED:
                    named += 1
                    key = " ".join(map(str, row[: len(keys)]))
                    yield f"a row of {table.name} cannot be read ({key}): {fault}"


def _fault(read: Callable[[Row], object], row: Row) -> str:
    try:
        read(row)
    except (ValueError, TypeError, AttributeError) as error:
        return str(error).partition("\n")[0]
    return ""


def rows_of(database: Database) -> dict[str, int]:
    """Return the number of rows of every table."""
    return {
        table.name: int(database.ask_once(select(func.count()).select_from(table))[0][0] or 0)
        for table in METADATA.sorted_tables
    }
