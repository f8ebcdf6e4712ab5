"""How long a stub takes: the network, a lock, and a queue that indexes one document at a time."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Pace:
    """What a server takes its time for.

    Args:
        latency: seconds before every reply; any number of requests wait at once.
        locked: seconds for which an upload holds the one lock of its base.
        indexing: seconds for which a document is indexed, one after the other.
    """

    latency: float = 0.0
    locked: float = 0.0
    indexing: float = 0.0


class PacedQueue:
    """The queue of documents and the lock of uploads, at a pace."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._lock = asyncio.Lock()
        self._free_at = 0.0

    async def answer(self, *, upload: bool) -> None:
        """Wait as long as a request takes."""
        if upload and self._pace.locked:
            async with self._lock:
                await asyncio.sleep(self._pace.locked)
        if self._pace.latency:
            await asyncio.sleep(self._pace.latency)

    def indexed_at(self) -> float:
        """Return when a document that is queued now is indexed, in monotonic seconds."""
        self._free_at = max(time.monotonic(), self._free_at) + self._pace.indexing
        return self._free_at
