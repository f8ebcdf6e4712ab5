"""Time for work that needs no ledger: it never goes back while the process runs."""

from __future__ import annotations

import time

import anyio


class ProcessClock:
    """Seconds since the epoch, as they were when it was made and monotonic from then on."""

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()

    def now(self) -> float:
        """Return seconds since the epoch."""
        return self._offset + time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Sleep."""
        await anyio.sleep(seconds)
