"""Maintenance: a ledger is copied row by row, on either database; a ledger is checked."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from sqlalchemy import Column, Connection, Table, func, insert, select

from kbsync.lazy_dataclass import dataclass
from kbsync.ledger import records
from kbsync.ledger.database import Database, Row
from kbsync.ledger.location import LedgerLocation
from kbsync.ledger.tables import (
    BINDINGS,
    ENTRIES,
    INTENTS,
    JOURNAL,
    LISTED,
    META,
    METADATA,
    REJECTIONS,
    SERVERS,
)
from kbsync.messages import Problem
from kbsync.messages import ledger as messages
from kbsync.model import Intent

_Batch: TypeAlias = Sequence[Sequence[Any]]

BATCH = 1000
# All but `meta`: its one row is in an empty ledger too, and its generation is no other ledger's.
_TABLES = tuple(table for table in METADATA.sorted_tables if table is not META)
_NUMBERED = (JOURNAL, LISTED)


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
            _require_empty(connection, target.location)
            written = _summed(reading, _writer(connection))
            _carry_numbers(reading, source.location, connection, target.location)
        with target.snapshot() as connection:
            found = _summed(connection)
    if found != written:
        raise Problem(messages.COPY_DIFFERS(copy=target.location.shown))
    return found


def _require_empty(connection: Connection, location: LedgerLocation) -> None:
    taken = int(_high_water(connection) > 0)
    for table in _TABLES:
        taken += connection.scalar(select(func.count()).select_from(table)) or 0
    if taken:
        raise Problem(messages.COPY_NOT_EMPTY(copy=location.shown, rows=taken))


def _high_water(connection: Connection) -> float:
    return float(connection.scalars(select(META.c.high_water)).one())


def _writer(connection: Connection) -> Callable[[Table, _Batch], object]:
    def write(table: Table, batch: _Batch) -> None:
        names = [column.name for column in table.columns]
        connection.execute(insert(table), [dict(zip(names, row, strict=True)) for row in batch])

    return write


def _summed(reading: Connection, also: Callable[[Table, _Batch], object] | None = None) -> Copied:
    """Count and hash every row; pass every batch of rows on to `also`."""
    digest, rows = hashlib.sha256(), {}
    for table in _TABLES:
        rows[table.name] = 0
        for batch in _batches(reading, table):
            if also is not None:
                also(table, batch)
            rows[table.name] += len(batch)
            _add(digest, table, batch)
    _add(digest, META, [(_high_water(reading),)])
    return Copied(rows=rows, checksum=digest.hexdigest())


def _batches(connection: Connection, table: Table) -> Iterator[_Batch]:
    # Both databases compare keys in code point order, so that both give the rows in one order.
    statement = select(table).order_by(*table.primary_key.columns)
    found = connection.execute(statement, execution_options={"yield_per": BATCH})
    for batch in found.partitions():
        yield [tuple(row) for row in batch]


def _add(digest: Any, table: Table, batch: _Batch) -> None:
    for row in batch:
        digest.update(repr((table.name, row)).encode("utf-8", "backslashreplace"))


def _carry_numbers(
    reading: Connection, source: LedgerLocation, writing: Connection, target: LedgerLocation
) -> None:
    """Let the copy's time and ids go on from the source's: none of them comes a second time."""
    writing.execute(META.update().values(high_water=_high_water(reading)))
    for table in _NUMBERED:
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


# The most rows of a table that a check names.
NAMED = 20

_READERS: tuple[tuple[Table, Sequence[Column[Any]], Callable[[Row], object]], ...] = (
    (BINDINGS, records.BINDING, records.binding_of),
    (ENTRIES, records.ENTRY, records.entry_of),
    (INTENTS, records.INTENT, records.intent_of),
    (REJECTIONS, records.REJECTION, records.rejection_of),
    (JOURNAL, records.LINE, records.line_of),
    (SERVERS, records.CAPABILITIES, records.capabilities_of),
    (LISTED, records.DOCUMENT, records.document_of),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What a check found.

    Args:
        faults: what is wrong, as sentences; empty for a sound ledger.
        rows: number by table.
        entries: number by mirror and state.
        intents: calls whose outcome is not known yet.
    """

    faults: tuple[str, ...]
    rows: Mapping[str, int]
    entries: Mapping[str, Mapping[str, int]]
    intents: tuple[Intent, ...]


def unreadable(database: Database) -> Iterator[str]:
    """Read every row as the type it stands for; yield a sentence for each that cannot be read.

    At most `NAMED` rows of each table are named.
    """
    for table, columns, read in _READERS:
        keys = list(table.primary_key.columns)
        query = database.compiled(select(*keys, *columns).order_by(*keys))
        named = 0
        for rows in database.stream(query):
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
        table.name: int(database.fetch_once(select(func.count()).select_from(table))[0][0] or 0)
        for table in _TABLES
    }
