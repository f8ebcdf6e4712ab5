"""The changes of one source: implements `kbsync.engine.ports.ChangeSource`."""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Callable
from collections.abc import Set as AbstractSet

from kbsync.config.mirror import MirrorConfig
from kbsync.engine.change_source import ChangedPaths
from kbsync.messages import Notice
from kbsync.source.document_rules import RulesOfMirror
from kbsync.source.filters import Filters
from kbsync.source.mounts import NETWORK_FILE_SYSTEMS, FolderMounts, mounts_of
from kbsync.source.taken_types import TakenTypes
from kbsync.source.watch.buffer import ChangeBuffer
from kbsync.source.watch.visibility import LinkedVisibility, Visibility
from kbsync.source.watch.waker import Waker
from kbsync.source.watch.watch_session import WatchSession

POLL = 30.0
# How often the root's path is checked to name the same folder: there is no event for a link or a
# parent folder that is replaced.
_ROOT_CHECK = 1.0
_JOIN_TIMEOUT = 5.0


class Watcher:
    """Watches a folder by inotify, and by polling where that cannot be.

    Polling keeps no snapshot: it reports the folder as changed, and comparing it with the ledger
    reads the tree once, as taking a snapshot would.

    Args:
        config: the mirror as declared; its folder may be missing and come later.
        poll_interval: seconds between two comparisons of what no events come from.
        network_types: types of file systems that are polled.
    """

    def __init__(
        self,
        config: MirrorConfig,
        *,
        poll_interval: float = POLL,
        network_types: AbstractSet[str] = NETWORK_FILE_SYSTEMS.keys(),
    ) -> None:
        self._root = os.fspath(config.source)
        self._filters = Filters(config)
        self._types = TakenTypes(config, RulesOfMirror(config))
        self._follow = config.follow_symlinks
        self._seconds = poll_interval
        self._network_types = network_types
        self._buffer = ChangeBuffer()
        self._session: WatchSession | None = None
        self._mounts_seen: FolderMounts | None = None
        self._due = 0.0
        self._stopping = False
        self._placed = threading.Event()
        self._fault: Exception | None = None
        self._waker = Waker()
        self._thread = threading.Thread(target=self._run, name="kbsync-watch", daemon=True)

    @property
    def mode(self) -> str:
        """How changes are noticed; while there is no root, its return is polled for."""
        session = self._session
        return session.mode if session else "polling"

    @property
    def notice(self) -> Notice | None:
        """Why it is not done by events alone; None when it is, or while there is no root."""
        session = self._session
        return session.notice if session else None

    def start(self, wake: Callable[[], None]) -> None:
        """Place the watches; see `kbsync.engine.ports.ChangeSource.start`."""
        self._buffer.call(wake)
        self.begin()
        self._placed.wait()
        if self._fault is not None:
            raise self._fault

    def begin(self) -> None:
        """Have the watches placed, unless that has begun; what changes from now on is collected."""
        if self._thread.ident is None:
            self._thread.start()

    def placed(self, seconds: float) -> bool:
        """Wait until the watches stand, `seconds` at most; return whether they do."""
        return self._placed.wait(seconds)

    def take(self) -> ChangedPaths:
        """Return everything since the last take."""
        return self._buffer.take()

    def stop(self) -> None:
        """End the watch."""
        if self._stopping:
            return
        self._stopping = True
        self._waker.wake()
        if self._thread.is_alive():
            self._thread.join(_JOIN_TIMEOUT)
        # On a dead network mount a thread may hang in a system call for good: it is left behind.
        if not self._thread.is_alive():
            self._end_session()
            self._waker.close()

    def _run(self) -> None:
        try:
            self._start_session(self._root_stat())
        except Exception as fault:  # raised where it is waited for
            self._fault = fault
            return
        finally:
            self._placed.set()
        moved = False
        while not self._stopping:
            self._check(mounts=moved)
            moved = self._waker.wait(min(_ROOT_CHECK, self._seconds))

    def _check(self, *, mounts: bool) -> None:
        session, found = self._session, self._root_stat()
        if session is None or found is None:
            if session or found:
                self._start_session(found)
                self._buffer.add_root()
        elif session.root_moved or not os.path.samestat(found, session.identity):
            self._start_session(found)
            self._buffer.add_root()
        elif session.incomplete or (mounts and mounts_of(self._root) != self._mounts_seen):
            self._start_session(found)
            self._buffer.add_folder("")
        elif time.monotonic() >= self._due:
            session.poll()
            self._due = time.monotonic() + self._seconds

    def _start_session(self, found: os.stat_result | None) -> None:
        self._end_session()
        if found is None:
            return
        self._mounts_seen = mounts_of(self._root)
        self._due = time.monotonic() + self._seconds
        network = self._mounts_seen.network(self._network_types)
        session = WatchSession(
            self._root, found, self._visibility(), network, self._seconds, on_end=self._waker.wake
        )
        session.begin()
        self._session = session

    def _end_session(self) -> None:
        session, self._session = self._session, None
        if session:
            session.close()

    def _visibility(self) -> Visibility:
        if self._follow:
            return LinkedVisibility(self._filters, self._types, self._buffer, self._root)
        return Visibility(self._filters, self._types, self._buffer)

    def _root_stat(self) -> os.stat_result | None:
        """Return the stat of what the root's path names, None when that is no folder."""
        try:
            found = os.stat(self._root)  # noqa: PTH116 - as the walk does
        except OSError:
            return None
        return found if stat.S_ISDIR(found.st_mode) else None
