"""Whether a ledger is sound, and what is in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Table, func, select

from kbsync.ledger import records
from kbsync.ledger.database import Database, Row
from kbsync.ledger.schema import (
    BINDINGS,
    ENTRIES,
    INTENTS,
    JOURNAL,
    LISTED,
    METADATA,
    REJECTIONS,
)
from kbsync.model import Intent

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
