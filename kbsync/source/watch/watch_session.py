"""One uninterrupted time of watching, from the first watch to what breaks it.

A queue that ran over, a root that was moved, a mount that came: none of them is mended in place.
The vigil says that it is over, and the next one begins with fresh watches.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from kbsync.messages import Notice
from kbsync.source.watch.visibility import Visibility
from kbsync.source.watch.watch_tree import WatchTree
from kbsync.source.watch.watched_dir import WatchedDir

if TYPE_CHECKING:
    from watchdog.observers.inotify_c import InotifyEvent, WatchDescriptor


class WatchSession:
    """Turns events into what is told; receives them from watchdog's reader.

    Args:
        root: path of the source.
        identity: stat of the folder that is watched under that path.
        view: what is watched and told.
        silent: folders on file systems without events, with their types.
        seconds: how often the folders without a watch are compared instead.
        over: called, from any thread, when this vigil cannot go on.
    """

    def __init__(
        self,
        root: str,
        identity: os.stat_result,
        view: Visibility,
        silent: Mapping[str, str],
        seconds: float,
        over: Callable[[], None],
    ) -> None:
        self.mode = "inotify"
        self.notice: Notice | None = None
        self.uprooted = False
        self._overrun = False
        self._closed = False
        self._root = root
        self._seconds = seconds
        self._over = over
        self._view = view
        self._lock = threading.Lock()
        self._tree = WatchTree(root, identity, self, view, silent)

    @property
    def identity(self) -> os.stat_result:
        """Stat of the folder that is watched."""
        return self._tree.identity

    @property
    def incomplete(self) -> bool:
        """Whether events were lost, so that everything has to be compared."""
        return self._overrun or self._tree.deaf

    def begin(self) -> None:
        """Place the watches. Blocks until they stand."""
        with self._lock:
            # A folder made in its place may bear the same number, so the next glance would not do.
            self.uprooted = not self._tree.plant()
            self._judge()

    def poll(self) -> None:
        """Tell of the folders without a watch, and try again to give them one."""
        with self._lock:
            unseen = [spot for spot, _, _ in self._tree.unwatched]
            self._tree.retry()
            for spot in unseen:
                self._view.whole(spot)
            self._judge()

    def close(self) -> None:
        """End all watches. Blocks until no event is being looked at."""
        with self._lock:
            self._closed = True
        self._tree.close()

    # -- watchdog calls these ---------------------------------------------------------------------

    def on_event(self, event: InotifyEvent) -> None:
        """Tell what an event means."""
        with self._lock:
            spot = None if self._closed else self._tree.at(event.wd)
            # Without a name it is about the folder itself, which its parent tells as well.
            if spot is not None and event.name:
                self._entry(spot, os.fsdecode(event.name), event)
                self._judge()

    def on_watch_deleted(self, wd: WatchDescriptor) -> None:
        """Take note that the kernel ended a watch."""
        with self._lock:
            if self._closed:
                return
            if wd == self._tree.root.wd:
                self.uprooted = True
                self._over()
            self._tree.ended(wd)

    def on_queue_overflow(self) -> None:
        """Give up: nobody knows what was lost. The next glance ends this vigil.

        That is soon enough, and lets a storm pass: watches placed in it overflow again.
        """
        self._overrun = True

    # ---------------------------------------------------------------------------------------------

    def _entry(self, spot: WatchedDir, name: str, event: InotifyEvent) -> None:
        if self._view.filters.steers(name):
            # While it is written its text is nobody's; the end of the writing is told as well.
            if not event.is_modify:
                self._tree.again(spot)
                self._view.whole(spot)
        elif event.is_directory:
            self._folder(spot, name, event)
        else:
            self._view.file(spot, name)

    def _folder(self, spot: WatchedDir, name: str, event: InotifyEvent) -> None:
        if self._view.enters(spot, name) is None:
            return
        if event.is_create or event.is_moved_to:
            filled = self._tree.place(spot, name)
            told = filled or event.is_moved_to or self._view.linked
        elif event.is_delete or event.is_moved_from:
            watched = self._tree.drop(spot, name)
            # What is deleted in a watched folder was told one by one.
            told = not watched or event.is_moved_from or self._view.linked
        elif (name in spot.children) != self._tree.may_enter(spot, name):
            self._tree.place(spot, name)
            told = True
        else:
            told = False
        if told:
            self._view.folder(spot, name)

    def _judge(self) -> None:
        unwatched = self._tree.unwatched
        if not unwatched.changed():
            return
        self.notice = unwatched.notice(self._root, self._seconds)
        if self.notice is None:
            self.mode = "inotify"
        else:
            self.mode = "polling" if self._tree.root.wd < 0 else "inotify+polling"
