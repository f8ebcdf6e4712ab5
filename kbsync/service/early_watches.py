"""Watches that are placed while the rest of the daemon is loaded: changes count from then on."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable

from kbsync.config.mirror import MirrorConfig
from kbsync.source.watch.watcher import Watcher

# Seconds in which nothing else is done: two threads that both need the interpreter are slower than
# one after the other. A large tree on a slow disk takes longer, and waits for the disk.
ALONE = 1.0


class EarlyWatches:
    """The watches of mirrors that have no controller yet."""

    def __init__(self) -> None:
        self._watchers: dict[str, tuple[MirrorConfig, Watcher]] = {}

    def begin(self, mirrors: Iterable[MirrorConfig], *, alone: float = ALONE) -> None:
        """Have the watches of `mirrors` placed, and wait for them, but not for long.

        Args:
            mirrors: as declared.
            alone: seconds to wait at most, for all of them.
        """
        for declared in mirrors:
            watcher = Watcher(declared)
            try:
                watcher.begin()
            except RuntimeError:  # no thread to be had: `Watcher.start` raises it
                return
            self._watchers[declared.name] = (declared, watcher)
        until = time.monotonic() + alone
        for _, watcher in self._watchers.values():
            watcher.placed(max(0.0, until - time.monotonic()))

    def take(self, declared: MirrorConfig) -> Watcher:
        """Return the watch of a mirror for its controller, a new one where none was begun.

        Args:
            declared: the mirror as it is declared now.
        """
        before, watcher = self._watchers.pop(declared.name, (None, None))
        if watcher is not None and before == declared:
            return watcher
        if watcher is not None:  # ending one waits for its threads, and this is the event loop
            threading.Thread(target=watcher.stop, daemon=True).start()
        return Watcher(declared)

    def stop(self) -> None:
        """End the watches that were not taken."""
        while self._watchers:
            self._watchers.popitem()[1][1].stop()
