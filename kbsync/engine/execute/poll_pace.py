"""When the server is asked again how far indexing is. Pure: time is passed in.

A poll frees the room of what has ended, so that the next documents can be sent: it is due once
two thirds of what is under way have ended, at the rate that was just seen. Without an end it gets
rarer.
"""

from __future__ import annotations

SHORTEST, LONGEST = 0.1, 5.0
# Alone, a document is all that is waited for; and a fast server is asked as often.
SHORTEST_ALONE = 0.02
GROWTH = 1.5
# Of what is under way, so much may have ended at the next poll.
SHARE = 0.65


class PollPace:
    """The interval between two polls.

    Args:
        now: seconds.

    Attributes:
        interval: seconds from the end of one poll to the next.
        polled_at: when the last one ended.
    """

    def __init__(self, now: float) -> None:
        self.interval = SHORTEST
        self._ended_at = self._began_at = self.polled_at = now
        self._each = self._slower = float("inf")
        self._idle = True

    def begin(self, now: float) -> None:
        """Note that there is something to ask for again."""
        self._ended_at = now

    def restart(self, *, alone: bool) -> None:
        """Note that a document was sent; `alone`: it is the only one that is followed."""
        if alone or self._idle:  # otherwise the rate that was seen says when it is done
            self.interval = min(self.interval, SHORTEST_ALONE if alone else SHORTEST)

    def poll(self, now: float) -> None:
        """Note that the server is asked now."""
        self._began_at = now

    def polled(self, now: float, *, ended: int, under_way: int) -> None:
        """Note an answer.

        Args:
            now: seconds.
            ended: how many documents were seen to end.
            under_way: how many there are now; the room for them, while more are sent.
        """
        self._idle, self.polled_at = not ended, now
        if not ended:
            self._slower = float("inf")
            self.interval = min(LONGEST, self.interval * GROWTH)
            return
        # One more than was seen, and the faster of two rates: a server that waits for work costs
        # more than a poll.
        each = max(0.0, self._began_at - self._ended_at) / (ended + 1)
        self._ended_at = self._began_at
        faster, self._slower, self._each = min(each, self._each), max(each, self._each), each
        asking = now - self._began_at
        due = faster * under_way * SHARE - asking if under_way > 1 else 0.0
        self.interval = max(SHORTEST_ALONE, min(due, 2 * max(self.interval, SHORTEST), LONGEST))

    def ends_within(self, seconds: float) -> int:
        """Return how many documents end in so many seconds, at the slower of the last two rates."""
        return int(seconds / self._slower) if self._slower else 0
