"""Stops a pass that a verb makes: at the first signal calmly, at the second SIGINT at once.

A terminal that is closed under it sends SIGHUP, which stops it as calmly, unless `nohup` was typed.

The daemon takes its signals in `kbsync.service.shutdown`.
"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import anyio

if TYPE_CHECKING:
    from kbsync.engine.workers.pool import WorkerPool


class Stopper:
    """Lets calls in flight come to their end, and begins no more.

    Attributes:
        stopped: whether it was asked to stop.
        overdue: whether that was because its time is over.
    """

    def __init__(self) -> None:
        self._pool: WorkerPool | None = None
        self.stopped = self.overdue = False

    def watch(self, pool: WorkerPool) -> None:
        """Take the running worker pool, which `stop` stops."""
        self._pool = pool

    def stop(self) -> None:
        """Hand out nothing more."""
        self.stopped = True
        if self._pool is not None:
            self._pool.stop()

    async def end(self, at: float) -> None:
        """Stop at that time of the event loop's clock."""
        await anyio.sleep_until(at)
        self.overdue = True
        self.stop()

    async def listen(self) -> None:
        """Stop at the first SIGINT, SIGTERM or SIGHUP; end at once at a second SIGINT.

        What is in flight then remains an intent in the ledger: a forced stop is a supported one.
        """
        with anyio.open_signal_receiver(*_stopping()) as received:
            async for number in received:
                # Ctrl-C twice is a person who has waited long enough; SIGTERM twice, a script.
                if self.stopped and number == signal.SIGINT:
                    raise KeyboardInterrupt
                self.stop()


def _stopping() -> list[signal.Signals]:
    """Return the signals that stop a pass."""
    # A shell ignores SIGINT for what it starts in the background; who sends it there means it.
    under_nohup = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    return [signal.SIGINT, signal.SIGTERM, *([] if under_nohup else [signal.SIGHUP])]
