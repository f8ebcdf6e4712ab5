"""Whether a stat speaks for a file's content: one taken within a tick of its times does not.

Two writes within one tick of a file system's clock leave the same times, and often the same size.
Git calls such a file racily clean. Ticks are 1 to 10 ms on Linux, but up to two seconds where whole
seconds are kept (ext3, FAT, some file servers), which the times themselves show.
"""

from __future__ import annotations

import os

from kbsync.model import Stat
from kbsync.model.files import NO_CTIME

SECOND_NS = 1_000_000_000
TICK_NS, COARSE_TICK_NS = SECOND_NS // 10, 2 * SECOND_NS + SECOND_NS // 10
# Clocks of file servers run a little ahead. A time further ahead was set by hand, or before the
# clock was set back: a write from now on gets another one, and waiting for it could take years.
AHEAD_NS = 60 * SECOND_NS


def rested(found: os.stat_result, now: int, *, trust_ctime: bool = True) -> bool:
    """Return whether a write from `now` on would show in the times of `found`.

    Args:
        found: a file's stat.
        now: nanoseconds since the epoch.
        trust_ctime: its change time is set by changes alone.
    """
    times = times_of(found, trust_ctime=trust_ctime)
    coarse = any(each and each % SECOND_NS == 0 for each in times)
    tick = COARSE_TICK_NS if coarse else TICK_NS
    return not any(-AHEAD_NS < now - each < tick for each in times)


def times_of(found: os.stat_result, *, trust_ctime: bool = True) -> tuple[int, int]:
    """Return mtime and ctime in nanoseconds; 0 for a change time that says nothing.

    A writer can put the modification time back, but not the change time.
    """
    return found.st_mtime_ns, found.st_ctime_ns if trust_ctime else 0


def stat_of(found: os.stat_result, *, settled: bool, trust_ctime: bool = True) -> Stat:
    """Return `found` as the ledger keeps it.

    Args:
        found: a file's stat.
        settled: it speaks for the content; otherwise no later look is equal to it.
        trust_ctime: as for `times_of`.
    """
    mtime, ctime = times_of(found, trust_ctime=trust_ctime)
    return Stat(found.st_size, mtime, found.st_ino, ctime if settled else NO_CTIME)
