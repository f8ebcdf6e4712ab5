"""How tests are collected: without the garbage collector, and the longest begin first.

What is collected stays to the end of a run. The garbage collector would look through it again and
again and find nothing: two fifths of the time of a collection, in every worker. While tests run it
looks seldom: most of what they make is freed without it, and it took a twentieth of their time.

A story that asks in another place what is asked already (another version of the server, another
database, another installer) is marked `once_a_change`: it is left out unless KBSYNC_ALL_STORIES=1,
as `.ci/run` says.

A test that takes long says about how long, by its mark `seconds`. Every worker begins with its
share of them, so that none is left to run alone when all others have ended.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Generator, Iterable, Sequence
from itertools import islice
from pathlib import Path

import pytest

ALL_STORIES = bool(os.environ.get("KBSYNC_ALL_STORIES"))
ONCE = pytest.mark.once_a_change
SELDOM = 100_000  # objects that were made and not freed, instead of 700


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()
        gc.set_threshold(SELDOM)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not ALL_STORIES:
        leave_out(config, items, [each for each in items if each.get_closest_marker(ONCE.name)])
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    items[:] = dealt(items, workers)


def leave_out(
    config: pytest.Config, items: list[pytest.Item], unasked: Iterable[pytest.Item]
) -> None:
    """Take tests out of a run."""
    found = set(unasked)
    config.hook.pytest_deselected(items=list(found))
    items[:] = [item for item in items if item not in found]


def dealt(items: Sequence[pytest.Item], workers: int) -> list[pytest.Item]:
    """Deal the long ones out to the beginnings of the workers' parts, those of a folder to one.

    Tests of one folder want the same of a machine: stories of crashes, all at once, would only
    wait for each other, and what they say of time would not hold.

    Args:
        items: in the order they were found in, which the others keep.
        workers: among whom xdist divides the list into parts of one length, each as it stands.
    """
    parts: list[list[pytest.Item]] = [[] for _ in range(workers)]
    for folder in sorted(_by_folder(items), key=_total, reverse=True):
        min(parts, key=_total).extend(sorted(folder, key=_seconds, reverse=True))
    others = iter([each for each in items if not _seconds(each)])
    order: list[pytest.Item] = []
    for worker, part in enumerate(parts):
        length = (len(items) + worker) // workers
        order += part
        order += islice(others, max(0, length - len(part)))
    return [*order, *others]


def _by_folder(items: Sequence[pytest.Item]) -> list[list[pytest.Item]]:
    found: dict[Path, list[pytest.Item]] = {}
    for each in items:
        if _seconds(each):
            found.setdefault(each.path.parent, []).append(each)
    return list(found.values())


def _total(items: Sequence[pytest.Item]) -> float:
    return sum(map(_seconds, items))


def _seconds(item: pytest.Item) -> float:
    mark = item.get_closest_marker("seconds")
    return float(mark.args[0]) if mark else 0.0
