"""What was listed and what was exported, in a SQLite file of the folder: a run again goes on.

Only paths are held in memory: a base may have more documents than fit there.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from kbsync.app.export.listing import ListedDocument
from kbsync.lazy_dataclass import dataclass
from kbsync.messages import Problem
from kbsync.messages import export as say

_FORMAT = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS exported (
  id TEXT PRIMARY KEY, base TEXT NOT NULL, path TEXT NOT NULL, what TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS by_path ON exported (path);
CREATE TEMP TABLE listed (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, path TEXT NOT NULL DEFAULT '', what TEXT NOT NULL);
CREATE INDEX temp.by_name ON listed (name, id);
"""
# Rows are read a batch at a time, and may be changed meanwhile.
_UNPLACED = """
SELECT name, id, what FROM listed WHERE path = '' AND (name, id) > (?, ?)
ORDER BY name, id LIMIT 100
"""
_PLACED = "SELECT path, what FROM listed WHERE path > ? ORDER BY path LIMIT 100"
_EXPORTED = """
SELECT id, what FROM exported WHERE base = ? AND (id IN (SELECT id FROM listed)) = ? ORDER BY path
"""
_LEFT_AT = """
SELECT id, what FROM exported
WHERE path = ? AND base = ? AND id NOT IN (SELECT id FROM listed) LIMIT 1
"""


class Origin(StrEnum):
    """What a file was made of."""

    ORIGINAL = "original"  # the bytes that were uploaded
    COMPLETED = "completed"  # the bytes of a text, whose end the server cut off, and its last chunk
    DOUBTFUL = "doubtful"  # the bytes of a text, whose end may be cut off: its chunks do not tell
    CHUNKS = "chunks"  # the text of all chunks


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What was written for one document.

    Args:
        path: relative to the folder.
        rev: of the file that was downloaded.
        origin: what the file was made of.
        content: sha256 (hex) of the file.
        size: of the file, in bytes.
        sidecar: sha256 of the file with its metadata; None where there is none.
        chunks: sha256 of the file with its chunks; None where there is none.
        rule: its process rule and language as JSON; empty where they are not known.
    """

    path: str
    name: str
    rev: str
    origin: Origin
    content: str
    size: int
    sidecar: str | None = None
    chunks: str | None = None
    rule: str = ""


class PlacedDocument(NamedTuple):
    """A listed document and the path of its file."""

    document: ListedDocument
    path: str


class ExportState:
    """The state of an export to one folder. Open it as a context manager.

    Args:
        file: where it is kept; made when missing.
        base: id of the knowledge base.

    Raises:
        Problem: the file is no such state, or cannot be used.
    """

    def __init__(self, file: Path, base: str) -> None:
        self._base = base
        try:
            self._db = sqlite3.connect(file, isolation_level=None)
            self._db.execute("PRAGMA temp_store = FILE")
            self._db.executescript(_SCHEMA)
            self._db.execute(f"PRAGMA user_version = {_FORMAT}")
        except sqlite3.Error as error:
            raise Problem(say.STATE_UNUSABLE(file=file, why=error)) from None

    def __enter__(self) -> ExportState:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._db.close()

    # -- what the server listed

    def begin_listing(self) -> None:
        """Forget what was listed."""
        self._db.execute("DELETE FROM listed")

    def add(self, rows: Iterable[ListedDocument]) -> None:
        """Add rows of a page; one that was met before is met again."""
        self._db.executemany(
            "INSERT OR REPLACE INTO listed (id, name, what) VALUES (?, ?, ?)",
            ((row.id, _text(row.name), row.packed()) for row in rows),
        )

    @property
    def listed(self) -> int:
        """How many documents were listed."""
        found: int = self._db.execute("SELECT count(*) FROM listed").fetchone()[0]
        return found

    def unplaced(self) -> Iterator[ListedDocument]:
        """Yield what has no path yet, in an order that is the same each time."""
        after = ("", "")
        while rows := self._db.execute(_UNPLACED, after).fetchall():
            yield from (ListedDocument.unpacked(row[2]) for row in rows)
            after = rows[-1][:2]

    def place(self, document: str, path: str) -> None:
        """Say where the file of a document goes."""
        self._db.execute("UPDATE listed SET path = ? WHERE id = ?", (path, document))

    def placed(self) -> Iterator[PlacedDocument]:
        """Yield every document that has a path, in the order of the paths."""
        after = ""
        while rows := self._db.execute(_PLACED, (after,)).fetchall():
            yield from (PlacedDocument(ListedDocument.unpacked(what), path) for path, what in rows)
            after = rows[-1][0]

    # -- what is in the folder

    def exported(self, document: str) -> Exported | None:
        """Return what an earlier run, or this one, wrote for a document."""
        row = self._db.execute(
            "SELECT what FROM exported WHERE id = ? AND base = ?", (document, self._base)
        ).fetchone()
        return _exported(row[0]) if row else None

    def all_exported(self, *, still_listed: bool) -> Iterator[tuple[str, Exported]]:
        """Yield what was written for documents of this base: those that are listed, or the others.

        Nothing may be noted meanwhile.
        """
        for id, what in self._db.execute(_EXPORTED, (self._base, still_listed)):
            yield id, _exported(what)

    def inherited(self, document: str, path: str) -> Exported | None:
        """Return what was written to `path` for a document that is gone, as `document`'s own."""
        row = self._db.execute(_LEFT_AT, (path, self._base)).fetchone()
        if row is None:
            return None
        self.forget(row[0])
        what = replace(_exported(row[1]), rev="")
        self.note(document, what)
        return what

    def note(self, document: str, what: Exported) -> None:
        """Note what was written for a document."""
        self._db.execute(
            "INSERT OR REPLACE INTO exported (id, base, path, what) VALUES (?, ?, ?, ?)",
            (document, self._base, what.path, json.dumps(asdict(what))),
        )

    def forget(self, document: str) -> None:
        """Forget what was written for a document."""
        self._db.execute("DELETE FROM exported WHERE id = ?", (document,))


def _exported(line: str) -> Exported:
    found = json.loads(line)
    return Exported(**{**found, "origin": Origin(found["origin"])})


def _text(name: str) -> str:
    """Return `name` as SQLite takes it: lone surrogates are no text."""
    return name.encode("utf-8", "replace").decode()
