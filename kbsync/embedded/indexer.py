"""Indexing: documents go from bytes to chunks in a few background threads.

The states a client sees on the way stand in docs/dify-api.md 1.5.
"""

from __future__ import annotations

import logging
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from enum import Enum, auto
from typing import Final

from . import chunk_rows, models, vector_rows
from .embedding import count_tokens
from .extract.bounds import PIECES, BoundError
from .extract.reading_process import ReadingProcess, ReadingStoppedError
from .keyword_tables import KeywordTableCopy, KeywordTables
from .process_rules import StoredRule, TextChunk
from .quirks import Quirks
from .sqlite_store import SqliteStore, now

DOC_FORMS: Final = frozenset({"text_model", "hierarchical_model", "qa_model"})
ROWS_PER_TRANSACTION: Final = 500
EMBEDDED_PER_TRANSACTION: Final = 100
UNSEEN_SECONDS: Final = 0.02
STATES: Final = 4
LONG_SECONDS: Final = 1.0
_log = logging.getLogger(__name__)
_UNFINISHED: Final = """
SELECT id, generation, embeds = generation AS embeds FROM document
WHERE status NOT IN ('completed', 'error') AND wedged = 0 ORDER BY number
"""
_LOAD: Final = """
SELECT document.*, upload.extension, upload.content, process_rule.mode, process_rule.rules,
  knowledge_base.technique, knowledge_base.embedding_provider, knowledge_base.embedding_model
FROM document JOIN upload ON upload.id = document.upload
JOIN process_rule ON process_rule.id = document.rule
JOIN knowledge_base ON knowledge_base.id = document.knowledge_base
WHERE document.id = ? AND document.generation = ?
"""


class IndexTask(Enum):
    """What a thread does with an upload; WEDGE and BLOCK only come from `wedging-update`."""

    INDEX = auto()
    EMBED = auto()  # keep the chunks, and only make their vectors
    WEDGE = auto()  # leave the document `indexing` and occupy the thread for ever
    BLOCK = auto()  # wait for the row the wedged update holds, for ever


QueuedTask = tuple[str, int, IndexTask]
"""The id of a document, its generation, and what to do with it."""


class RunEndedError(Exception):
    """An indexing run ends without an outcome; a later run finishes the document."""


class OvertakenError(RunEndedError):
    """The document was deleted, or a newer upload took its place."""


class _KilledError(RunEndedError):
    """The worker was killed: no later run takes up the document."""


class _StoppingError(RunEndedError):
    """The server stops; the next start takes up what is unfinished."""


class Indexer:
    """Indexes documents in background threads.

    Args:
        store: where documents and chunks are.
        quirks: `stuck-indexing`, `lost-tasks`, `killed-worker` and `empty-index` are imitated here.
        tables: the keyword tables of economy bases.
        spared_text: chunks keep what old versions take from a text (`Profile`).
        delay: seconds each document takes at least, spread evenly over its states.
        threads: how many documents are indexed at the same time.
    """

    def __init__(
        self,
        store: SqliteStore,
        quirks: Quirks,
        tables: KeywordTables,
        *,
        spared_text: bool,
        delay: float,
        threads: int,
    ) -> None:
        self._store = store
        self._quirks = quirks
        self._tables = tables
        self._spared_text = spared_text
        self._delay = delay
        self._waiting: queue.SimpleQueue[tuple[IndexTask, str, int] | None] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._submitted = self._kills = 0
        self._in_hand: dict[str, int] = {}
        self._lost: set[str] = set()
        self._reading = ReadingProcess()
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
            task = IndexTask.EMBED if row["embeds"] else IndexTask.INDEX
            self.submit(row["id"], row["generation"], task)
        for thread in self._threads:
            thread.start()

    def submit(self, document: str, generation: int, task: IndexTask = IndexTask.INDEX) -> None:
        """Queue one upload of one document."""
        if "stuck-indexing" in self._quirks:
            return
        self._lost.discard(document)
        self._waiting.put((task, document, generation))
        self._submitted += 1
        if "lost-tasks" in self._quirks and self._submitted == self._quirks.lost_at:
            self._lose_queue()
        if "killed-worker" in self._quirks and self._submitted == self._quirks.killed_at:
            self._lost.update(self._in_hand)
            self._kills += 1

    def _lose_queue(self) -> None:
        with suppress(queue.Empty):
            while (job := self._waiting.get_nowait()) is not None:
                self._lost.add(job[1])

    def lost(self, document: str) -> bool:
        """Whether the task of that document is gone."""
        return document in self._lost

    def stop(self) -> None:
        """End every thread between two states of its document, and wait for that."""
        self._stop.set()
        self._reading.stop()
        for _ in self._threads:
            self._waiting.put(None)
        for thread in self._threads:
            if thread.is_alive():
                thread.join()

    def _work(self) -> None:
        while (job := self._waiting.get()) is not None and not self._stop.is_set():
            try:
                self._do(*job)
            except (_StoppingError, ReadingStoppedError):
                return
            except sqlite3.Error:
                # A full disk, most likely. The document stays unfinished until the next start.
                _log.exception("document %s could not be indexed", job[1])

    def _do(self, task: IndexTask, document: str, generation: int) -> None:
        self._in_hand[document] = kills = self._kills
        begun = time.perf_counter()
        try:
            self._run(task, document, generation, kills)
        finally:
            self._in_hand.pop(document, None)
        if time.perf_counter() - begun > LONG_SECONDS:
            from .freed_memory import give_back  # noqa: PLC0415 - few files take so long

            give_back()

    def _run(self, task: IndexTask, document: str, generation: int, kills: int) -> None:
        run = IndexRun(
            self._store,
            self._quirks,
            self._tables,
            self._reading,
            document,
            generation,
            spared_text=self._spared_text,
            pause=lambda: self._pause(kills),
            every_state=self._delay > 0,
        )
        with suppress(OvertakenError, _KilledError):
            if task is IndexTask.INDEX:
                run.run()
            elif task is IndexTask.EMBED:
                run.embed()
            elif task is IndexTask.WEDGE:
                run.wedge()
        if task in {IndexTask.WEDGE, IndexTask.BLOCK}:
            self._stop.wait()

    def _pause(self, kills: int) -> None:
        if self._stop.wait(self._delay / STATES):
            raise _StoppingError
        if kills != self._kills:
            raise _KilledError


