"""The workers of a pool: each takes a key, visits it, and takes the next one.

A worker goes on as soon as the call for its key was answered. What is to be written down of the
answer, and the intent of its next call, then share a transaction (engine/group_commit.py).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio
from anyio.abc import TaskGroup

from kbsync.engine.workers.queue import KeyQueue
from kbsync.engine.workers.wakeup import Wakeup
from kbsync.messages import Problem
from kbsync.model import DocKey

Visit = Callable[[DocKey, Callable[[], None]], Awaitable[None]]


class Crew:
    """Hands keys to workers.

    Args:
        queue: the keys that are out are given back to it.
        wakeup: of the pool.
        take: returns the next key, None while there is none.
        visit: works on a key; calls what it is given once the server has answered.
        paused_for: for how many seconds the server wants no writes.
        due_in: seconds until a key that waits is due, None while none waits.
    """

    def __init__(
        self,
        *,
        queue: KeyQueue,
        wakeup: Wakeup,
        take: Callable[[], DocKey | None],
        visit: Visit,
        paused_for: Callable[[], float],
        due_in: Callable[[], float | None],
    ) -> None:
        self._queue = queue
        self._wakeup = wakeup
        self._take = take
        self._visit = visit
        self._paused_for = paused_for
        self._due_in = due_in

    def start(self, group: TaskGroup, over: Callable[[], bool], *, workers: int) -> None:
        """Let so many workers work in `group` until `over`."""
        for _ in range(workers):
            group.start_soon(self._work, group, over)

    async def _work(self, group: TaskGroup, over: Callable[[], bool]) -> None:
        while not over():
            if (pause := self._paused_for()) > 0:
                await self._wakeup.sleep(pause)  # here, where no call is begun, a stop ends it
                continue
            key = self._take()
            if key is None:
                await self._wakeup.wait(self._due_in())
                continue
            answered = anyio.Event()
            group.start_soon(self._visited, key, answered)
            await answered.wait()
        self._wakeup.wake()

    async def _visited(self, key: DocKey, answered: anyio.Event) -> None:
        try:
            await self._visit(key, answered.set)
        except Problem as problem:
            self._wakeup.fail(problem)
        finally:
            answered.set()
            self._queue.done(key)
            self._wakeup.wake()
