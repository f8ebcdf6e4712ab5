"""How fast a mirror is kept: the times of a keeper, and rests that grow."""

from __future__ import annotations

import random
from dataclasses import dataclass

FIRST_REST, LONGEST_REST = 1.0, 600.0
LONGEST_PROBE = 60.0
JITTER = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """The times of one mirror, all in seconds.

    Args:
        settle: a file is read once it has rested so long.
        delete_grace: a file has to be gone so long before its document is deleted.
        local_resync: the folder is compared in full so often.
        remote_resync: the base is listed so often.
    """

    settle: float = 1.0
    delete_grace: float = 30.0
    local_resync: float = 900.0
    remote_resync: float = 3600.0


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
