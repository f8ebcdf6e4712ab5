"""One document from bytes to chunks, through the states a client sees (docs/dify-api.md 1.5)."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from typing import Final

from . import chunk_rows
from .extract import texts_of
from .process_rules import Chunk, Recipe
from .quirks import Quirks
from .store import Store, now

FORMS: Final = frozenset({"text_model", "hierarchical_model", "qa_model"})
ROWS_PER_TRANSACTION: Final = 500
UNSEEN_SECONDS: Final = 0.02
STEPS: Final = 4
_LOAD: Final = """
SELECT document.*, upload.extension, upload.content, process_rule.mode, process_rule.rules
FROM document JOIN upload ON upload.id = document.upload
JOIN process_rule ON process_rule.id = document.rule
WHERE document.id = ? AND document.generation = ?
"""


class EndOfRunError(Exception):
    """The run ends without an outcome: somebody else will bring the document to its end."""


class OvertakenError(EndOfRunError):
    """The document was deleted, or a newer upload took its place."""


class Pipeline:
    """Indexes one upload of one document.

    Args:
        store: where the document is and its chunks go.
        quirks: `empty-index` is imitated here.
        document: the id of the document.
        generation: which of its uploads; a newer one ends this run.
        pause: called between two states; may raise an `EndOfRunError`.
        every_state: write down each state, however short; otherwise those nobody could see in
            time are skipped.
    """

    def __init__(
        self,
        store: Store,
        quirks: Quirks,
        document: str,
        generation: int,
        *,
        pause: Callable[[], None],
        every_state: bool = False,
    ) -> None:
        self._store = store
        self._quirks = quirks
        self._document = document
        self._generation = generation
        self._pause = pause
        self._patience = 0.0 if every_state else UNSEEN_SECONDS
        self._pending: dict[str, object] = {}
        self._written = 0.0

    def run(self) -> None:
        """Index the document; a failure becomes its `error`.

        Raises:
            EndOfRunError: there is nothing (more) to do for this upload, or `pause` said so.
            sqlite3.Error: the data file cannot be written.
        """
        started = time.perf_counter()
        row = self._load()
        try:
            self._index(row)
        except (EndOfRunError, sqlite3.Error):
            raise
        except Exception as fault:  # whatever a broken file provokes belongs to that document
            self._mark(status="error", error=str(fault) or type(fault).__name__, stopped_at=now())
            return
        self._mark(
            status="completed",
            error=None,
            tokens=0,
            completed_at=now(),
            indexing_latency=time.perf_counter() - started,
        )

    def wedge(self) -> None:
        """Get as far as the wedging update does and leave the document there (section 5).

        The old chunks are still there to be replaced, the new ones wait, and so does everybody.
        """
        row = self._load()
        moment = now()
        recipe = Recipe(row)
        texts = texts_of(row["extension"], row["content"])
        chunks = self._cut(recipe, [recipe.clean(text) for text in texts], row)
        self._pending = {
            "processing_started_at": moment,
            "parsing_completed_at": moment,
            "cleaning_completed_at": moment,
            "splitting_completed_at": moment,
            "word_count": sum(len(chunk.content) for chunk in chunks),
        }
        self._write(chunks, row, status="waiting")

    def _load(self) -> sqlite3.Row:
        with self._store.reading() as db:
            row: sqlite3.Row | None = db.execute(
                _LOAD, (self._document, self._generation)
            ).fetchone()
        if row is None:
            raise OvertakenError
        return row

    def _index(self, row: sqlite3.Row) -> None:
        self._begin()
        if row["doc_form"] not in FORMS:
            raise ValueError(f"Index type {row['doc_form']} is not supported.")
        texts = texts_of(row["extension"], row["content"])
        self._enter("cleaning", parsing_completed_at=now())
        recipe = Recipe(row)
        cleaned = [recipe.clean(text) for text in texts]
        self._enter("splitting")
        chunks = self._cut(recipe, cleaned, row)
        words = sum(len(chunk.content) for chunk in chunks)
        moment = now()
        self._enter(
            "indexing",
            cleaning_completed_at=moment,
            splitting_completed_at=moment,
            word_count=words,
        )
        # Without an embedding model the parents of the hierarchical form never get complete.
        hierarchical = row["doc_form"] == "hierarchical_model"
        self._write(chunks, row, status="indexing" if hierarchical else "completed")

    def _begin(self) -> None:
        with self._store.writing() as db:
            chunk_rows.delete_of_document(db, self._document)
            self._update(db, {"status": "parsing", "processing_started_at": now()})
        self._written = time.perf_counter()
        self._pause()

    def _cut(self, recipe: Recipe, texts: list[str], row: sqlite3.Row) -> list[Chunk]:
        hierarchical = row["doc_form"] == "hierarchical_model"
        chunks = [chunk for text in texts for chunk in recipe.cut(text, hierarchical=hierarchical)]
        # The questions of the Q&A form are a language model's work, and there is none here.
        if row["doc_form"] == "qa_model" or "empty-index" in self._quirks:
            return []
        return chunks * 2 if row["doubled"] else chunks

    def _write(self, chunks: list[Chunk], row: sqlite3.Row, *, status: str) -> None:
        base = row["knowledge_base"]
        for start in range(0, max(len(chunks), 1), ROWS_PER_TRANSACTION):
            if start:
                self._pause()
            batch = chunks[start : start + ROWS_PER_TRANSACTION]
            with self._store.writing() as db:
                self._update(db, {"status": "indexing"})
                chunk_rows.insert(db, base, self._document, batch, status=status)

    def _enter(self, status: str, **columns: object) -> None:
        """The next state; it is written with the one after it when this one was too short."""
        self._pending |= columns | {"status": status}
        if time.perf_counter() - self._written >= self._patience:
            self._mark()
        self._pause()

    def _mark(self, **columns: object) -> None:
        with self._store.writing() as db:
            self._update(db, columns)
        self._written = time.perf_counter()

    def _update(self, db: sqlite3.Connection, columns: dict[str, object]) -> None:
        columns = self._pending | columns
        names = ", ".join(f"{name} = ?" for name in columns)
        changed = db.execute(
            f"UPDATE document SET {names} WHERE id = ? AND generation = ?",  # noqa: S608 - our own
            (*columns.values(), self._document, self._generation),
        )
        if not changed.rowcount:
            raise OvertakenError
        self._pending = {}
