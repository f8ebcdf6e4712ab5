"""Changes of keys: whole transactions, each durable when it returns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any

from sqlalchemy import (
    Connection,
    Delete,
    Insert,
    Table,
    bindparam,
    delete,
    exists,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from kbsync.engine.ports import EntryChange, Unchanged
from kbsync.lazy_dataclass import dataclass
from kbsync.ledger import records
from kbsync.ledger.database import Database, Value
from kbsync.ledger.entries import storable_key
from kbsync.ledger.tables import BINDINGS, ENTRIES, INTENTS, JOURNAL, META, REJECTIONS
from kbsync.messages import Problem
from kbsync.messages import ledger as messages
from kbsync.model import DocKey, Intent, LedgerEntry, Rejection, Stat

_HOLDER = select(ENTRIES.c.mirror, ENTRIES.c.path).where(
    ENTRIES.c.base_id
    == select(BINDINGS.c.base_id).where(BINDINGS.c.mirror == bindparam("mirror")).scalar_subquery(),
    ENTRIES.c.document_id == bindparam("document"),
)
_BOUND = select(BINDINGS.c.mirror).where(BINDINGS.c.mirror == bindparam("mirror"))
_HIGH_WATER = select(META.c.high_water)

# The base is the binding's, so that no entry can name another one.
_ADD: Mapping[Table, Insert] = {
    ENTRIES: insert(ENTRIES).values(
        base_id=select(BINDINGS.c.base_id)
        .where(BINDINGS.c.mirror == bindparam("bound_mirror"))
        .scalar_subquery()
    ),
    **{table: insert(table) for table in (INTENTS, REJECTIONS, JOURNAL)},
}
_REMOVE: Mapping[Table, Delete] = {
    table: delete(table).where(table.c.mirror == bindparam("m"), table.c.path == bindparam("p"))
    for table in (ENTRIES, INTENTS, REJECTIONS)
}
_RECORD_TIME = (
    update(META)
    .values(high_water=bindparam("seconds"))
    .where(META.c.high_water < bindparam("seconds"))
)


class Transactions:
    """Changes what is kept for keys, and records the latest time among the changes."""

    _database: Database
    # Cached where no other process changes it; None before the first read.
    _high_water: float | None = None

    def commit(self, change: EntryChange) -> None:
        """Apply `change` in one durable transaction.

        Raises:
            LookupError: the mirror of an entry is not bound.
            ValueError: a key that no database can keep.
            Problem: KB-L044 when another key holds the document; KB-L040 to KB-L047.
        """
        self.commit_all((change,))

    def commit_all(self, changes: Sequence[EntryChange]) -> None:
        """Apply all `changes` or none, in one durable transaction.

        Of two changes to a key the later one counts; a document may pass from one key to another.

        Raises:
            LookupError, ValueError, Problem: as for `commit`.
        """
        folded = _Folded.of(changes)
        latest = folded.latest()
        with self._database.writing(folded.keys()) as connection:
            try:
                self._replace(connection, ENTRIES, folded.entries)
            except IntegrityError as error:
                raise self._conflict(folded) from error
            self._replace(connection, INTENTS, folded.intents)
            self._replace(connection, REJECTIONS, folded.rejections)
            self._add(connection, JOURNAL, folded.journal)
            # Where many processes write, one row that all of them change would have each wait for
            # the others: they record their time now and then.
            raised = latest if self._database.alone and latest > self.high_water() else None
            if raised is not None:
                self._record_time(connection, raised)
        # Only now: of a transaction that failed no time was recorded.
        if raised is not None:
            self._high_water = raised

    def _conflict(self, folded: _Folded) -> Exception:
        """Return why the entries could not be added: the database names only a constraint."""
        wanted: dict[tuple[Value, Value], str] = {}
        for key, values in folded.entries.items():
            if values is None:
                continue
            document = values["document_id"]
            if not self._database.fetch(_BOUND, mirror=key.mirror):
                return LookupError(f"the mirror {key.mirror!r} is not bound to a knowledge base")
            rows = self._database.fetch(_HOLDER, mirror=key.mirror, document=document)
            holders = [DocKey(mirror=str(mirror), path=str(path)) for mirror, path in rows]
            other = next((each for each in holders if each not in folded.entries), None)
            twin = wanted.setdefault((key.mirror, document), key.path)
            if other is None and twin != key.path:
                other = DocKey(mirror=key.mirror, path=twin)
            if other is not None:
                held = {"other": other.path, "mirror": other.mirror}
                return Problem(messages.TAKEN(document=document, path=key.path, **held))
        return RuntimeError("the ledger's entries contradict each other")

    def restat(self, seen: Sequence[tuple[DocKey, Stat]]) -> None:
        """Record new stats of files whose content turned out to be the recorded one.

        The stat goes to what the key presents in `rows`: its rejection if it has one, else its
        entry. A rejection that no longer holds is to be dropped first.

        Raises:
            Problem: KB-L040 to KB-L047.
        """
        if not seen:
            return
        values = [
            {"key_mirror": key.mirror, "key_path": key.path, **records.stat_values(stat)}
            for key, stat in seen
            if storable_key(key)
        ]
        with self._database.writing() as connection:
            for table in (REJECTIONS, ENTRIES):
                connection.execute(_restat(table), values)

    def high_water(self) -> float:
        """Return the latest time that was recorded, in seconds since the epoch; 0.0 for none."""
        if self._high_water is not None and self._database.alone:
            return self._high_water
        ((high_water,),) = self._database.fetch(_HIGH_WATER)
        self._high_water = float(high_water or 0)
        return self._high_water

    def raise_high_water(self, seconds: float) -> None:
        """Record a later time; an earlier one changes nothing.

        Raises:
            Problem: KB-L040 to KB-L047.
        """
        if seconds > self.high_water():
            with self._database.writing() as connection:
                self._record_time(connection, seconds)
            self._high_water = seconds

    # -- statements, each compiled once for all transactions -------------------------------------

    def _replace(
        self,
        connection: Connection,
        table: Table,
        parts: Mapping[DocKey, dict[str, Value] | None],
    ) -> None:
        # All old rows are deleted before a new one is added: keys may swap their documents.
        if not parts:
            return
        keys = [{"m": key.mirror, "p": key.path} for key in parts]
        self._database.query(_REMOVE[table]).change(connection, keys)
        self._add(connection, table, [values for values in parts.values() if values is not None])

    def _add(
        self, connection: Connection, table: Table, rows: Sequence[Mapping[str, Value]]
    ) -> None:
        if rows:
            self._database.query(_ADD[table], columns=tuple(rows[0])).change(connection, rows)

    def _record_time(self, connection: Connection, seconds: float) -> None:
        self._database.query(_RECORD_TIME).change(connection, [{"seconds": seconds}])


@dataclass(slots=True)
class _Folded:
    """Changes as one new value for every part of every key they touch."""

    entries: dict[DocKey, dict[str, Value] | None] = field(default_factory=dict)
    intents: dict[DocKey, dict[str, Value] | None] = field(default_factory=dict)
    rejections: dict[DocKey, dict[str, Value] | None] = field(default_factory=dict)
    journal: list[dict[str, Value]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)

    @classmethod
    def of(cls, changes: Sequence[EntryChange]) -> _Folded:
        folded = cls()
        for change in changes:
            folded.add(change)
        return folded

    def add(self, change: EntryChange) -> None:
        key = change.key
        if not storable_key(key):
            raise ValueError(f"no ledger can keep the key {key!r}")
        if not isinstance(change.entry, Unchanged):
            self.entries[key] = None if change.entry is None else _entry_row(change.entry)
        if not isinstance(change.intent, Unchanged):
            self.intents[key] = (
                None if change.intent is None else records.intent_values(change.intent)
            )
        if not isinstance(change.rejection, Unchanged):
            self.rejections[key] = (
                None if change.rejection is None else records.rejection_values(change.rejection)
            )
        self.journal += [records.line_values(line) for line in change.journal]
        self.times += [line.at for line in change.journal]
        if isinstance(change.intent, Intent):
            self.times.append(change.intent.started_at)
        if isinstance(change.rejection, Rejection):
            self.times.append(change.rejection.at)

    def keys(self) -> set[DocKey]:
        """Return the keys whose parts get another value."""
        return {*self.entries, *self.intents, *self.rejections}

    def latest(self) -> float:
        """Return the latest time among the changes, 0.0 for none."""
        return max(self.times, default=0.0)


def _entry_row(entry: LedgerEntry) -> dict[str, Value]:
    return {**records.entry_values(entry), "bound_mirror": entry.key.mirror}


def _restat(table: Table) -> Any:
    mine = (table.c.mirror == bindparam("key_mirror"), table.c.path == bindparam("key_path"))
    change = table.update().where(*mine)
    if table is ENTRIES:
        same = (REJECTIONS.c.mirror == ENTRIES.c.mirror, REJECTIONS.c.path == ENTRIES.c.path)
        change = change.where(~exists().where(*same))
    return change.values({name: bindparam(name) for name in records.stat_values(None)})
