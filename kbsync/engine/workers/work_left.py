"""What is left to do in a pool: keys that wait, documents being indexed, marks to be written."""

from __future__ import annotations

import math
from collections import Counter

from kbsync.engine.context import Context
from kbsync.engine.execute.indexing import IndexingTracker
from kbsync.engine.execute.marking import MarkWriter
from kbsync.engine.execute.results import Report, Unfinished
from kbsync.engine.workers.backlog import Backlog
from kbsync.engine.workers.canary import Canary
from kbsync.engine.workers.key_progress import ProgressTable
from kbsync.engine.workers.queue import KeyQueue
from kbsync.engine.workers.room import Room
from kbsync.messages import Notice, moment
from kbsync.messages import engine as say
from kbsync.model import Action, DocKey
from kbsync.planning.plan import name_of

# A pass ends without documents that the server makes no progress with; the next one finds them.
PATIENCE = 1200.0


class WorkLeft:
    """Counts it; the pool fills what is counted."""

    _context: Context
    _room: Room
    _queue: KeyQueue
    _backlog: Backlog
    _tracker: IndexingTracker
    _marks: MarkWriter
    _canary: Canary
    _progress: ProgressTable
    _sent: dict[DocKey, str]
    report: Report

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
    def oldest(self) -> float | None:
        """Since when the oldest key waits, is worked on or indexed; None without one."""
        return self._progress.oldest

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

    def _note_end(self, key: DocKey, action: Action) -> None:
        """Note that `action` is through; what it sent is done when its document is found."""
        self.report.stopped.pop(key, None)
        if key in self._tracker.keys:
            self._sent[key] = name_of(action)
        else:
            self._sent.pop(key, None)

    def note_left(self, report: Report) -> None:
        """Write into `report` what is not done."""
        indexing = self._tracker.keys
        waiting = {*self._queue.keys, *self._backlog, *self._canary} - indexing
        report.indexing, report.waiting = self.indexing, self.waiting
        unproved = [key for key in self._sent if key in indexing or key in report.stopped]
        report.unproved = Counter(self._sent[key] for key in unproved)
        report.unfinished = Unfinished(
            indexing=tuple(sorted(indexing)), waiting=tuple(sorted(waiting))
        )

    # -- what is waited for ----------------------------------------------------------------------

    @property
    def still_for(self) -> float:
        """Seconds since the server moved in what it is to index; endless while it has nothing."""
        since = self._tracker.still_since
        return math.inf if since is None else self._context.clock.now() - since

    def waits(self) -> Notice | None:
        """Return what is waited for, None where it is the answer to a call."""
        now, paused = self._context.clock.now(), self._context.remote.paused_for()
        words = {"mirror": self._context.mirror.name, "server": self._context.mirror.server.url}
        if paused > 0:
            return say.SERVER_PAUSES(until=moment(now + paused), **words)
        since = self._tracker.still_since
        if since is not None:
            stands = say.NOTHING_MOVES(count=self.indexing, since=moment(since), **words)
            return self._room.stands(self._context) or stands
        due = self._queue.next_due()
        if due is None or self._queue.active:
            return None
        return say.KEYS_WAIT(count=self._queue.waiting, until=moment(due), **words)
