"""Back-off and jitter: growing waits after failures, and times a little apart."""

from __future__ import annotations

import random

FIRST, LONGEST = 1.0, 600.0
# Between two uploads of a document whose indexing failed.
FIRST_RETRY, LONGEST_RETRY = 60.0, 3600.0
LEAST = 0.1
JITTER = 0.1
MOST_DOUBLINGS = 30  # the caps are reached long before; at 1024 a float overflows


def jittered(seconds: float) -> float:
    """Return `seconds`, a tenth more or less, so that many mirrors do not act at once."""
    return seconds * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - no secret


def doubled(first: float, times: int, *, longest: float) -> float:
    """Return `first` doubled so many times, `longest` at most, in seconds."""
    return min(longest, first * 2.0 ** min(times, MOST_DOUBLINGS))


def delay_after(failures: int, *, first: float = FIRST, longest: float = LONGEST) -> float:
    """Return how long to wait before the next try, in seconds, with full jitter.

    Args:
        failures: how often in a row it failed.
        first: doubled with each of them.
        longest: the cap in seconds.
    """
    # Full jitter: after an outage, mirrors and keys come back spread over the whole wait.
    longest = doubled(first, failures, longest=longest)
    return random.uniform(LEAST, longest)  # noqa: S311 - no secret
