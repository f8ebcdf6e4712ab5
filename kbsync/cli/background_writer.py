"""Writes what a verb says in a thread of its own: a slow reader holds up nothing else."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import copy_context
from queue import SimpleQueue

from kbsync.cli.descriptor import Descriptor


class BackgroundWriter:
    """Writes pieces in the order in which they come.

    Args:
        most: bytes that may wait; None for any number.
        patience: seconds that the end waits for a reader; None for ever.
        failed: called in the thread when a descriptor begins to refuse what is said.
        healed: called there when something is written again, with how many pieces were lost.
    """

    def __init__(
        self,
        *,
        most: int | None = None,
        patience: float | None = None,
        failed: Callable[[Descriptor], None] = lambda descriptor: None,
        healed: Callable[[int], None] = lambda lost: None,
    ) -> None:
        self._most = most
        self._patience = patience
        self._failed = failed
        self._healed = healed
        self._waiting = SimpleQueue[tuple[Descriptor, bytes] | None]()
        self._bytes = 0
        self._lost = 0
        self._lock = threading.Lock()
        work = (copy_context().run, self._work)  # how this process was started is in there
        self._thread = threading.Thread(target=work[0], args=work[1:], name="output", daemon=True)
        self._thread.start()

    def add(self, descriptor: Descriptor, piece: bytes) -> None:
        """Write `piece` in its turn; it is lost where too much waits already."""
        with self._lock:
            if self._most is not None and self._bytes + len(piece) > self._most:
                self._lost += 1
                return
            self._bytes += len(piece)
        self._waiting.put((descriptor, piece))

    def finish(self) -> bool:
        """Write what waits; return False where the reader is too slow for that."""
        self._waiting.put(None)
        self._thread.join(self._patience)
        return not self._thread.is_alive()

    def _work(self) -> None:
        while (said := self._waiting.get()) is not None:
            descriptor, piece = said
            sound = descriptor.fault is None
            written = descriptor.write(piece)
            if lost := self._counted(len(piece), written=written):
                self._healed(lost)
            if sound and not written:
                self._failed(descriptor)

    def _counted(self, size: int, *, written: bool) -> int:
        """Return how many pieces were lost, once one is written and there is room for more."""
        with self._lock:
            self._bytes -= size
            self._lost += not written
            if not written or (self._most is not None and self._bytes > self._most // 2):
                return 0
            lost, self._lost = self._lost, 0
            return lost
