"""How tests are collected: without the garbage collector, and the longest begin first.

What is collected stays to the end of a run. The garbage collector would look through it again and
again and find nothing: two fifths of the time of a collection, in every worker.

A test that takes long says about how long, by its mark `seconds`. Every worker begins with its
share of them, so that none is left to run alone when all others have ended.
"""

from __future__ import annotations

import gc
from collections.abc import Generator, Sequence
from itertools import islice

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    items[:] = dealt(items, workers)


def dealt(items: Sequence[pytest.Item], workers: int) -> list[pytest.Item]:
    """Deal the long ones out, the longest first, to the beginnings of the workers' parts.

    Args:
        items: in the order they were found in, which the others keep.
        workers: among whom xdist divides the list into parts of one length, each as it stands.
    """
    long = sorted((each for each in items if _seconds(each)), key=_seconds, reverse=True)
    others = iter([each for each in items if not _seconds(each)])
    order: list[pytest.Item] = []
    for worker in range(workers):
        part = long[worker::workers]
        length = (len(items) + worker) // workers
        order += part
        order += islice(others, length - len(part))
    return order


def _seconds(item: pytest.Item) -> float:
    mark = item.get_closest_marker("seconds")
    return float(mark.args[0]) if mark else 0.0
