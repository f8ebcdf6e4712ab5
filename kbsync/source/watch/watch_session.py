"""One session of watching, from the first watch to what ends it.

A queue that ran over, a root that was moved, a mount that came: none of them is mended in place.
The session says that it has ended, and the next one begins with fresh watches.
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
    """Turns inotify events into changed paths; watchdog's reader calls it.

    Args:
        root: path of the source.
        identity: stat of the folder that is watched under that path.
        visibility: what is watched and reported.
        network: folders on network file systems, with their types; they are polled.
        seconds: how often the folders without a watch are compared instead.
        on_end: called, from any thread, when this session cannot go on.
    """

    def __init__(
        self,
        root: str,
        identity: os.stat_result,
        visibility: Visibility,
        network: Mapping[str, str],
        seconds: float,
        on_end: Callable[[], None],
    ) -> None:
        self.mode = "inotify"
        self.notice: Notice | None = None
        self.root_moved = False
        self._overflowed = False
        self._closed = False
        self._root = root
        self._seconds = seconds
        self._on_end = on_end
        self._visibility = visibility
        self._lock = threading.Lock()
        self._tree = WatchTree(root, identity, self, visibility, network)

    @property
    def identity(self) -> os.stat_result:
        """Stat of the folder that is watched."""
        return self._tree.identity

    @property
    def incomplete(self) -> bool:
        """Whether events were lost, so that everything has to be compared."""
        return self._overflowed or self._tree.reader_died

    def begin(self) -> None:
        """Place the watches. Blocks until they stand."""
        with self._lock:
            # A folder made in its place may have the same inode, which the check of the root's
            # path would take for the same folder.
            self.root_moved = not self._tree.watch_root()
            self._update_mode()

    def poll(self) -> None:
        """Report the folders without a watch as changed, and try again to watch them."""
        with self._lock:
            polled = [directory for directory, _, _ in self._tree.unwatched]
            self._tree.retry()
            for directory in polled:
                self._visibility.all_changed(directory)
            self._update_mode()

    def close(self) -> None:
        """End all watches. Blocks until no event is being looked at."""
        with self._lock:
            self._closed = True
        self._tree.close()

    # -- watchdog calls these ---------------------------------------------------------------------

    def on_event(self, event: InotifyEvent) -> None:
        """Report what an event changed."""
        with self._lock:
            directory = None if self._closed else self._tree.at(event.wd)
            # Without a name it is about the folder itself; its parent's watch reports that too.
            if directory is not None and event.name:
                self._entry(directory, os.fsdecode(event.name), event)
                self._update_mode()

    def on_watch_deleted(self, wd: WatchDescriptor) -> None:
        """Take note that the kernel ended a watch."""
        with self._lock:
            if self._closed:
                return
            if wd == self._tree.root.wd:
                self.root_moved = True
                self._on_end()
            self._tree.ended(wd)

    def on_queue_overflow(self) -> None:
        """Note that events were lost: the next check of the root ends this session.

        Not at once: watches placed in the middle of a storm overflow again.
        """
        self._overflowed = True

    # ---------------------------------------------------------------------------------------------

    def _entry(self, directory: WatchedDir, name: str, event: InotifyEvent) -> None:
        if self._visibility.filters.is_ignore_file(name):
            # A modification is one of several writes; the close after the last is an event too.
            if not event.is_modify:
                self._tree.rewatch(directory)
                self._visibility.all_changed(directory)
        elif event.is_directory:
            self._folder(directory, name, event)
        else:
            self._visibility.file_changed(directory, name)

    def _folder(self, directory: WatchedDir, name: str, event: InotifyEvent) -> None:
        if self._visibility.enters(directory, name) is None:
            return
        if event.is_create or event.is_moved_to:
            filled = self._tree.watch_folder(directory, name)
            changed = filled or event.is_moved_to or self._visibility.follows_links
        elif event.is_delete or event.is_moved_from:
            was_watched = self._tree.unwatch(directory, name)
            # What was in a watched folder had an event each.
            changed = not was_watched or event.is_moved_from or self._visibility.follows_links
        elif (name in directory.children) != self._tree.can_list(directory, name):
            self._tree.watch_folder(directory, name)
            changed = True
        else:
            changed = False
        if changed:
            self._visibility.folder_changed(directory, name)

    def _update_mode(self) -> None:
        unwatched = self._tree.unwatched
        if not unwatched.changed():
            return
        self.notice = unwatched.notice(self._root, self._seconds)
        if self.notice is None:
            self.mode = "inotify"
        else:
            self.mode = "polling" if self._tree.root.wd < 0 else "inotify+polling"
