"""The watched folders of a source: where watches are placed, and taken away."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from kbsync.source.openat import FOLDER, GONE, OTHER_KIND, open_folder
from kbsync.source.watch.fallback import NoWatch, UnwatchedDirs
from kbsync.source.watch.visibility import Visibility
from kbsync.source.watch.watched_dir import WatchedDir

if TYPE_CHECKING:
    from watchdog.observers.inotify_c import WatchCallback

    from kbsync.source.watch.inotify import InotifyInstance

# When a folder may be entered again, its parent's watch reports it; one that is gone is no loss.
_PASSED_BY = GONE | OTHER_KIND | {errno.EACCES, errno.EPERM}


class ListedDir(NamedTuple):
    """What was found in a folder: anything at all, and the folders to watch."""

    filled: bool
    folders: list[WatchedDir]


class WatchTree:
    """The watched folders, by the number of their watch and by their place.

    A watch is placed before its folder is listed: whatever appears in it is listed, comes as an
    event, or both.

    Args:
        root: path of the source.
        identity: stat of the folder that is watched under that path.
        receiver: called for every event.
        visibility: what is worth a watch.
        network: folders (real names joined by ``/``) on network file systems, with their types.
    """

    def __init__(
        self,
        root: str,
        identity: os.stat_result,
        receiver: WatchCallback,
        visibility: Visibility,
        network: Mapping[str, str],
    ) -> None:
        self.unwatched = UnwatchedDirs()
        self.root = WatchedDir(None, "", visibility.filters.root)
        self.identity = identity
        self._path = root
        self._receiver = receiver
        self._instance: InotifyInstance | None = None
        self._visibility = visibility
        self._network = network
        self._by_watch: dict[int, WatchedDir] = {}

    @property
    def reader_died(self) -> bool:
        """Whether events are read no more, though they should be."""
        return self._instance is not None and not self._instance.alive

    def at(self, wd: int) -> WatchedDir | None:
        """Return the folder that `wd` watches."""
        return self._by_watch.get(wd)

    def watch_root(self) -> bool:
        """Watch the root and everything in it; return whether it was there."""
        self._watch_subtree(self.root)
        return self.root.wd >= 0 or any(self.unwatched)

    def watch_folder(self, parent: WatchedDir, name: str) -> bool:
        """Watch the folder `name` of `parent` and everything in it.

        Returns:
            Whether anything was in it; True when that is unknown.
        """
        filters = self._visibility.enters(parent, name)
        if filters is None:
            return False
        self.unwatch(parent, name)
        return self._watch_subtree(WatchedDir(parent, name, filters))

    def rewatch(self, directory: WatchedDir) -> None:
        """Watch what is in `directory` anew, as its filters are other ones now."""
        for name in list(directory.children):
            self.unwatch(directory, name)
        self.unwatched.discard(directory.path)
        filters = (
            self._visibility.enters(directory.parent, directory.name) if directory.parent else None
        )
        directory.filters = filters or self._visibility.filters.root
        self._watch_subtree(directory)

    def retry(self) -> None:
        """Try once more to watch what the system granted no watch for."""
        for directory, reason, _ in self.unwatched:
            if reason is NoWatch.NETWORK:
                continue
            self.unwatched.discard(directory.path)
            self._watch_subtree(directory)
            if any(unwatched.directory is directory for unwatched in self.unwatched):
                break

    def unwatch(self, parent: WatchedDir, name: str) -> bool:
        """Watch the folder `name` of `parent` no more, nor what is in it.

        Returns:
            Whether it was watched.
        """
        child = parent.children.pop(name, None)
        if child is None:
            self.unwatched.discard(WatchedDir(parent, name, parent.filters).path)
            return False
        self.unwatched.discard(child.path)
        pending = [child]
        while pending:
            directory = pending.pop()
            pending.extend(directory.children.values())
            if self._by_watch.get(directory.wd) is directory:
                del self._by_watch[directory.wd]
                self._end_watch(directory.wd)
        return True

    def ended(self, wd: int) -> None:
        """Note that the kernel ended the watch `wd`: its folder is no more."""
        self._by_watch.pop(wd, None)
        if self._instance is not None:
            self._instance.ended(wd)

    def close(self) -> None:
        """End all watches."""
        if self._instance is not None:
            self._instance.close()

    def can_list(self, parent: WatchedDir, name: str) -> bool:
        """Whether the folder `name` of `parent` can be listed now."""
        try:
            root = os.open(self._path, FOLDER)
        except OSError:
            return False
        try:
            with open_folder(root, (*parent.steps(), name)):
                return True
        except OSError:
            return False
        finally:
            os.close(root)

    def _watch_subtree(self, first: WatchedDir) -> bool:
        """Watch `first` and everything in it; return whether anything was in it."""
        try:
            root = os.open(self._path, FOLDER)
        except OSError as error:
            self._failed(first, error)
            return True
        try:
            if not os.path.samestat(os.fstat(root), self.identity):
                return True
            found = self._watch_one(root, first)
            pending = list(found.folders)
            while pending:
                pending.extend(self._watch_one(root, pending.pop()).folders)
            return found.filled
        finally:
            os.close(root)

    def _watch_one(self, root: int, directory: WatchedDir) -> ListedDir:
        steps = directory.steps()
        kind = self._network.get("/".join(steps))
        if kind is not None:
            self.unwatched.on_network(directory, kind)
            return ListedDir(True, [])
        try:
            with open_folder(root, steps) as fd:
                self._watch(directory, fd)
                return self._listed(directory, fd)
        except OSError as error:
            self._failed(directory, error)
            return ListedDir(True, [])

    def _watch(self, directory: WatchedDir, fd: int) -> None:
        if self._instance is None:
            self._instance = _instance(self._receiver)
        directory.wd = self._instance.watch(fd)
        self._by_watch[directory.wd] = directory
        if directory.parent is not None:
            directory.parent.children[directory.name] = directory

    def _listed(self, directory: WatchedDir, fd: int) -> ListedDir:
        filters = self._visibility.inside(directory, fd)
        if filters is None:
            return ListedDir(True, [])
        directory.filters = filters
        filled, folders = False, []
        with os.scandir(fd) as entries:
            for entry in entries:
                filled = True
                if entry.is_symlink():
                    self._visibility.add_link(directory, entry.name)
                elif entry.is_dir(follow_symlinks=False):
                    outer = self._visibility.enters(directory, entry.name)
                    if outer is not None:
                        folders.append(WatchedDir(directory, entry.name, outer))
        return ListedDir(filled, folders)

    def _failed(self, directory: WatchedDir, error: OSError) -> None:
        if directory.parent is not None:
            self.unwatch(directory.parent, directory.name)
            if error.errno in _PASSED_BY:
                return
        elif error.errno in GONE | OTHER_KIND:
            return
        self.unwatched.refused(directory, error)

    def _end_watch(self, wd: int) -> None:
        if self._instance is not None:
            self._instance.forget(wd)


def _instance(receiver: WatchCallback) -> InotifyInstance:
    from watchdog.utils import UnsupportedLibcError  # noqa: PLC0415

    try:
        from kbsync.source.watch.inotify import InotifyInstance  # noqa: PLC0415
    except UnsupportedLibcError as error:
        raise OSError(errno.ENOSYS, "this system has no inotify") from error
    return InotifyInstance(receiver)
