"""What stands still of the documents that are followed, and since when nothing moved.

`waiting` is a queue only while the queue lives: what the server did with the other documents it was
sent tells which tasks are lost (planning/standstill.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace

from kbsync.engine.context import Context
from kbsync.engine.observe.standing import pulse_of
from kbsync.lazy_dataclass import dataclass
from kbsync.model import DocKey
from kbsync.planning.standstill import STILL_AFTER, Pulse, Sent, Standing, judge

LOOK_EVERY = 60.0


@dataclass(slots=True)
class TrackedDocument:
    """One document on its way.

    Args:
        since: when it last made progress, as the ledger knows it.
        sent_at: when its upload was answered.
        started: when following it began.
        chunks: how many were done then; None while it waits in the server's queue.
        replaces: it had chunks of an earlier upload.
        made: it was made since the pool began, by an upload that was answered.
        named: it was named as lost.
    """

    document_id: str
    since: float
    sent_at: float
    started: float
    chunks: int | None = None
    replaces: bool = False
    made: bool = False
    named: bool = False

    @property
    def waiting(self) -> bool:
        """Whether its indexing has not begun."""
        return self.chunks is None


class Standstill:
    """Judges the documents that are followed; the server's other documents are in the ledger.

    Attributes:
        overtaken: keys whose document stands still though later ones are done.
        looked: whether the server's pulse was read.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._pulse = Pulse()
        self._looked_at = float("-inf")
        self._ended_at = float("-inf")
        self._first = float("inf")
        self._overtaker = float("-inf")
        self._ends: list[tuple[float, float]] = []
        self.overtaken: AbstractSet[DocKey] = frozenset()

    def renew(self, context: Context) -> None:
        """Go on in `context`."""
        self._context = context

    def ended(self, each: TrackedDocument) -> None:
        """Note that the server is done with a document; the ledger may learn it much later."""
        now = self._context.clock.now()
        self._ends = [(sent, at) for sent, at in self._ends if now - at < STILL_AFTER]
        self._ends.append((each.sent_at, now))
        self._overtaker = max(self._overtaker, each.sent_at)
        self._ended_at, self._first = now, float("inf")
        self._looked_at = float("-inf")

    def _seen(self, pulse: Pulse) -> Pulse:
        """Return `pulse` with what this process saw end."""
        now = self._context.clock.now()
        moving = [sent for sent, at in self._ends if now - at < STILL_AFTER]
        moving += [] if pulse.moving is None else [pulse.moving]
        return replace(
            pulse,
            overtaker=max(self._overtaker, pulse.overtaker or float("-inf")),
            ended_at=max(self._ended_at, pulse.ended_at or float("-inf")),
            moving=min(moving, default=None),
        )

    @property
    def looked(self) -> bool:
        """Whether the pulse of the server is known."""
        return self._looked_at > float("-inf")

    def judge(self, tracked: Mapping[DocKey, TrackedDocument]) -> list[DocKey]:
        """Return the keys whose task is known to be lost; each is named once."""
        now = self._context.clock.now()
        still = {key: each for key, each in tracked.items() if now - each.since >= STILL_AFTER}
        if still and now - self._looked_at >= LOOK_EVERY:
            self._pulse, self._looked_at = self._seen(pulse_of(self._context)), now
        stands = {key: self._standing(each, now) for key, each in still.items()}
        late = (Standing.OVERTAKEN, Standing.LOST)
        self.overtaken = frozenset(key for key, each in stands.items() if each in late)
        lost = [key for key, each in stands.items() if each is Standing.LOST]
        lost = [key for key in lost if not tracked[key].named]
        for key in lost:
            tracked[key].named = True
        return lost

    def _standing(self, each: TrackedDocument, now: float) -> Standing:
        sent = Sent(sent_at=each.sent_at, moved_at=each.since, waiting=each.waiting)
        return judge(sent, self._pulse, now=now)

    def moved_at(self, tracked: Mapping[DocKey, TrackedDocument]) -> float:
        """Return when anything the server was sent last moved; to be sent is a move at first."""
        # That indexing begins is no move: a worker may begin everything and end nothing.
        moved = [e.since for e in tracked.values() if e.chunks and e.since > e.sent_at]
        moved += [at for at in (self._pulse.moved_at, self._ended_at) if at is not None]
        # A document that is made anew as a probe does not move by that.
        self._first = min([self._first, *(each.sent_at for each in tracked.values())])
        return max([self._first, *moved]) if tracked else self._context.clock.now()

    def sent_at(self, tracked: Mapping[DocKey, TrackedDocument]) -> float:
        """Return when anything was last sent to the server."""
        sent = [each.sent_at for each in tracked.values()]
        return max([*sent, self._pulse.sent_at or float("-inf")], default=float("-inf"))
