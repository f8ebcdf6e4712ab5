"""Indexing: documents go from bytes to chunks in a few background threads.

The states a client sees on the way stand in docs/dify-api.md 1.5.
"""

from __future__ import annotations

import logging
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from enum import Enum, auto
from typing import Final

from . import chunk_rows
from .extract import texts_of
from .process_rules import StoredRule, TextChunk
from .quirks import Quirks
from .sqlite_store import SqliteStore, now

DOC_FORMS: Final = frozenset({"text_model", "hierarchical_model", "qa_model"})
ROWS_PER_TRANSACTION: Final = 500
UNSEEN_SECONDS: Final = 0.02
STATES: Final = 4
_log = logging.getLogger(__name__)
_UNFINISHED: Final = """
SELECT id, generation FROM document
WHERE status NOT IN ('completed', 'error') AND wedged = 0 ORDER BY number
"""
_LOAD: Final = """
SELECT document.*, upload.extension, upload.content, process_rule.mode, process_rule.rules
FROM document JOIN upload ON upload.id = document.upload
JOIN process_rule ON process_rule.id = document.rule
WHERE document.id = ? AND document.generation = ?
"""


class IndexTask(Enum):
    """What a thread does with an upload; WEDGE and BLOCK only come from `wedging-update`."""

    INDEX = auto()
    WEDGE = auto()  # leave the document `indexing` and occupy the thread for ever
    BLOCK = auto()  # wait for the row the wedged update holds, for ever


class RunEndedError(Exception):
    """An indexing run ends without an outcome; a later run finishes the document."""


class OvertakenError(RunEndedError):
    """The document was deleted, or a newer upload took its place."""


class _StoppingError(RunEndedError):
    """The server stops; the next start takes up what is unfinished."""


class Indexer:
    """Indexes documents in background threads.

    Args:
        store: where documents and chunks are.
        quirks: `stuck-indexing` and `empty-index` are imitated here.
        delay: seconds each document takes at least, spread evenly over its states.
        threads: how many documents are indexed at the same time.
    """

    def __init__(self, store: SqliteStore, quirks: Quirks, *, delay: float, threads: int) -> None:
        self._store = store
        self._quirks = quirks
        self._delay = delay
        self._waiting: queue.SimpleQueue[tuple[IndexTask, str, int] | None] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._work, name=f"indexer-{number}", daemon=True)
            for number in range(threads)
        ]

    def start(self) -> None:
        """Queue what an earlier run left unfinished, and start the threads."""
        with self._store.writing() as db:
            # A restart frees the threads of wedged documents, but leaves the documents wedged.
            db.execute("UPDATE document SET wedged = 2 WHERE wedged = 1")
            unfinished = db.execute(_UNFINISHED).fetchall()
        for row in unfinished:
            self.submit(row["id"], row["generation"])
        for thread in self._threads:
            thread.start()

    def submit(self, document: str, generation: int, task: IndexTask = IndexTask.INDEX) -> None:
        """Queue one upload of one document."""
        if "stuck-indexing" not in self._quirks:
            self._waiting.put((task, document, generation))

    def stop(self) -> None:
        """End every thread between two states of its document, and wait for that."""
        self._stop.set()
        for _ in self._threads:
            self._waiting.put(None)
        for thread in self._threads:
            if thread.is_alive():
                thread.join()

    def _work(self) -> None:
        while (job := self._waiting.get()) is not None and not self._stop.is_set():
            try:
                self._do(*job)
            except _StoppingError:
                return
            except sqlite3.Error:
                # A full disk, most likely. The document stays unfinished until the next start.
                _log.exception("document %s could not be indexed", job[1])

    def _do(self, task: IndexTask, document: str, generation: int) -> None:
        run = IndexRun(
            self._store,
            self._quirks,
            document,
            generation,
            pause=self._pause,
            every_state=self._delay > 0,
        )
        with suppress(OvertakenError):
            if task is IndexTask.INDEX:
                run.run()
            elif task is IndexTask.WEDGE:
                run.wedge()
        if task is not IndexTask.INDEX:
            self._stop.wait()

    def _pause(self) -> None:
        if self._stop.wait(self._delay / STATES):
            raise _StoppingError


