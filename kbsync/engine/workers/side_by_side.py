"""Work on many things at once, a few at a time; the first that cannot go on ends it for all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

import anyio

from kbsync.messages import Problem

T = TypeVar("T")


async def side_by_side(
    things: Iterable[T], work: Callable[[T], Awaitable[None]], *, at_once: int
) -> None:
    """Await `work` for each of `things`, `at_once` of them at a time, begun in their order.

    Raises:
        Problem: the first that `work` raised; nothing more was begun then.
    """
    left, problems = iter(things), list[Problem]()

    async def worker() -> None:
        for thing in left:
            if problems:
                return
            try:
                await work(thing)
            except Problem as problem:
                problems.append(problem)

    async with anyio.create_task_group() as group:
        for _ in range(at_once):
            group.start_soon(worker)
    if problems:
        raise problems[0]
