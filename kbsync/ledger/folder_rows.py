"""What the status page reads of a mirror's keys: by folder, by state, a page at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import ColumnElement, Select, Table, func, literal, select

from kbsync.ledger import records
from kbsync.ledger.database import Database, Row
from kbsync.ledger.entries import above
from kbsync.ledger.tables import ENTRIES, INTENTS, JOURNAL, REJECTIONS
from kbsync.model import EntryState, JournalLine

_SYNCED = EntryState.SYNCED.value
_OTHERS = [each.value for each in EntryState if each is not EntryState.SYNCED]
_STALE = ENTRIES.c.stale_code > ""
# Lines of the journal that one request looks at.
LOOKED_AT = 200_000


class KeyRow(NamedTuple):
    """One key.

    Args:
        state: of its entry, or ``rejected`` or ``pending`` where there is none.
        code, text: why it has no up-to-date document; empty where there is nothing to say.
        stale: whether its document holds what the file held before.
    """

    path: str
    state: str
    code: str
    text: str
    stale: bool


class UnderWay(NamedTuple):
    """A call that is made, or a document that is indexed.

    Args:
        what: ``create``, ``update``, ``delete`` or ``switch``; ``index``.
        since: seconds of the ledger's clock; None when not known.
        chunks: how many are indexed; None when not known.
    """

    path: str
    what: str
    since: float | None
    chunks: int | None


class FolderRows:
    """Reads a ledger for the status page; everything here blocks, and belongs in a thread.

    Args:
        database: of the ledger.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def synced(self, mirror: str) -> Iterator[Counter[str]]:
        """Yield how many entries are synced by what stands before the last ``/`` of their path.

        Stale ones are among them; a folder comes several times.
        """
        mine = (ENTRIES.c.mirror == mirror, ENTRIES.c.state == _SYNCED)
        # Nothing but what is in the index of states: no page of the table is read.
        for rows in self._stream(select(ENTRIES.c.path).where(*mine)):
            yield Counter([path.rpartition("/")[0] for (path,) in rows])  # type: ignore[union-attr]

    def others(self, mirror: str) -> Iterator[KeyRow]:
        """Yield the entries that are not synced, or are stale."""
        # By an index each, which SQLite is led to by a select of paths; or all would be looked at.
        mine = ENTRIES.c.mirror == mirror
        keys = select(ENTRIES.c.path).where(mine, ENTRIES.c.state.in_(_OTHERS))
        fresh = (ENTRIES.c.path.in_(keys), ENTRIES.c.stale_code.is_(None))
        for wanted in (fresh, (_STALE,)):
            for rows in self._stream(_entries().where(mine, *wanted)):
                yield from map(_entry_row, rows)

    def refused(self, mirror: str) -> Iterator[KeyRow]:
        """Yield what was refused, whether it has an entry or not."""
        for rows in self._stream(_rejections(mirror)):
            yield from map(_key_row, rows)

    def pending(self, mirror: str) -> Iterator[str]:
        """Yield the paths of calls that are made, or whose outcome is not known."""
        for rows in self._stream(_intents(mirror)):
            yield from (str(row[0]) for row in rows)

    def in_folder(self, mirror: str, folder: str, *, after: str, limit: int) -> list[KeyRow]:
        """Return the files directly in a folder, with an entry, a refusal or a call under way.

        Args:
            mirror: its name.
            folder: its key path with a ``/`` at the end; empty for the root.
            after: only paths behind this one.
            limit: at most so many.
        """
        found: dict[str, KeyRow] = {}
        for statement, table in (
            (_intents(mirror), INTENTS),
            (_rejections(mirror), REJECTIONS),
            (_entries().where(ENTRIES.c.mirror == mirror), ENTRIES),
        ):
            wanted = statement.where(*_directly_in(table, folder), table.c.path > after)
            for row in self._rows(wanted.order_by(table.c.path).limit(limit)):
                made = _entry_row(row) if table is ENTRIES else _key_row(row)
                found[made.path] = _together(found.get(made.path), made)
        return [found[path] for path in sorted(found)][:limit]

    def in_trouble(self, mirror: str, *, after: str, limit: int) -> list[KeyRow]:
        """Return what has no up-to-date document, in any folder, by path.

        Args:
            mirror, after, limit: as for `in_folder`.
        """
        # The keys by an index each, as in `others`.
        mine = ENTRIES.c.mirror == mirror
        keys = select(ENTRIES.c.path).where(mine, ENTRIES.c.path > after)
        failed = keys.where(ENTRIES.c.state == EntryState.FAILED.value)
        found: dict[str, KeyRow] = {}
        for statement, table in (
            (_rejections(mirror).where(REJECTIONS.c.path > after), REJECTIONS),
            (_entries().where(mine, ENTRIES.c.path.in_(failed)), ENTRIES),
            (_entries().where(mine, ENTRIES.c.path.in_(keys.where(_STALE))), ENTRIES),
        ):
            for row in self._rows(statement.order_by(table.c.path).limit(limit)):
                made = _entry_row(row) if table is ENTRIES else _key_row(row)
                found[made.path] = _together(found.get(made.path), made)
        return [found[path] for path in sorted(found)][:limit]

    def under_way(self, mirror: str, *, limit: int) -> list[UnderWay]:
        """Return calls that are made, then documents that are indexed, the oldest first."""
        calls = select(INTENTS.c.path, INTENTS.c.op, INTENTS.c.started_at, literal(None))
        calls = calls.where(INTENTS.c.mirror == mirror).order_by(INTENTS.c.started_at)
        columns = (ENTRIES.c.path, literal("index"), ENTRIES.c.sent_at, ENTRIES.c.progress)
        keys = select(ENTRIES.c.path).where(
            ENTRIES.c.mirror == mirror, ENTRIES.c.state == EntryState.INDEXING.value
        )
        indexed = select(*columns).where(ENTRIES.c.mirror == mirror, ENTRIES.c.path.in_(keys))
        rows = self._rows(calls.limit(limit))
        rows += self._rows(indexed.order_by(ENTRIES.c.sent_at).limit(limit))
        return [UnderWay(*row) for row in rows][:limit]  # type: ignore[arg-type]

    def journal(
        self, wanted: JournalFilter, *, before: int | None, limit: int
    ) -> tuple[list[tuple[int, JournalLine]], int | None]:
        """Return lines of the journal, the newest first, and where to go on.

        Args:
            wanted: which.
            before: only lines with a smaller number.
            limit: at most so many.

        Returns:
            The lines with their numbers, and the number before which the next page begins; None
            when there is nothing more.
        """
        ((newest, oldest),) = self._rows(select(func.max(JOURNAL.c.id), func.min(JOURNAL.c.id)))
        if newest is None or oldest is None:
            return [], None
        top = int(newest) + 1 if before is None else before
        bottom = top - LOOKED_AT
        statement = select(*records.LINE).where(JOURNAL.c.id < top, JOURNAL.c.id >= bottom)
        statement = statement.where(*wanted.conditions()).order_by(JOURNAL.c.id.desc())
        lines = [records.line_of(row) for row in self._rows(statement.limit(limit))]
        if len(lines) == limit:
            return lines, lines[-1][0]
        return lines, bottom if bottom > int(oldest) else None

    def _rows(self, statement: Select[*tuple[object, ...]]) -> list[Row]:
        return [row for rows in self._stream(statement) for row in rows]

    def _stream(self, statement: Select[*tuple[object, ...]]) -> Iterator[list[Row]]:
        return self._database.stream(self._database.compiled(statement), 5000)


