"""What tasks that work together wait on: something changed, or everything has to end."""

from __future__ import annotations

import math
from collections.abc import Callable

import anyio

from kbsync.messages import Problem


class Wakeup:
    """Wakes everybody who waits; remembers that, and why, it is time to end.

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
        """Wake everybody who waits."""
        self._changed.set()
        self._changed = anyio.Event()

    def stop(self) -> None:
        """Let everybody come to an end."""
        self.stopping = True
        self._ending.set()
        self.wake()

    def fail(self, problem: Problem) -> None:
        """Let everybody come to an end because of `problem`."""
        self.problem = self.problem or problem
        self.stop()

    async def wait(self, seconds: float | None = None) -> None:
        """Wait for the next beat, `seconds` at most."""
        changed = self._changed
        with anyio.move_on_after(math.inf if seconds is None else seconds):
            await changed.wait()

    async def sleep(self, seconds: float) -> None:
        """Rest, whatever beats meanwhile; a stop ends it."""
        with anyio.move_on_after(seconds):
            await self._ending.wait()


def thread_safe(call: Callable[[], None]) -> Callable[[], None]:
    """Return `call` so that any thread may ask for it: it runs soon in this event loop.

    What is asked for after the loop has ended is dropped.
    """
    soon = _soon()

    def ask() -> None:
        try:
            soon(call)
        except RuntimeError:  # the loop is gone, and with it everybody who could care
            return

    return ask


def _soon() -> Callable[[Callable[[], None]], object]:
    import asyncio  # noqa: PLC0415 - one of the two is loaded already

    try:
        return asyncio.get_running_loop().call_soon_threadsafe
    except RuntimeError:
        import trio  # noqa: PLC0415

        return trio.lowlevel.current_trio_token().run_sync_soon
