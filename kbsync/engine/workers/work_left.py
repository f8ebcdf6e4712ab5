"""What is left to do in a pool: keys that wait, documents being indexed, marks to be written."""

from __future__ import annotations

from kbsync.engine.execute.indexing import IndexingTracker
from kbsync.engine.execute.marking import MarkWriter
from kbsync.engine.workers.backlog import Backlog
from kbsync.engine.workers.canary import Canary
from kbsync.engine.workers.queue import KeyQueue

# A pass ends without documents that the server makes no progress with; the next one finds them.
PATIENCE = 1200.0


class WorkLeft:
    """Counts it; the pool fills what is counted."""

    _queue: KeyQueue
    _backlog: Backlog
    _tracker: IndexingTracker
    _marks: MarkWriter
    _canary: Canary

    @property
    def indexing(self) -> int:
        """How many documents are followed."""
        return len(self._tracker)

    @property
    def waiting(self) -> int:
        """How many keys are worked on or wait for their turn."""
        queue = self._queue
        return queue.waiting + queue.active + len(self._backlog) + len(self._canary)

    @property
    def marking(self) -> int:
        """How many marks are to be written or read back."""
        return len(self._marks)

    @property
    def busy(self) -> bool:
        """Whether anything is worked on, waits for its turn, is indexed or to be marked."""
        return bool(self.waiting or self.indexing or self.marking)

    @property
    def idle(self) -> bool:
        """No key is worked on or waits for its first turn."""
        return not (self._queue.active or self._backlog)

    @property
    def finished(self) -> bool:
        """No key is worked on or waits for anything, and no document is being indexed."""
        return self._queue.idle and not self.indexing

    @property
    def polling(self) -> bool:
        """The server is being asked how far indexing is."""
        return self._tracker.polling

    @property
    def stalled(self) -> bool:
        """The server makes no progress any more with what it was sent."""
        return self._tracker.stood_for(PATIENCE)