class IndexRun:
    """Indexes one upload of one document.

    Args:
        store: where the document is and its chunks go.
        quirks: `empty-index` is imitated here.
        tables: the keyword tables of economy bases.
        reading: what reads the files.
        document: the id of the document.
        generation: which of its uploads; a newer one ends this run.
        spared_text: chunks keep what old versions take from a text.
        pause: called between two states; may raise a `RunEndedError`.
        every_state: write each state, however short; otherwise states shorter than 20 ms are
            skipped, because a client would hardly see them and each one costs a commit.
    """

    def __init__(
        self,
        store: SqliteStore,
        quirks: Quirks,
        tables: KeywordTables,
        reading: ReadingProcess,
        document: str,
        generation: int,
        *,
        spared_text: bool,
        pause: Callable[[], None],
        every_state: bool = False,
    ) -> None:
        self._store = store
        self._quirks = quirks
        self._tables = tables
        self._reading = reading
        self._document = document
        self._generation = generation
        self._spared_text = spared_text
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
        if self._succeeds(lambda: self._index(row)):
            self._mark(
                status="completed",
                error=None,
                tokens=self._tokens(row),
                completed_at=now(),
                indexing_latency=time.perf_counter() - started,
            )

    def embed(self) -> None:
        """Make the vectors of chunks that stand there already; a failure becomes the `error`.

        Raises:
            RunEndedError: nothing (more) is to be done for this upload, or `pause` raised it.
            sqlite3.Error: the data file cannot be written.
        """
        row = self._load()
        if self._succeeds(lambda: self._embed_chunks(row)):
            self._mark(status="completed", error=None, tokens=self._tokens(row))

    def _succeeds(self, work: Callable[[], None]) -> bool:
        """Work on the document, and write down why it failed."""
        try:
            work()
        except (RunEndedError, ReadingStoppedError, sqlite3.Error):
            raise
        # A broken file makes its library fail in any way; that is the error of this document.
        except Exception as error:
            self._mark(status="error", error=str(error) or type(error).__name__, stopped_at=now())
            return False
        return True

    def wedge(self) -> None:
        """Get as far as the wedging update of version 1.12 does (section 5).

        The old chunks still stand there as `re_segment`, and the new ones as `waiting`.
        """
        row = self._load()
        moment = now()
        rule = StoredRule(row, spared=self._spared_text)
        chunks = self._cut(rule, row)
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
        # All in one pass, as the texts of a large workbook should not stand side by side.
        chunks = self._cut(StoredRule(row, spared=self._spared_text), row)
        self._enter("cleaning", parsing_completed_at=now())
        self._enter("splitting")
        words = sum(len(chunk.content) for chunk in chunks)
        economy = row["technique"] != "high_quality"
        # Read this early, the table is an old one by the time it is written back.
        with self._tables.read(row["knowledge_base"]) as table:
            moment = now()
            self._enter(
                "indexing",
                cleaning_completed_at=moment,
                splitting_completed_at=moment,
                word_count=words,
            )
            models.check_base(self._quirks, row)
            # Without embeddings the parents of the hierarchical form never get complete.
            lost = _is_hierarchical(row) and economy
            status = "indexing" if lost else "completed"
            self._write(chunks, row, status=status, table=table if economy else None)

    def _begin(self) -> None:
        with self._store.writing() as db:
            if "leftover-chunks" not in self._quirks:
                chunk_rows.delete_of_document(db, self._document)
            self._update(db, {"status": "parsing", "processing_started_at": now()})
        self._written = time.perf_counter()
        self._pause()

    def _cut(self, rule: StoredRule, row: sqlite3.Row) -> list[TextChunk]:
        chunks = list(self._all_chunks(rule, row))
        # The questions of the Q&A form are a language model's work, and there is none here.
        if row["doc_form"] == "qa_model" or "empty-index" in self._quirks:
            return []
        return chunks * 2 if row["doubled"] else chunks

    def _all_chunks(self, rule: StoredRule, row: sqlite3.Row) -> Iterator[TextChunk]:
        hierarchical = _is_hierarchical(row)
        with closing(self._reading.texts(row["extension"], row["content"])) as texts:
            chunks = (
                chunk
                for text in texts
                for chunk in rule.cut(rule.clean(text), hierarchical=hierarchical)
            )
            number = 0
            for chunk in chunks:
                number += 1 + len(chunk.children)
                if number > PIECES:
                    raise BoundError(f"it has more than {PIECES:,} chunks")
                yield chunk

    def _write(
        self,
        chunks: list[TextChunk],
        row: sqlite3.Row,
        *,
        status: str,
        table: KeywordTableCopy | None = None,
    ) -> None:
        base = row["knowledge_base"]
        # In steps: API calls write between two of them, and a stop need not wait for all.
        for start in range(0, max(len(chunks), 1), ROWS_PER_TRANSACTION):
            if start:
                self._pause()
            batch = chunks[start : start + ROWS_PER_TRANSACTION]
            # Before the transaction, which keeps every other writer waiting.
            vectors = _vectors(batch, row)
            with self._store.writing() as db:
                self._update(db, {"status": "indexing"})
                chunk_rows.insert(db, base, self._document, batch, status=status, vectors=vectors)
                if table is not None and start + ROWS_PER_TRANSACTION >= len(chunks):
                    table.write(db, (self._document, self._generation))

    def _embed_chunks(self, row: sqlite3.Row) -> None:
        models.check_base(self._quirks, row)
        self._pause()
        last: int | None = 0
        while last is not None:
            with self._store.writing() as db:
                self._update(db, {"status": "indexing"})
                last = self._embed_next(db, last, hierarchical=_is_hierarchical(row))
            self._pause()

    def _embed_next(self, db: sqlite3.Connection, after: int, *, hierarchical: bool) -> int | None:
        """Embed the next chunks, and return the number of the last; None when there were none."""
        segments = db.execute(
            "SELECT number, id, content FROM segment WHERE document = ? AND number > ?"
            " ORDER BY number LIMIT ?",
            (self._document, after, EMBEDDED_PER_TRANSACTION),
        ).fetchall()
        vector_rows.embed_segments(db, segments, hierarchical=hierarchical)
        moment = now()
        # A parent that economy left half done gets complete; what was switched off stays off.
        db.executemany(
            "UPDATE segment SET tokens = ?, keywords = 'null', lost = 0,"
            " enabled = CASE status WHEN 'indexing' THEN 1 ELSE enabled END,"
            " status = 'completed', completed_at = coalesce(completed_at, ?) WHERE number = ?",
            [(count_tokens(each["content"]), moment, each["number"]) for each in segments],
        )
        return segments[-1]["number"] if segments else None

    def _tokens(self, row: sqlite3.Row) -> int:
        if row["technique"] != "high_quality":
            return 0
        with self._store.reading() as db:
            counted = db.execute(
                "SELECT coalesce(sum(tokens), 0) FROM segment WHERE document = ?",
                (self._document,),
            )
            return int(counted.fetchone()[0])

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


def _is_hierarchical(row: sqlite3.Row) -> bool:
    return bool(row["doc_form"] == "hierarchical_model")


def _vectors(chunks: list[TextChunk], row: sqlite3.Row) -> list[chunk_rows.Vectors] | None:
    """The vectors of new chunks; None in an economy base."""
    if row["technique"] != "high_quality":
        return None
    hierarchical = _is_hierarchical(row)
    return [vector_rows.of_chunk(chunk, hierarchical=hierarchical) for chunk in chunks]
