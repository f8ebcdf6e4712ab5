"""When a stat speaks for a file's content: not within a tick of the clock that made its times."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import cast

import pytest

from kbsync.model import Stat
from kbsync.model.files import NO_CTIME
from kbsync.source.ticks import SECOND_NS, rested, stat_of

NOW = 1_800_000_000 * SECOND_NS + 123_456_789
MS = SECOND_NS // 1000
WHOLE = NOW // SECOND_NS * SECOND_NS


def found(mtime: int, ctime: int) -> os.stat_result:
    """A stat of which only what is asked for is there."""
    made = SimpleNamespace(st_size=12, st_ino=7, st_mtime_ns=mtime, st_ctime_ns=ctime)
    return cast("os.stat_result", made)


@pytest.mark.parametrize(
    ("mtime", "ctime", "speaks"),
    [
        (NOW - 500 * MS, NOW - 500 * MS, True),
        (NOW - 5 * MS, NOW - 5 * MS, False),
        (NOW - 500 * MS, NOW - 5 * MS, False),  # its time was put back a moment ago
        (NOW - 5 * MS, NOW - 500 * MS, False),  # where the change time is the time of birth
        (WHOLE - SECOND_NS, WHOLE - SECOND_NS, False),  # ticks of a second or two
        (WHOLE - 3 * SECOND_NS, WHOLE - 3 * SECOND_NS, True),
        (NOW + 5 * SECOND_NS, NOW + 5 * SECOND_NS, False),  # a file server whose clock is ahead
        (NOW + 3600 * SECOND_NS, NOW - 500 * MS, True),  # set by hand
        (NOW + 3600 * SECOND_NS, NOW + 3600 * SECOND_NS, True),  # the clock was set back
        (0, NOW - 500 * MS, True),
    ],
)
def test_a_write_from_now_on_would_show(mtime: int, ctime: int, speaks: bool) -> None:
    assert rested(found(mtime, ctime), NOW) is speaks


def test_a_change_time_that_says_nothing_counts_nowhere() -> None:
    touched = found(NOW - 500 * MS, NOW)
    assert not rested(touched, NOW)
    assert rested(touched, NOW, trust_ctime=False)
    assert stat_of(touched, settled=True, trust_ctime=False) == Stat(12, NOW - 500 * MS, 7, 0)


def test_what_does_not_speak_for_the_content_is_equal_to_no_file() -> None:
    young = found(NOW, NOW)
    kept = stat_of(young, settled=False)
    assert kept == Stat(12, NOW, 7, NO_CTIME)
    later = stat_of(young, settled=True)
    assert kept != later
    assert kept.agrees(later)
    assert later.agrees(kept)
    assert later.doubted == kept
    assert not kept.agrees(later._replace(size=13))
    assert not later.agrees(later._replace(ctime_ns=NOW + 1))
    assert not later.agrees(None)
