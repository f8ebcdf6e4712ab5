"""The room at the server: how many documents are under way, and one more to see whether it works.

While nothing moves of what was sent, one more upload may pass: a document that is done although it
was sent later proves that the server works, and that what it overtook has lost its task.
"""

from __future__ import annotations

from collections.abc import Iterator

from kbsync.engine.context import Context
from kbsync.engine.execute.indexing import IndexingTracker
from kbsync.engine.workers.canary import Canary
from kbsync.engine.workers.room_share import RoomShare
from kbsync.messages import Notice, moment
from kbsync.messages import engine as say
from kbsync.model import DocKey
from kbsync.planning.standstill import STILL_AFTER

LONGEST = 3600.0


class Room:
    """Counts what is under way at the server.

    Args:
        tracker: follows the documents there.
        share: of the room at the base.

    Attributes:
        probes: how many uploads passed beyond that since anything moved.
    """

    def __init__(self, tracker: IndexingTracker, share: RoomShare) -> None:
        self._tracker = tracker
        self._share = share
        self._probe: DocKey | None = None
        self.probes = 0

    def is_taken(self, key: DocKey) -> bool:
        """Whether the document of `key` was sent before the pool began, and takes room already."""
        return key in self._share.earlier

    def full(self, key: DocKey) -> bool:
        """Whether as many are under way as may be, `key` not counted."""
        return self._share.closed if key == self._probe else self._share.full(key)

    def take(self, key: DocKey) -> None:
        """Count `key`, before its call: the workers together would take too much."""
        self._share.take(key)

    def free(self, key: DocKey) -> None:
        """Count `key` no more, unless its document is followed."""
        self._share.free(key)
        if key == self._probe:
            self._probe = None

    # -- the one more --------------------------------------------------------------------------

    def probe_due(self) -> bool:
        """Whether nothing has moved for so long that one more may pass; longer each time."""
        if self._tracker.idle_for < STILL_AFTER:
            self.probes = 0  # something moved since
        rest = min(LONGEST, STILL_AFTER * 2**self.probes)
        return self._probe is None and self._tracker.quiet_for >= rest

    def to_send_anew(self, canary: Canary, *, probe: bool) -> Iterator[DocKey]:
        """Yield the keys whose task is lost, and one that stands still when it has to be the probe.

        Args:
            canary: an update whose indexing began and stands may have stopped the server's worker:
                no other is to follow it there.
            probe: nothing else can be sent.
        """
        for key in self._tracker.lost():
            if self._tracker.waits(key) or not canary.holds(key):
                yield key
        chosen = self._tracker.to_probe_with() if probe and self.probe_due() else None
        if chosen is not None and (self._tracker.waits(chosen) or not canary.holds(chosen)):
            self.let_pass(chosen)
            yield chosen

    def let_pass(self, key: DocKey) -> None:
        """Let the upload of `key` pass."""
        self._probe = key

    def probing(self, key: DocKey) -> bool:
        """Whether `key` is the one that passes."""
        return key == self._probe

    def stands(self, context: Context) -> Notice | None:
        """Return that nothing moves at the server, the probe included; None while it may."""
        count, quiet = len(self._tracker), self._tracker.quiet_for
        if not count or not self.probes or quiet < STILL_AFTER:
            return None
        since = context.clock.now() - self._tracker.idle_for
        return say.WORKER_STANDS(
            mirror=context.mirror.name, server=context.mirror.server.url, since=moment(since)
        )

    def sent(self, key: DocKey) -> None:
        """Note that `key` was uploaded."""
        self.probes += key == self._probe
