"""Why keys are not what they should be, where no entry and no rejection says so."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import bindparam, delete, func, insert, select

from kbsync.ledger import records
from kbsync.ledger.database import Database, Value
from kbsync.ledger.path_ranges import in_range, range_values
from kbsync.ledger.tables import UNMET
from kbsync.planning.path_range import EVERYTHING, PathRange

_MINE = UNMET.c.mirror == bindparam("mirror")
_REASONS = select(UNMET.c.path, UNMET.c.code, UNMET.c.text).where(_MINE).order_by(UNMET.c.path)
_REASONS_WITHIN = _REASONS.where(*in_range(UNMET.c.path))
_ANY = select(UNMET.c.path).where(_MINE).limit(1)
_BY_WORK = select(UNMET.c.path).where(_MINE, UNMET.c.by_work)
_REASON = select(UNMET.c.code, UNMET.c.text).where(_MINE, UNMET.c.path == bindparam("path"))
_COUNT = select(func.count()).select_from(UNMET).where(_MINE)
_REMOVE = delete(UNMET).where(UNMET.c.mirror == bindparam("m"), UNMET.c.path == bindparam("p"))
_ADD = insert(UNMET)


class UnmetKeys:
    """Keeps what the last comparison, and the work after it, left as it was."""

    _database: Database

    def unmet(self, mirror: str, within: PathRange = EVERYTHING) -> Mapping[str, tuple[str, str]]:
        """Return code and text of why keys are not what they should be, by path."""
        whole = within == EVERYTHING
        query = self._database.query(_REASONS if whole else _REASONS_WITHIN)
        values = {"mirror": mirror, **({} if whole else range_values(within))}
        return {
            str(path): (str(code), str(text))
            for rows in self._database.stream(query, 500, **values)
            for path, code, text in rows
        }

    def unmet_count(self, mirror: str) -> int:
        """Return how many keys `unmet` names."""
        ((count,),) = self._database.fetch(_COUNT, mirror=mirror)
        return int(count or 0)

    def unmet_by_work(self, mirror: str) -> frozenset[str]:
        """Return the paths of which work said so, and no comparison."""
        rows = self._database.fetch(_BY_WORK, mirror=mirror)
        return frozenset(str(path) for (path,) in rows)

    def note_unmet(
        self,
        mirror: str,
        reasons: Mapping[str, tuple[str, str] | None],
        *,
        by_work: bool = False,
    ) -> None:
        """Record why keys are not what they should be; nothing is written that is known.

        Args:
            mirror: its name.
            reasons: code and text by path, None for what is as it should be. Other paths stay as
                they are recorded.
            by_work: work says so, and no comparison.

        Raises:
            Problem: KB-L040 to KB-L047.
        """
        if not reasons or (not any(reasons.values()) and not self._any(mirror)):
            return
        wanted = {records.stored(path): _stored(why) for path, why in reasons.items()}
        news = {path: why for path, why in wanted.items() if why != self._reason(mirror, path)}
        if not news:
            return
        rows: list[dict[str, Value]] = [
            {"mirror": mirror, "path": path, "code": why[0], "text": why[1], "by_work": by_work}
            for path, why in news.items()
            if why is not None
        ]
        # No entry, intent or rejection of a key changes with it.
        with self._database.writing(()) as connection:
            gone = [{"m": mirror, "p": path} for path in news]
            self._database.query(_REMOVE).change(connection, gone)
            if rows:
                self._database.query(_ADD, columns=tuple(rows[0])).change(connection, rows)

    def _any(self, mirror: str) -> bool:
        return bool(self._database.fetch(_ANY, mirror=mirror))

    def _reason(self, mirror: str, path: str) -> tuple[str, str] | None:
        rows = self._database.fetch(_REASON, mirror=mirror, path=path)
        return (str(rows[0][0]), str(rows[0][1])) if rows else None


def _stored(why: tuple[str, str] | None) -> tuple[str, str] | None:
    return (why[0], records.stored(why[1])) if why else None