class JournalFilter(NamedTuple):
    """Which lines of the journal are wanted.

    Args:
        mirror, action: exactly this one; empty for any.
        path: a pattern, in which ``*`` stands for any text and ``?`` for one character.
        since: from this time on, seconds of the ledger's clock.
        failed: only what did not end well.
    """

    mirror: str = ""
    action: str = ""
    path: str = ""
    since: float = 0.0
    failed: bool = False

    def conditions(self) -> Iterator[ColumnElement[bool]]:
        """Yield what a line has to meet."""
        if self.mirror:
            yield JOURNAL.c.mirror == self.mirror
        if self.action:
            yield JOURNAL.c.action == self.action
        if self.path:
            yield JOURNAL.c.path.like(_pattern(self.path), escape="\\")
        if self.since:
            yield JOURNAL.c.at >= self.since
        if self.failed:
            yield JOURNAL.c.outcome.not_in(["done", _SYNCED])


def _entries() -> Select[*tuple[object, ...]]:
    # The reason of a stale document is why its file cannot be sent.
    columns = ("path", "state", "reason_code", "reason_text", "stale_code", "stale_text")
    return select(*(ENTRIES.c[name] for name in columns))


def _rejections(mirror: str) -> Select[*tuple[object, ...]]:
    columns = (REJECTIONS.c.path, literal("rejected"))
    reason = (REJECTIONS.c.reason_code, REJECTIONS.c.reason_text)
    return select(*columns, *reason).where(REJECTIONS.c.mirror == mirror)


def _intents(mirror: str) -> Select[*tuple[object, ...]]:
    columns = (INTENTS.c.path, literal("pending"), literal(""), literal(""))
    return select(*columns).where(INTENTS.c.mirror == mirror)


def _entry_row(row: Row) -> KeyRow:
    path, state, code, text, stale_code, stale_text = row
    if stale_code is not None:
        code, text = stale_code, stale_text
    return KeyRow(str(path), str(state), str(code or ""), str(text or ""), stale_code is not None)


def _key_row(row: Row) -> KeyRow:
    path, state, code, text = row
    return KeyRow(str(path), str(state), str(code or ""), str(text or ""), False)


def _together(before: KeyRow | None, entry: KeyRow) -> KeyRow:
    """Return the row of a key that has an entry and perhaps something else."""
    if before is None or entry.stale or not before.code:
        return entry
    # A refusal of what the file is now says more than the state of an earlier document.
    return before._replace(state="rejected")


def _directly_in(table: Table, folder: str) -> tuple[ColumnElement[bool], ...]:
    # The component of a name that is not UTF-8 begins with a slash of its own.
    deeper = table.c.path.not_like(f"{_escaped(folder)}_%/%", escape="\\")
    if not folder:
        return (deeper,)
    end = above(folder)
    return (table.c.path >= folder, table.c.path < end, deeper) if end else (deeper,)


def _pattern(glob: str) -> str:
    return _escaped(glob).replace("*", "%").replace("?", "_")


def _escaped(text: str) -> str:
    return "".join(f"\\{letter}" if letter in "\\%_" else letter for letter in text)
