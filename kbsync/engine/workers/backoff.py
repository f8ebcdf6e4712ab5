"""Back-off and jitter: how long to rest after failures, and times a little apart."""

from __future__ import annotations

import random

FIRST_REST, LONGEST_REST = 1.0, 600.0
LONGEST_PROBE = 60.0
JITTER = 0.1


def jittered(seconds: float) -> float:
    """Return `seconds`, a tenth more or less, so that many mirrors do not beat in time."""
    return seconds * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - no secret


def rest_after(failures: int, *, longest: float = LONGEST_REST) -> float:
    """Return how long to rest before the next try, in seconds, with full jitter.

    Args:
        failures: how often in a row it failed.
        longest: the cap in seconds.
    """
    growing = FIRST_REST * 2.0 ** min(failures, 30)
    return random.uniform(0.1, min(longest, growing))  # noqa: S311 - no secret
