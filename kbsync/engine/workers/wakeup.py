"""What the tasks of a pool wait on: something changed, or all of them have to end."""

from __future__ import annotations

import math
from collections.abc import Callable

import anyio

from kbsync.messages import Problem


class Wakeup:
    """Wakes every task that waits; remembers that they have to end, and why.

    Attributes:
        stopping: no new work is begun.
        problem: the first one that ended it, None when there was none.
    """

    def __init__(self) -> None:
        self._changed = anyio.Event()
        self._ending = anyio.Event()
        self.stopping = False
        self.problem: Problem | None = None

    def wake(self) -> None:
        """Wake every task that waits."""
        self._changed.set()
        self._changed = anyio.Event()

    def stop(self) -> None:
        """Let every task come to an end."""
        self.stopping = True
        self._ending.set()
        self.wake()

    def fail(self, problem: Problem) -> None:
        """Let every task come to an end because of `problem`."""
        self.problem = self.problem or problem
        self.stop()

    async def wait(self, seconds: float | None = None) -> None:
        """Wait for the next `wake`, `seconds` at most."""
        changed = self._changed
        with anyio.move_on_after(math.inf if seconds is None else seconds):
            await changed.wait()

    async def sleep(self, seconds: float) -> None:
        """Sleep, whatever changes meanwhile; a stop ends it."""
        with anyio.move_on_after(seconds):
            await self._ending.wait()


def thread_safe(call: Callable[[], None]) -> Callable[[], None]:
    """Return a function for other threads: it runs `call` soon in this event loop.

    What is requested after the loop has ended is dropped.
    """
    soon = _soon()

    def request() -> None:
        try:
            soon(call)
        except RuntimeError:  # the loop has ended
            return

    return request


def _soon() -> Callable[[Callable[[], None]], object]:
    import asyncio  # noqa: PLC0415 - one of the two is loaded already

    try:
        return asyncio.get_running_loop().call_soon_threadsafe
    except RuntimeError:
        import trio  # noqa: PLC0415

        return trio.lowlevel.current_trio_token().run_sync_soon
