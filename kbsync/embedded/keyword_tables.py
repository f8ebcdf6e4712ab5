"""The keyword tables of economy bases, where tasks overwrite each other (docs/dify-api.md 18.3).

A real server reads the whole table when a task begins to index and writes the whole table when it
ends, so that what others wrote in between is lost. Chunks whose keywords are lost are kept as they
are, and are not found.
"""

from __future__ import annotations

import sqlite3
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

Upload = tuple[str, int]
"""The id of a document, and its generation."""

_SET = """
UPDATE segment SET lost = ? WHERE document = ?
  AND EXISTS (SELECT 1 FROM document WHERE id = ? AND generation = ?)
"""


class _Change(NamedTuple):
    """Whether the keywords of an upload stood in the table before and after it was written."""

    upload: Upload
    before: bool
    after: bool


class KeywordTables:
    """What tasks that run at once do to the keyword table of a base.

    Args:
        overwritten: they overwrite each other's changes; otherwise every change stays.
    """

    def __init__(self, *, overwritten: bool) -> None:
        self._overwritten = overwritten
        self._lock = threading.Lock()
        self._running: defaultdict[str, int] = defaultdict(int)
        # Only what was written while some task ran; positions count from the first one's begin.
        self._changes: defaultdict[str, list[_Change]] = defaultdict(list)

    @contextmanager
    def read(self, base: str) -> Iterator[KeywordTableCopy | None]:
        """Yield the table as it is now, to be written back changed; None where all stays."""
        if not self._overwritten:
            yield None
            return
        with self._lock:
            self._running[base] += 1
            position = len(self._changes[base])
        try:
            yield KeywordTableCopy(self, base, position)
        finally:
            with self._lock:
                self._running[base] -= 1
                if not self._running[base]:
                    del self._running[base], self._changes[base]

    def rebuild(self, db: sqlite3.Connection, base: str, upload: Upload) -> None:
        """Write the keywords of a document that is enabled: they are all there again."""
        if not self._overwritten:
            return
        lost = db.execute(
            "SELECT 1 FROM segment WHERE document = ? AND lost = 1 LIMIT 1", upload[:1]
        ).fetchone()
        with self._lock:
            if self._running[base]:
                self._changes[base].append(_Change(upload, lost is None, after=True))
        _mark(db, upload, there=True)

    def write(self, db: sqlite3.Connection, base: str, since: int, own: Upload) -> None:
        """Write the table as it was at `since`, and with it the keywords of `own`.

        Args:
            db: the transaction in which its chunks are completed.
            base: the id of the knowledge base.
            since: how many changes had been written when the table was read.
            own: what the task has indexed.
        """
        with self._lock:
            changes = self._changes[base]
            as_read: dict[Upload, bool] = {}
            now: dict[Upload, bool] = {}
            for change in changes[since:]:
                as_read.setdefault(change.upload, change.before)
                now[change.upload] = change.after
            as_read.pop(own, None)
            undone = [each for each, there in as_read.items() if now[each] != there]
            changes += [_Change(each, now[each], as_read[each]) for each in undone]
            changes.append(_Change(own, before=False, after=True))
        for each in undone:
            _mark(db, each, there=as_read[each])


class KeywordTableCopy(NamedTuple):
    """The keyword table of a base as one task has read it."""

    tables: KeywordTables
    base: str
    since: int

    def write(self, db: sqlite3.Connection, upload: Upload) -> None:
        """Write the table back with the keywords of `upload`, as `KeywordTables.write`."""
        self.tables.write(db, self.base, self.since, upload)


def _mark(db: sqlite3.Connection, upload: Upload, *, there: bool) -> None:
    document, generation = upload
    db.execute(_SET, (not there, document, document, generation))
