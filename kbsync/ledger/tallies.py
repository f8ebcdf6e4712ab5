"""How many keys are in which state, counted by the database: nothing is read for each key."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ColumnClause,
    ColumnElement,
    Select,
    and_,
    bindparam,
    case,
    column,
    exists,
    func,
    literal,
    select,
    table,
)

from kbsync.ledger.database import Database, Row
from kbsync.ledger.remote_listing import FOREIGN
from kbsync.ledger.tables import ENTRIES, INTENTS, LISTED, METADATA, REJECTIONS, UNMET
from kbsync.model import EntryState

_CODE: ColumnElement[str] = bindparam("code")
_MINE = ENTRIES.c.mirror == bindparam("mirror")
_STALE = ENTRIES.c.stale_code.is_not(None)
_FAILED = and_(ENTRIES.c.state == literal(EntryState.FAILED.value), ENTRIES.c.stale_code.is_(None))
_OTHERWISE = func.coalesce(ENTRIES.c.reason_code, "") != _CODE

_STATES = select(ENTRIES.c.state, func.count()).where(_MINE).group_by(ENTRIES.c.state)
# Few entries are in these, and an index leads to them: the others are counted without a look.
_STALE_STATES = (
    select(ENTRIES.c.state, func.count())
    .where(_MINE, ENTRIES.c.stale_code > "")
    .group_by(ENTRIES.c.state)
)
_FAILED_KEYS = select(ENTRIES.c.path).where(_MINE, ENTRIES.c.state == EntryState.FAILED.value)
_FAILURES = select(func.count(), func.sum(case((_OTHERWISE, 0), else_=1))).where(
    _MINE, _FAILED, ENTRIES.c.path.in_(_FAILED_KEYS)
)
_INTENTS = select(func.count()).where(INTENTS.c.mirror == bindparam("mirror"))
_UNMET = select(func.count()).where(UNMET.c.mirror == bindparam("mirror"))
_FOREIGN = select(func.count()).select_from(LISTED).where(*FOREIGN)


def _refused(*with_entry: ColumnElement[bool], there: bool) -> Select[Any]:
    same = (ENTRIES.c.mirror == REJECTIONS.c.mirror, ENTRIES.c.path == REJECTIONS.c.path)
    found = exists().where(*same, *with_entry)
    mine = REJECTIONS.c.mirror == bindparam("mirror")
    return select(func.count()).where(mine, found if there else ~found)


_REFUSED_ALONE = _refused(_STALE | _FAILED, there=False)
_REFUSED_UNFINDABLE = _refused(_FAILED, ~_OTHERWISE, there=True)
_OID: ColumnClause[int] = column("oid")
_SIZE = (
    select(func.sum(func.pg_total_relation_size(_OID)))
    .select_from(table("pg_class", _OID, column("relname")))
    .where(func.pg_table_is_visible(_OID), column("relname").in_(list(METADATA.tables)))
)


class Tallies:
    """Counts of the ledger, by selects that may take a while: to be called in a thread."""

    _database: Database

    def documents_by_state(self, mirror: str, *, unfindable: str) -> Mapping[str, int]:
        """Return the number of keys by state, as `kbsync status` names them.

        Args:
            mirror: its name.
            unfindable: the code of what is indexed and not found by searches.
        """
        counts = {str(state): int(n or 0) for state, n in self._rows(_STATES, mirror=mirror)}
        found = self._rows(_STALE_STATES, mirror=mirror)
        stale = Counter({str(state): int(n or 0) for state, n in found})
        ((failed, lost),) = self._rows(_FAILURES, mirror=mirror, code=unfindable)
        unfound = int(lost or 0)
        both = self._count(_REFUSED_UNFINDABLE, mirror=mirror, code=unfindable)
        alone = self._count(_REFUSED_ALONE, mirror=mirror)
        return {
            **{str(state): counts.get(state, 0) - stale[state] for state in EntryState},
            "failed": int(failed or 0) - unfound + alone + both,
            "unfindable": unfound - both,
            "stale": sum(stale.values()),
            "unmet": self._count(_UNMET, mirror=mirror),
            "pending": self._count(_INTENTS, mirror=mirror),
        }

    def foreign_count(self, base_id: str) -> int:
        """Return how many listed documents `foreign` streams."""
        return self._count(_FOREIGN, base=base_id)

    def size(self) -> int:
        """Return how many bytes the ledger takes on its disk, what is written ahead included."""
        path = self._database.location.path
        if path is None:
            return self._count(_SIZE)
        return sum(_size_of(f"{path}{end}") for end in ("", "-wal"))

    def _count(self, statement: Any, **values: str) -> int:
        ((found,),) = self._rows(statement, **values)
        return int(found or 0)

    def _rows(self, statement: Any, **values: str) -> Sequence[Row]:
        # On a connection of its own: short selects of the engine do not wait for it.
        query = self._database.query(statement)
        return [row for rows in self._database.stream(query, 1000, **values) for row in rows]


def _size_of(path: str) -> int:
    try:
        return os.stat(path).st_size  # noqa: PTH116 - it may be gone
    except OSError:
        return 0
