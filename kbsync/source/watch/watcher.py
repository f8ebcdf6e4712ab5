"""The changes of one source: implements `kbsync.engine.ports.Changes`."""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Callable
from collections.abc import Set as AbstractSet

from kbsync.config.mirror import MirrorConfig
from kbsync.engine.ports import ChangedPaths
from kbsync.messages import Notice
from kbsync.source.filters import Filters
from kbsync.source.mounts import NETWORK_FILE_SYSTEMS, Ground, ground
from kbsync.source.watch.buffer import ChangeBuffer
from kbsync.source.watch.visibility import LinkedVisibility, Visibility
from kbsync.source.watch.waker import Waker
from kbsync.source.watch.watch_session import WatchSession

POLL = 30.0
# How often the path of the root is asked whether it still names the same folder: no event tells
# of a link or a parent folder that is replaced.
_GLANCE = 1.0
_HANGING = 5.0


class Watcher:
    """Watches a folder by inotify, and by polling where that cannot be.

    Polling keeps no picture of the folder: it asks for the folder to be compared, which reads the
    tree once, as taking a picture would, against the ledger, which is the picture.

    Args:
        config: the mirror as declared; its folder may be missing and come later.
        poll_interval: seconds between two comparisons of what no events come from.
        silent: types of file systems that are polled.
    """

    def __init__(
        self,
        config: MirrorConfig,
        *,
        poll_interval: float = POLL,
        silent: AbstractSet[str] = NETWORK_FILE_SYSTEMS.keys(),
    ) -> None:
        self._root = os.fspath(config.source)
        self._filters = Filters(config)
        self._accepted = frozenset(config.extensions)
        self._follow = config.follow_symlinks
        self._seconds = poll_interval
        self._silent = silent
        self._collection = ChangeBuffer()
        self._vigil: WatchSession | None = None
        self._ground: Ground | None = None
        self._due = 0.0
        self._stopping = False
        self._pulse = Waker()
        self._thread = threading.Thread(target=self._run, name="kbsync-watch", daemon=True)

    @property
    def mode(self) -> str:
        """How changes are noticed; while there is no root, its return is polled for."""
        vigil = self._vigil
        return vigil.mode if vigil else "polling"

    @property
    def notice(self) -> Notice | None:
        """Why it is not done by events alone; None when it is, or while there is no root."""
        vigil = self._vigil
        return vigil.notice if vigil else None

    def start(self, wake: Callable[[], None]) -> None:
        """Place the watches, and begin to tell; see `kbsync.engine.ports.Changes.start`."""
        self._collection.wake = wake
        self._begin(self._glance())
        self._thread.start()

    def take(self) -> ChangedPaths:
        """Return everything since the last take."""
        return self._collection.take()

    def stop(self) -> None:
        """End the watch."""
        if self._stopping:
            return
        self._stopping = True
        self._pulse.poke()
        if self._thread.is_alive():
            self._thread.join(_HANGING)
        # On a dead network mount a thread may hang in a system call for good: it is left behind.
        if not self._thread.is_alive():
            self._end()
            self._pulse.close()

    def _run(self) -> None:
        moved = False
        while not self._stopping:
            self._tend(mounts=moved)
            moved = self._pulse.rest(min(_GLANCE, self._seconds))

    def _tend(self, *, mounts: bool) -> None:
        vigil, found = self._vigil, self._glance()
        if vigil is None or found is None:
            if vigil or found:
                self._begin(found)
                self._collection.root()
        elif vigil.uprooted or not os.path.samestat(found, vigil.identity):
            self._begin(found)
            self._collection.root()
        elif vigil.incomplete or (mounts and ground(self._root) != self._ground):
            self._begin(found)
            self._collection.folder("")
        elif time.monotonic() >= self._due:
            vigil.poll()
            self._due = time.monotonic() + self._seconds

    def _begin(self, found: os.stat_result | None) -> None:
        self._end()
        if found is None:
            return
        self._ground = ground(self._root)
        self._due = time.monotonic() + self._seconds
        silent = self._ground.silent(self._silent)
        vigil = WatchSession(
            self._root, found, self._view(), silent, self._seconds, over=self._pulse.poke
        )
        vigil.begin()
        self._vigil = vigil

    def _end(self) -> None:
        vigil, self._vigil = self._vigil, None
        if vigil:
            vigil.close()

    def _view(self) -> Visibility:
        if self._follow:
            return LinkedVisibility(self._filters, self._accepted, self._collection, self._root)
        return Visibility(self._filters, self._accepted, self._collection)

    def _glance(self) -> os.stat_result | None:
        """Return the stat of what the root's path names, None when that is no folder."""
        try:
            found = os.stat(self._root)  # noqa: PTH116 - as the walk does
        except OSError:
            return None
        return found if stat.S_ISDIR(found.st_mode) else None
