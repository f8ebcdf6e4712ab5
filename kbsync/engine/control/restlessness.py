"""Files that never rest: what they cost has a bound. Pure: time is passed in.

The first uploads of a document within an hour are free, so that a person who edits sees each save
in the base. After them each has to wait twice as long as the one before.
"""

from __future__ import annotations

from kbsync.model import Restless

HOUR = 3600.0
FREE = 3
LONGEST_DISTANCE = 900.0
_ENOUGH = 20  # doublings after which any interval is longer than the longest distance


def distance(uploads: int, interval: float) -> float:
    """Return the seconds between a document's last upload and its next.

    Args:
        uploads: of that document in the last hour.
        interval: the mirror's `update_interval`; 0 means no distance.
    """
    if uploads < FREE or not interval:
        return 0.0
    return max(interval, min(LONGEST_DISTANCE, interval * 2.0 ** min(uploads - FREE, _ENOUGH)))


def next_upload(restless: Restless | None, interval: float) -> float:
    """Return when a document may be uploaded again, in seconds of the ledger's clock."""
    if restless is None:
        return float("-inf")
    return restless.last + distance(restless.uploads, interval)


def longest_settling(settle: float) -> float:
    """Return how long changes may put off the reading of a file that keeps changing."""
    return max(60.0, 10 * settle)
