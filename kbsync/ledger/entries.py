"""What is kept for a key: its entry, its intent, its rejection."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import cache
from itertools import chain
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    Table,
    Text,
    bindparam,
    func,
    literal_column,
    select,
)

from kbsync.ledger import records
from kbsync.ledger.database import Database, Row, Value, constants
from kbsync.ledger.path_ranges import in_range, range_values
from kbsync.ledger.tables import BINDINGS, ENTRIES, INTENTS, REJECTIONS
from kbsync.model import DocKey, DocumentRules, EntryState, Intent, LedgerEntry, Rejection
from kbsync.planning.path_range import EVERYTHING, PathRange

T = TypeVar("T")


class Reason(NamedTuple):
    """Why a key has no up-to-date document.

    Args:
        state: ``failed`` or ``rejected``; of a stale document the state of its entry.
    """

    key: DocKey
    state: str
    code: str
    sentence: str


def _by_key(table: Table, columns: Sequence[Any]) -> Select[Any]:
    wanted = (table.c.mirror == bindparam("mirror"), table.c.path == bindparam("path"))
    return select(*columns).where(*wanted)


_ENTRY = _by_key(ENTRIES, records.ENTRY)
_INTENT = _by_key(INTENTS, records.INTENT)
_REJECTION = _by_key(REJECTIONS, records.REJECTION)
_PENDING = (
    select(INTENTS.c.name)
    .join(BINDINGS, BINDINGS.c.mirror == INTENTS.c.mirror)
    .where(BINDINGS.c.base_id == bindparam("base"))
)
_HOLDERS = [
    select(ENTRIES.c.mirror, ENTRIES.c.path).where(
        ENTRIES.c.base_id == bindparam("base"), column == bindparam("document")
    )
    for column in (ENTRIES.c.document_id, ENTRIES.c.superseded)
]
_HERE = BINDINGS.alias("here")
_OTHER = ENTRIES.alias("other")
# Keys alone are all in the index of states; for whole rows SQLite would go through the mirror.
_UNDER_WAY = select(ENTRIES.c.mirror, ENTRIES.c.path).where(
    ENTRIES.c.mirror.in_(
        select(BINDINGS.c.mirror)
        .join(
            _HERE, (BINDINGS.c.server == _HERE.c.server) & (BINDINGS.c.base_id == _HERE.c.base_id)
        )
        .where(_HERE.c.mirror == bindparam("mirror"))
    ),
    ENTRIES.c.state == literal_column(f"'{EntryState.INDEXING}'"),
)
_OF_INODE = select(ENTRIES.c.path).where(
    ENTRIES.c.mirror == bindparam("mirror"), ENTRIES.c.inode == bindparam("inode")
)
_AFTER = [
    select(table.c.path)
    .where(table.c.mirror == bindparam("mirror"), table.c.path > bindparam("after"))
    .order_by(table.c.path)
    .limit(bindparam("most", type_=Integer))
    for table in (ENTRIES, REJECTIONS)
]
_LEFT_AFTER = [
    select(func.count())
    .select_from(table)
    .where(table.c.mirror == bindparam("mirror"), table.c.path > bindparam("after"))
    for table in (ENTRIES, REJECTIONS)
]
_PROVED_SINCE = (
    select(*records.ENTRY)
    .where(ENTRIES.c.base_id == bindparam("base"), ENTRIES.c.state == EntryState.SYNCED.value)
    .where(ENTRIES.c.progress_at >= bindparam("since"))
    .order_by(ENTRIES.c.mirror, ENTRIES.c.path)
)


def _in_states(states: Sequence[str]) -> ColumnElement[bool]:
    """Return the condition for the entries of a mirror that are in one of `states`."""
    named = constants(states)
    if EntryState.SYNCED.value in states:
        return ENTRIES.c.state.in_(named)
    # Few are in the others. Asked for whole rows SQLite would go through the mirror all the same;
    # their keys are in the index of states.
    mine = _OTHER.c.mirror == bindparam("mirror")
    return ENTRIES.c.path.in_(select(_OTHER.c.path).where(mine, _OTHER.c.state.in_(named)))


@cache
def _entries(states: tuple[str, ...], within: bool) -> Select[Any]:
    """Return the select of whole entries, of all states where none are named, maybe in a range."""
    wanted = [ENTRIES.c.mirror == bindparam("mirror")]
    if states:
        wanted.append(_in_states(states))
    if within:
        wanted += in_range(ENTRIES.c.path)
    return select(*records.ENTRY).where(*wanted).order_by(ENTRIES.c.path)


def _reasons(table: Table, state: str, *only: ColumnElement[bool]) -> Select[Any]:
    shown: ColumnElement[str] = literal_column(f"'{state}'", Text)
    return (
        select(table.c.path, shown, table.c.reason_code, table.c.reason_text)
        .where(table.c.mirror == bindparam("mirror"), *only)
        .order_by(table.c.path)
    )


_REASONS = [
    _reasons(ENTRIES, "failed", _in_states([EntryState.FAILED.value])),
    _reasons(REJECTIONS, "rejected"),
]
_INTENTS = (
    select(*records.INTENT).where(INTENTS.c.mirror == bindparam("mirror")).order_by(INTENTS.c.path)
)
_REFUSED = (
    select(*records.REJECTION)
    .where(REJECTIONS.c.mirror == bindparam("mirror"), *in_range(REJECTIONS.c.path))
    .order_by(REJECTIONS.c.path)
)
_TAKEN = (
    select(ENTRIES.c.path, ENTRIES.c.encoding)
    .where(ENTRIES.c.mirror == bindparam("mirror"), ENTRIES.c.encoding.is_not(None))
    .where(*in_range(ENTRIES.c.path))
    .order_by(ENTRIES.c.path)
)
_TAKEN_OTHERWISE = _TAKEN.where(ENTRIES.c.encoding.not_like(bindparam("taken"), escape="/"))
_STALE = (
    select(ENTRIES.c.path, ENTRIES.c.state, ENTRIES.c.stale_code, ENTRIES.c.stale_text)
    .where(ENTRIES.c.mirror == bindparam("mirror"), ENTRIES.c.stale_code.is_not(None))
    .order_by(ENTRIES.c.path)
)
_COUNTS = (
    select(ENTRIES.c.state, func.count())
    .where(ENTRIES.c.mirror == bindparam("mirror"))
    .group_by(ENTRIES.c.state)
)


class Entries:
    """Reads what is kept for keys; `Transactions` changes it."""

    _database: Database

    def entry(self, key: DocKey) -> LedgerEntry | None:
        """Return the entry of `key`, None without one."""
        return self._one("entry", _ENTRY, records.entry_of, key)

    def holder(self, base_id: str, document_id: str) -> DocKey | None:
        """Return the key whose entry holds a document, or supersedes it; of any mirror."""
        if not records.storable(document_id):
            return None
        for statement in _HOLDERS:
            rows = self._database.fetch(statement, base=base_id, document=document_id)
            if rows:
                return DocKey(mirror=str(rows[0][0]), path=str(rows[0][1]))
        return None

    def intent(self, key: DocKey) -> Intent | None:
        """Return the pending intent of `key`, None without one."""
        return self._one("intent", _INTENT, records.intent_of, key)

    def rejection(self, key: DocKey) -> Rejection | None:
        """Return the rejection of `key`, None without one."""
        return self._one("rejection", _REJECTION, records.rejection_of, key)

    def _one(
        self, kind: str, statement: Select[Any], parse: Callable[[Row], T], key: DocKey
    ) -> T | None:
        if not storable_key(key):
            return None

        def read() -> T | None:
            rows = self._database.fetch(statement, mirror=key.mirror, path=key.path)
            return parse(rows[0]) if rows else None

        return self._database.recalled(kind, key, read)

    def entries(
        self, mirror: str, *, states: Sequence[str] = (), prefix: str = ""
    ) -> Iterator[LedgerEntry]:
        """Stream entries in key order: those in one of `states` (all when none are named)
        whose path starts with `prefix`.
        """
        values: dict[str, Value] = {"mirror": mirror}
        if prefix:
            values |= range_values(PathRange(first=prefix, end=above(prefix) or None))
        query = self._database.query(
            _entries(tuple(EntryState(each).value for each in states), bool(prefix))
        )
        for rows in self._database.stream(query, 500, **values):
            yield from map(records.entry_of, rows)

    def under_way(self, mirror: str) -> list[LedgerEntry]:
        """Return what is being indexed, as far as is known, in the base of `mirror`.

        Of all mirrors on it.
        """
        rows = self._database.fetch(_UNDER_WAY, mirror=mirror)
        keys = sorted(DocKey(mirror=str(name), path=str(path)) for name, path in rows)
        found = (self.entry(key) for key in keys)
        return [entry for entry in found if entry is not None]

    def proved_since(self, base_id: str, since: float) -> list[LedgerEntry]:
        """Return the entries of a base, of all mirrors, whose documents were synced since."""
        rows = self._database.fetch(_PROVED_SINCE, base=base_id, since=since)
        return [records.entry_of(row) for row in rows]

    def paths_of(self, mirror: str, inodes: AbstractSet[int]) -> list[str]:
        """Return the paths whose file had one of `inodes` when it was sent, in no order."""
        rows = chain.from_iterable(
            self._database.fetch(_OF_INODE, mirror=mirror, inode=records.stored_inode(inode))
            for inode in inodes
            if inode < records.WRAP
        )
        return [str(path) for (path,) in rows]

    def paths_after(self, mirror: str, path: str, *, limit: int) -> list[str]:
        """Return at most `limit` paths with an entry or a refusal, the next after `path`."""
        found = (self._database.fetch(q, mirror=mirror, after=path, most=limit) for q in _AFTER)
        return sorted({str(each) for (each,) in chain.from_iterable(found)})[:limit]

    def left_after(self, mirror: str, path: str) -> int:
        """Return how many entries and refusals there are after `path`; a key may have both."""
        found = (self._database.fetch(q, mirror=mirror, after=path) for q in _LEFT_AFTER)
        return sum(int(count or 0) for ((count,),) in found)

    def intents(self, mirror: str) -> Iterator[Intent]:
        """Stream the pending intents in key order."""
        for rows in self._database.stream(self._database.query(_INTENTS), 500, mirror=mirror):
            yield from map(records.intent_of, rows)

    def pending_names(self, base_id: str) -> frozenset[str]:
        """Return the document names of all calls on the base whose outcome is not known yet.

        A document of such a name may be one that a mirror made and whose reply was lost.
        """
        return frozenset(str(name) for (name,) in self._database.fetch(_PENDING, base=base_id))

    def refused(self, mirror: str, within: PathRange = EVERYTHING) -> Iterator[Rejection]:
        """Stream the rejections of a range in key order."""
        values = {"mirror": mirror, **range_values(within)}
        for rows in self._database.stream(self._database.query(_REFUSED), 500, **values):
            yield from map(records.rejection_of, rows)

    def taken_otherwise(
        self, mirror: str, rules: DocumentRules, within: PathRange = EVERYTHING
    ) -> Iterator[DocKey]:
        """Stream the keys of a range whose text was taken as something their rule does not say."""
        values: dict[str, Value] = {"mirror": mirror, **range_values(within)}
        statement = _TAKEN
        if rules.shared is not None:
            statement = _TAKEN_OTHERWISE
            values["taken"] = _ending_with(rules.shared.taken_by)
        for rows in self._database.stream(self._database.query(statement), 1000, **values):
            for path, encoding in rows:
                if not str(encoding).endswith(rules.of(str(path)).taken_by):
                    yield DocKey(mirror=mirror, path=str(path))

    def counts(self, mirror: str) -> Mapping[str, int]:
        """Return the number of entries by state; a state without entries is left out."""
        return {
            str(state): int(n or 0) for state, n in self._database.fetch(_COUNTS, mirror=mirror)
        }

    def reasons(self, mirror: str) -> Iterator[Reason]:
        """Stream why keys have no up-to-date document: failed entries, then rejections, by path."""
        for statement in _REASONS:
            for rows in self._database.stream(self._database.query(statement), 500, mirror=mirror):
                for path, state, code, sentence in rows:
                    key = DocKey(mirror=mirror, path=str(path))
                    yield Reason(key, str(state), str(code or ""), str(sentence or ""))

    def stale(self, mirror: str) -> Iterator[Reason]:
        """Stream the documents that hold what their file held before, by path."""
        for rows in self._database.stream(self._database.query(_STALE), 500, mirror=mirror):
            for path, state, code, sentence in rows:
                key = DocKey(mirror=mirror, path=str(path))
                yield Reason(key, str(state), str(code), str(sentence or ""))


def _ending_with(text: str) -> str:
    """Return the LIKE pattern of texts that end with `text`; `/` escapes its special characters."""
    for each in "/%_":
        text = text.replace(each, f"/{each}")
    return f"%{text}"


def storable_key(key: DocKey) -> bool:
    """Whether a database can keep `key`."""
    return records.storable(key.path) and records.storable(key.mirror)


def above(prefix: str) -> str:
    """Return the smallest text above all that start with `prefix`; empty when there is none."""
    points = [ord(letter) for letter in prefix]
    while points and points[-1] == 0x10FFFF:
        points.pop()
    if not points:
        return ""
    # Surrogates are no characters: the next one after U+D7FF is U+E000.
    points[-1] = 0xE000 if points[-1] == 0xD7FF else points[-1] + 1
    return "".join(map(chr, points))
