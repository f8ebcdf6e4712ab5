"""The rows of the table in groups: what is measured together stands in one file."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from benchmarks.figures import Result
from benchmarks.rows import (
    big_file,
    concurrency,
    daemon,
    first_apply,
    inside,
    profiles,
    refresh,
    start_up,
    unchanged,
)
from benchmarks.suite import Suite

Group = Callable[[Suite], Iterator[Result]]

GROUPS: dict[str, Group] = {
    "start-up": start_up.measure,
    "unchanged": unchanged.measure,
    "inside": inside.measure,
    "first-apply": first_apply.measure,
    "refresh": refresh.measure,
    "daemon": daemon.measure,
    "big-file": big_file.measure,
    "concurrency": concurrency.measure,
    "profiles": profiles.measure,
}
