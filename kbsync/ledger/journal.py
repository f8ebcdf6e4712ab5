"""The journal: one line for every remote change that was made or tried."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Integer, bindparam, func, select

from kbsync.ledger import records
from kbsync.ledger.database import Database, constants
from kbsync.ledger.tables import JOURNAL
from kbsync.model import DocKey, EntryState, JournalLine, Restless

_PRUNED_AT_ONCE = 10_000
_REPAIRS = select(func.count()).where(
    JOURNAL.c.mirror == bindparam("mirror"),
    JOURNAL.c.path == bindparam("path"),
    JOURNAL.c.detail == "drift",
    JOURNAL.c.outcome == "done",
    JOURNAL.c.at >= bindparam("since"),
)
_RESTLESS = (
    select(JOURNAL.c.path, func.count(), func.max(JOURNAL.c.at))
    .where(JOURNAL.c.mirror == bindparam("mirror"), JOURNAL.c.at >= bindparam("since"))
    .where(JOURNAL.c.outcome == "done", JOURNAL.c.action == "update")
    .group_by(JOURNAL.c.path)
    .having(func.count() >= bindparam("least", type_=Integer))
)
_CAUSES = (
    select(JOURNAL.c.action, JOURNAL.c.detail, func.count())
    .where(JOURNAL.c.mirror == bindparam("mirror"), JOURNAL.c.at >= bindparam("since"))
    .where(JOURNAL.c.outcome == "done")
    .where(JOURNAL.c.action.in_(constants(["create", "update", "delete", "trash"])))
    .group_by(JOURNAL.c.action, JOURNAL.c.detail)
)
_INDEXED = (
    select(JOURNAL.c.at, JOURNAL.c.milliseconds)
    .where(JOURNAL.c.mirror == bindparam("mirror"), JOURNAL.c.action == "index")
    .where(JOURNAL.c.outcome == EntryState.SYNCED.value)
    .order_by(JOURNAL.c.id.desc())
    .limit(bindparam("most", type_=Integer))
)


class Journal:
    """Reads and prunes the journal; `Transactions.commit` adds lines."""

    _database: Database

    def history(
        self,
        mirror: str | None = None,
        path: str | None = None,
        *,
        limit: int = 100,
        before: int | None = None,
    ) -> tuple[tuple[int, JournalLine], ...]:
        """Return journal lines with their numbers, the newest first.

        Args:
            mirror, path: only lines of this mirror, of exactly this path.
            limit: at most so many.
            before: only lines with a smaller number: the last one of the previous page.
        """
        wanted = []
        if mirror is not None:
            wanted.append(JOURNAL.c.mirror == records.stored(mirror))
        if path is not None:
            wanted.append(JOURNAL.c.path == records.stored(path))
        if before is not None:
            wanted.append(JOURNAL.c.id < before)
        statement = select(*records.LINE).where(*wanted).order_by(JOURNAL.c.id.desc()).limit(limit)
        rows = self._database.fetch_once(statement)
        return tuple(map(records.line_of, rows))

    def tally(
        self, mirror: str, *, since: float, path: str | None = None, actions: Sequence[str] = ()
    ) -> Mapping[tuple[str, str], int]:
        """Count journal lines by action and outcome.

        Args:
            since: from this time on, seconds of the ledger's clock.
            path: only of this path.
            actions: only these actions; all when none are named.
        """
        wanted = [JOURNAL.c.mirror == records.stored(mirror), JOURNAL.c.at >= since]
        if path is not None:
            wanted.append(JOURNAL.c.path == records.stored(path))
        if actions:
            wanted.append(JOURNAL.c.action.in_(list(actions)))
        kinds = (JOURNAL.c.action, JOURNAL.c.outcome)
        rows = self._database.fetch_once(
            select(*kinds, func.count()).where(*wanted).group_by(*kinds)
        )
        return {(str(action), str(outcome)): int(n or 0) for action, outcome, n in rows}

    def causes(self, mirror: str, *, since: float) -> Mapping[tuple[str, str], int]:
        """Count the uploads and removals that took effect, by action and cause.

        Args:
            mirror: the mirror's name.
            since: from this time on, seconds of the ledger's clock.
        """
        rows = self._database.fetch(_CAUSES, mirror=records.stored(mirror), since=since)
        return {(str(action), str(cause)): int(n or 0) for action, cause, n in rows}

    def indexing_spans(self, mirror: str, *, limit: int = 200) -> Sequence[tuple[float, float]]:
        """Return when indexing of the newest documents began and ended, in seconds.

        Args:
            mirror: the mirror's name.
            limit: of at most so many documents.
        """
        rows = self._database.fetch(_INDEXED, mirror=records.stored(mirror), most=limit)
        return [(float(at or 0) - int(took or 0) / 1000, float(at or 0)) for at, took in rows]

    def repairs(self, key: DocKey, since: float) -> int:
        """Return how often drift of `key` was repaired: its uploads of that cause since `since`.

        Args:
            key: whose document.
            since: from this time on, seconds of the ledger's clock.
        """
        if not records.storable(key.path):
            return 0
        rows = self._database.fetch(_REPAIRS, mirror=key.mirror, path=key.path, since=since)
        return int(rows[0][0] or 0)

    def restless(self, mirror: str, *, since: float, least: int) -> Mapping[str, Restless]:
        """Return by path what was updated again and again.

        Args:
            mirror: the mirror's name.
            since: from this time on, seconds of the ledger's clock.
            least: not what was updated less often.
        """
        rows = self._database.fetch(
            _RESTLESS, mirror=records.stored(mirror), since=since, least=least
        )
        return {
            str(path): Restless(uploads=int(uploads or 0), last=float(last or 0))
            for path, uploads, last in rows
        }

    def prune_journal(self, older_than: float) -> int:
        """Remove lines from before `older_than` (seconds of the ledger's clock); return how many.

        Raises:
            Problem: KB-L040 to KB-L047.
        """
        pruned = 0
        # In parts: other changes wait no longer than one part takes.
        oldest = select(JOURNAL.c.id).where(JOURNAL.c.at < older_than).limit(_PRUNED_AT_ONCE)
        while True:
            with self._database.writing() as connection:
                gone = connection.execute(JOURNAL.delete().where(JOURNAL.c.id.in_(oldest))).rowcount
            pruned += gone
            if gone < _PRUNED_AT_ONCE:
                return pruned
