"""Whether the server lost the task of a document (docs/design.md section 7).

A document that waits is in a queue only while the queue lives. What the server did with the other
documents that were sent to it tells whether it does. To send a document again whose task is still
there doubles its chunks, so that proof of the loss comes first.
"""

from __future__ import annotations

import enum

from kbsync.lazy_dataclass import dataclass

# The server's own lock after a worker that died lasts ten minutes: what began is given twice that,
# and is not made anew as a probe before it is over for certain.
STILL_AFTER, STUCK_AFTER = 300.0, 1200.0
LOCKED_FOR = 900.0
# Two uploads answered within this time may be queued the other way round.
MARGIN = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A document the server has not done with yet, in seconds of the ledger's clock.

    Args:
        sent_at: when its upload was answered.
        moved_at: when its indexing last moved; before it began, when it was sent.
        waiting: its indexing has not begun.
    """

    sent_at: float
    moved_at: float
    waiting: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """What a server did with the documents that were sent to it, of every base and mirror.

    Args:
        overtaker: when the newest document was sent of those it is done with.
        ended_at: when it was last done with one.
        moving: when the oldest document was sent of those that moved or began just now.
        moved_at: when any last moved.
        sent_at: when the newest was sent.
    """

    overtaker: float | None = None
    ended_at: float | None = None
    moving: float | None = None
    moved_at: float | None = None
    sent_at: float | None = None


class Standing(enum.Enum):
    """How a document stands that the server has not done with."""

    MOVES = "it moved just now, or its turn may still come"
    STANDS = "it stands still, and so does what was sent after it"
    OVERTAKEN = "what was sent after it is done; its own task may still be there"
    LOST = "its task is gone"


def judge(sent: Sent, pulse: Pulse, *, now: float) -> Standing:
    """Return how a document stands.

    Args:
        sent: the document.
        pulse: of its server; `moving` since `now - STILL_AFTER`.
        now: seconds of the ledger's clock.
    """
    if now - sent.moved_at < STILL_AFTER:
        return Standing.MOVES
    overtaken = pulse.overtaker is not None and pulse.overtaker > sent.sent_at + MARGIN
    if not sent.waiting:
        return _begun(sent, pulse, now, overtaken=overtaken)
    if not overtaken:
        return Standing.STANDS
    # A worker may keep a task behind another one: what was sent before it comes first.
    earlier = pulse.moving is not None and pulse.moving < sent.sent_at
    return Standing.MOVES if earlier else Standing.LOST


def _begun(sent: Sent, pulse: Pulse, now: float, *, overtaken: bool) -> Standing:
    """Judge a document whose indexing began: a long one may stand still for long."""
    lives = pulse.ended_at is not None and pulse.ended_at - sent.moved_at > STUCK_AFTER
    if lives and now - sent.moved_at > STUCK_AFTER:
        return Standing.LOST
    return Standing.OVERTAKEN if overtaken else Standing.STANDS
