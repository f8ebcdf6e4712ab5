"""How long a command waits, and what it says meanwhile."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

import anyio

from kbsync.messages import Notice, Problem
from kbsync.messages import command as say
from kbsync.messages import engine as engine_say

if TYPE_CHECKING:
    from kbsync.engine.reconciler import Reconciler
    from kbsync.engine.workers.pool import WorkerPool

T = TypeVar("T")
# Seconds without progress until it is said what is waited for; then twice as long, and so on.
SILENT = 60.0
# What is in flight when the time is over comes to its end within this.
DRAIN = 30.0


class Patience:
    """Bounds one command, and says what is waited for when nothing moves.

    Args:
        warn: takes lines for a person.
        waits: says what is waited for at first.
        silent: seconds without an answer until that is said, where not `SILENT`; that counts
            once work is sent.

    Attributes:
        ends_at: when its time is over, on the clock of the event loop.
    """

    def __init__(
        self,
        warn: Callable[[str], None],
        waits: Callable[[], Notice | None] = lambda: None,
        *,
        silent: float | None = None,
    ) -> None:
        self._silent = SILENT if silent is None else silent
        self.ends_at = math.inf
        self._cut_off_at = math.inf
        self._over: Notice | None = None
        self._warn = warn
        self._waits = waits
        self._calls: list[Callable[[], Notice | None]] = []
        self._pool: WorkerPool | None = None
        self._moved_at = -math.inf

    def moved(self) -> None:
        """Note that something went on."""
        self._moved_at = anyio.current_time()

    def watch(self, engines: Sequence[Reconciler]) -> None:
        """Say from now on what of these is waited for."""
        self.moved()
        self._waits = lambda: self._of(engines)

    def watch_calls(self, waits: Callable[[], Notice | None]) -> None:
        """Say from now on which answer is waited for, by `waits`, before all else."""
        self._calls.append(waits)

    def watch_pool(self, pool: WorkerPool) -> None:
        """Say from now on what this pool waits for."""
        self.moved()
        self._pool = pool
        # A server takes its time to index: that nothing moved for seconds means nothing.
        self._silent = SILENT

    def drain(self) -> None:
        """Let what is in flight come to its end when the time is over, within a while."""
        self._cut_off_at = self.ends_at + DRAIN

    async def carried_out(
        self, work: Callable[[], Awaitable[T]], *, within: float | None = None
    ) -> T:
        """Carry `work` out and return what it returns.

        Args:
            work: what the command does.
            within: seconds it may take; None for any number.

        Raises:
            Problem: its time is over.
            Exception: whatever `work` raises, as it is.
        """
        self.moved()
        if within is not None:
            self.ends_at = self._cut_off_at = anyio.current_time() + within
        done: T
        fault: Exception | None = None
        async with anyio.create_task_group() as group:
            group.start_soon(self._speak)
            with anyio.CancelScope() as scope:
                group.start_soon(self._cut_off, scope, within)
                try:
                    done = await work()
                except Exception as error:  # raised below: a group would hide what it is
                    fault = error
            group.cancel_scope.cancel()
        if fault is not None:
            raise fault
        if scope.cancelled_caught and self._over is not None:
            raise Problem(self._over)
        return done

    async def _cut_off(self, scope: anyio.CancelScope, within: float | None) -> None:
        """End the command when its time is over, and keep what it waited for."""
        await anyio.sleep_until(self.ends_at)
        await anyio.sleep_until(self._cut_off_at)  # it may have been put off meanwhile
        why = self._why()
        words = why.text if why else "it is not done yet"
        self._over = say.TIME_OVER(seconds=f"{within:g}", why=words)
        scope.cancel()

    async def _speak(self) -> None:
        """Say what is waited for after a while without progress, then after twice that."""
        silent = self._silent
        while True:
            await anyio.sleep(max(0.1, silent - self._silent_for()))
            now = self._silent_for()
            if now < self._silent:
                silent = self._silent  # something moved meanwhile
            elif now >= silent:
                self._say(self._why())
                silent = 2 * now

    def _why(self) -> Notice | None:
        return next(
            (why for each in (*self._calls, self._waits) if (why := each()) is not None), None
        )

    def _of(self, engines: Sequence[Reconciler]) -> Notice | None:
        """Return what is waited for: at the server of a mirror, or here."""
        waits = [] if self._pool is None else [self._pool.waits]
        waits += [each.waits for each in engines]
        found = next((why for each in waits if (why := each()) is not None), None)
        if found is not None or self._pool is not None:
            return found
        return engine_say.COMPARING(mirror=", ".join(each.mirror.name for each in engines))

    def _silent_for(self) -> float:
        since = anyio.current_time() - self._moved_at
        return since if self._pool is None else min(since, self._pool.still_for)

    def _say(self, why: Notice | None) -> None:
        if why is not None:
            self._warn(f"kbsync: waiting: {why}")
            self._warn(f"  next: {why.next}")