class IndexRun:
    """Indexes one upload of one document.

    Args:
        store: where the document is and its chunks go.
        quirks: `empty-index` is imitated here.
        document: the id of the document.
        generation: which of its uploads; a newer one ends this run.
        pause: called between two states; may raise a `RunEndedError`.
        every_state: write each state, however short; otherwise states shorter than 20 ms are
            skipped, because a client would hardly see them and each one costs a commit.
    """

    def __init__(
        self,
        store: SqliteStore,
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
        self._shortest_state = 0.0 if every_state else UNSEEN_SECONDS
        self._pending: dict[str, object] = {}
        self._written = 0.0

    def run(self) -> None:
        """Index the document; a failure becomes its `error`.

        Raises:
            RunEndedError: nothing (more) is to be done for this upload, or `pause` raised it.
            sqlite3.Error: the data file cannot be written.
        """
        started = time.perf_counter()
        row = self._load()
        try:
            self._index(row)
        except (RunEndedError, sqlite3.Error):
            raise
        # A broken file makes its library fail in any way; that is the error of this document.
        except Exception as error:
            self._mark(status="error", error=str(error) or type(error).__name__, stopped_at=now())
            return
        self._mark(
            status="completed",
            error=None,
            tokens=0,
            completed_at=now(),
            indexing_latency=time.perf_counter() - started,
        )

    def wedge(self) -> None:
        """Get as far as the wedging update of version 1.12 does (section 5).

        The old chunks still stand there as `re_segment`, and the new ones as `waiting`.
        """
        row = self._load()
        moment = now()
        rule = StoredRule(row)
        texts = texts_of(row["extension"], row["content"])
        chunks = self._cut(rule, [rule.clean(text) for text in texts], row)
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
        if row["doc_form"] not in DOC_FORMS:
            raise ValueError(f"Index type {row['doc_form']} is not supported.")
        texts = texts_of(row["extension"], row["content"])
        self._enter("cleaning", parsing_completed_at=now())
        rule = StoredRule(row)
        cleaned = [rule.clean(text) for text in texts]
        self._enter("splitting")
        chunks = self._cut(rule, cleaned, row)
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

    def _cut(self, rule: StoredRule, texts: list[str], row: sqlite3.Row) -> list[TextChunk]:
        hierarchical = row["doc_form"] == "hierarchical_model"
        chunks = [chunk for text in texts for chunk in rule.cut(text, hierarchical=hierarchical)]
        # The questions of the Q&A form are a language model's work, and there is none here.
        if row["doc_form"] == "qa_model" or "empty-index" in self._quirks:
            return []
        return chunks * 2 if row["doubled"] else chunks

    def _write(self, chunks: list[TextChunk], row: sqlite3.Row, *, status: str) -> None:
        base = row["knowledge_base"]
        # In steps: API calls write between two of them, and a stop need not wait for all.
        for start in range(0, max(len(chunks), 1), ROWS_PER_TRANSACTION):
            if start:
                self._pause()
            batch = chunks[start : start + ROWS_PER_TRANSACTION]
            with self._store.writing() as db:
                self._update(db, {"status": "indexing"})
                chunk_rows.insert(db, base, self._document, batch, status=status)

    def _enter(self, status: str, **columns: object) -> None:
        """Enter the next state; a state that was too short is written with its successor."""
        self._pending |= columns | {"status": status}
        if time.perf_counter() - self._written >= self._shortest_state:
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
        # The generation in the WHERE clause is what keeps an old run from writing over a new one.
        if not changed.rowcount:
            raise OvertakenError
        self._pending = {}
