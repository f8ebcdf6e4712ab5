"""The worker slots: a bounded number of threads that index documents one after the other."""

from __future__ import annotations

import logging
import queue
import sqlite3
import threading
from contextlib import suppress
from enum import Enum, auto
from typing import Final

from .pipeline import STEPS, EndOfRunError, OvertakenError, Pipeline
from .quirks import Quirks
from .store import Store

_log = logging.getLogger(__name__)
_UNFINISHED: Final = """
SELECT id, generation FROM document
WHERE status NOT IN ('completed', 'error') AND wedged = 0 ORDER BY number
"""


class Task(Enum):
    """What a slot does with an upload; the last two only come from `wedging-update`."""

    INDEX = auto()
    WEDGE = auto()  # leave the document `indexing` and never come back
    BLOCK = auto()  # wait for the row the wedged update holds, and never come back


class _StoppingError(EndOfRunError):
    """The server stops: what is unfinished stays so and is taken up at the next start."""


class Indexers:
    """Indexes documents in the background.

    Args:
        store: where documents and chunks are.
        quirks: `stuck-indexing` is imitated here.
        delay: seconds each document takes at least, spread evenly over its states.
        slots: how many documents are indexed at the same time.
    """

    def __init__(self, store: Store, quirks: Quirks, *, delay: float, slots: int) -> None:
        self._store = store
        self._quirks = quirks
        self._delay = delay
        self._waiting: queue.SimpleQueue[tuple[Task, str, int] | None] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._work, name=f"indexer-{number}", daemon=True)
            for number in range(slots)
        ]

    def start(self) -> None:
        """Take up what an earlier run left unfinished, then whatever is submitted."""
        with self._store.writing() as db:
            # Restarting gives the slots of wedged documents back, but not the documents.
            db.execute("UPDATE document SET wedged = 2 WHERE wedged = 1")
            unfinished = db.execute(_UNFINISHED).fetchall()
        for row in unfinished:
            self.submit(row["id"], row["generation"])
        for thread in self._threads:
            thread.start()

    def submit(self, document: str, generation: int, task: Task = Task.INDEX) -> None:
        """Queue one upload of one document."""
        if "stuck-indexing" not in self._quirks:
            self._waiting.put((task, document, generation))

    def stop(self) -> None:
        """End every slot between two states of its document, and wait for that."""
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

    def _do(self, task: Task, document: str, generation: int) -> None:
        pipeline = Pipeline(
            self._store,
            self._quirks,
            document,
            generation,
            pause=self._pause,
            every_state=self._delay > 0,
        )
        with suppress(OvertakenError):
            if task is Task.INDEX:
                pipeline.run()
            elif task is Task.WEDGE:
                pipeline.wedge()
        if task is not Task.INDEX:
            self._stop.wait()

    def _pause(self) -> None:
        if self._stop.wait(self._delay / STEPS):
            raise _StoppingError
