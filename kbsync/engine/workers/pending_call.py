"""A call whose answer is waited for, and how that is said."""

from __future__ import annotations

from kbsync.lazy_dataclass import dataclass
from kbsync.messages import Notice, moment
from kbsync.messages import engine as say


@dataclass(slots=True)
class PendingCall:
    """A call whose answer is waited for.

    Args:
        what: that is asked for or sent.
        since: when it was first asked for, in seconds of the clock.
        tries: how often it was asked for.
        until: when it goes on: a turn, or the next try; None while the server has it.
        why: the last try brought nothing.
    """

    what: str
    since: float
    tries: int = 0
    until: float | None = None
    why: Notice | None = None


def waits_for(call: PendingCall, server: str) -> Notice:
    """Return what is waited for, as it is said after a while."""
    state = (
        "it has the call now" if call.until is None else f"the next try is at {moment(call.until)}"
    )
    if call.until is not None and not call.tries:
        state = f"its turn comes at {moment(call.until)} (requests_per_minute)"
    if call.why is not None:
        state = f"{state}; the last time: {call.why.text}"
    words = {"what": call.what, "since": moment(call.since), "tries": call.tries}
    return say.ANSWER_WAITS(server=server, state=state, **words)
