"""The watched folders of a source: where watches are placed, and taken away."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from kbsync.source.openat import FOLDER, GONE, OTHER_KIND, folder
from kbsync.source.watch.fallback import Lack, Unwatched
from kbsync.source.watch.visibility import Visibility
from kbsync.source.watch.watched_dir import WatchedDir

if TYPE_CHECKING:
    from watchdog.observers.inotify_c import WatchCallback

    from kbsync.source.watch.inotify import InotifyInstance

# A folder that may not be entered tells its parent when it may be; one that is gone is no loss.
_PASSED_BY = GONE | OTHER_KIND | {errno.EACCES, errno.EPERM}


class Inside(NamedTuple):
    """What was found in a folder: anything at all, and the folders to watch."""

    filled: bool
    folders: list[WatchedDir]


class WatchTree:
    """The watched folders, by the number of their watch and by their place.

    A watch is placed before its folder is listed. So whatever appears in it is either listed, or
    comes as an event, or both.

    Args:
        root: path of the source.
        identity: stat of the folder that is watched under that path.
        receiver: told of every event.
        view: what is worth one.
        silent: folders (real names joined by ``/``) on file systems without events, with their
            types.
    """

    def __init__(
        self,
        root: str,
        identity: os.stat_result,
        receiver: WatchCallback,
        view: Visibility,
        silent: Mapping[str, str],
    ) -> None:
        self.unwatched = Unwatched()
        self.root = WatchedDir(None, "", view.filters.root)
        self.identity = identity
        self._path = root
        self._receiver = receiver
        self._instance: InotifyInstance | None = None
        self._view = view
        self._silent = silent
        self._spots: dict[int, WatchedDir] = {}

    @property
    def deaf(self) -> bool:
        """Whether events are read no more, though they should be."""
        return self._instance is not None and not self._instance.alive

    def at(self, wd: int) -> WatchedDir | None:
        """Return the folder that `wd` watches."""
        return self._spots.get(wd)

    def plant(self) -> bool:
        """Watch the root and everything in it; return whether it was there."""
        self._grow(self.root)
        return self.root.wd >= 0 or any(self.unwatched)

    def place(self, parent: WatchedDir, name: str) -> bool:
        """Watch the folder `name` of `parent` and everything in it.

        Returns:
            Whether anything was in it, or nobody can tell.
        """
        sieve = self._view.enters(parent, name)
        if sieve is None:
            return False
        self.drop(parent, name)
        return self._grow(WatchedDir(parent, name, sieve))

    def again(self, spot: WatchedDir) -> None:
        """Watch what is in `spot` anew, as its filters are other ones now."""
        for name in list(spot.children):
            self.drop(spot, name)
        self.unwatched.discard(spot.path)
        sieve = self._view.enters(spot.parent, spot.name) if spot.parent else None
        spot.sieve = sieve or self._view.filters.root
        self._grow(spot)

    def retry(self) -> None:
        """Try once more to watch what the system granted no watch for."""
        for spot, lack, _ in self.unwatched:
            if lack is Lack.SILENT:
                continue
            self.unwatched.discard(spot.path)
            self._grow(spot)
            if any(unseen.spot is spot for unseen in self.unwatched):
                break

    def drop(self, parent: WatchedDir, name: str) -> bool:
        """Watch the folder `name` of `parent` no more, nor what is in it.

        Returns:
            Whether it was watched.
        """
        child = parent.children.pop(name, None)
        if child is None:
            self.unwatched.discard(WatchedDir(parent, name, parent.sieve).path)
            return False
        self.unwatched.discard(child.path)
        pending = [child]
        while pending:
            spot = pending.pop()
            pending.extend(spot.children.values())
            if self._spots.get(spot.wd) is spot:
                del self._spots[spot.wd]
                self._forget(spot.wd)
        return True

    def ended(self, wd: int) -> None:
        """Note that the kernel ended the watch `wd`: its folder is no more."""
        self._spots.pop(wd, None)
        if self._instance is not None:
            self._instance.ended(wd)

    def close(self) -> None:
        """End all watches."""
        if self._instance is not None:
            self._instance.close()

    def may_enter(self, parent: WatchedDir, name: str) -> bool:
        """Whether the folder `name` of `parent` can be listed now."""
        try:
            root = os.open(self._path, FOLDER)
        except OSError:
            return False
        try:
            with folder(root, (*parent.steps(), name)):
                return True
        except OSError:
            return False
        finally:
            os.close(root)

    def _grow(self, first: WatchedDir) -> bool:
        """Watch `first` and everything in it; return whether anything was in it."""
        try:
            root = os.open(self._path, FOLDER)
        except OSError as error:
            self._failed(first, error)
            return True
        try:
            if not os.path.samestat(os.fstat(root), self.identity):
                return True
            found = self._enter(root, first)
            pending = list(found.folders)
            while pending:
                pending.extend(self._enter(root, pending.pop()).folders)
            return found.filled
        finally:
            os.close(root)

    def _enter(self, root: int, spot: WatchedDir) -> Inside:
        steps = spot.steps()
        kind = self._silent.get("/".join(steps))
        if kind is not None:
            self.unwatched.silent(spot, kind)
            return Inside(True, [])
        try:
            with folder(root, steps) as fd:
                self._watch(spot, fd)
                return self._listed(spot, fd)
        except OSError as error:
            self._failed(spot, error)
            return Inside(True, [])

    def _watch(self, spot: WatchedDir, fd: int) -> None:
        if self._instance is None:
            self._instance = _instance(self._receiver)
        spot.wd = self._instance.watch(fd)
        self._spots[spot.wd] = spot
        if spot.parent is not None:
            spot.parent.children[spot.name] = spot

    def _listed(self, spot: WatchedDir, fd: int) -> Inside:
        sieve = self._view.inside(spot, fd)
        if sieve is None:
            return Inside(True, [])
        spot.sieve = sieve
        filled, folders = False, []
        with os.scandir(fd) as entries:
            for entry in entries:
                filled = True
                if entry.is_symlink():
                    self._view.link(spot, entry.name)
                elif entry.is_dir(follow_symlinks=False):
                    outer = self._view.enters(spot, entry.name)
                    if outer is not None:
                        folders.append(WatchedDir(spot, entry.name, outer))
        return Inside(filled, folders)

    def _failed(self, spot: WatchedDir, error: OSError) -> None:
        if spot.parent is not None:
            self.drop(spot.parent, spot.name)
            if error.errno in _PASSED_BY:
                return
        elif error.errno in GONE | OTHER_KIND:
            return
        self.unwatched.refused(spot, error)

    def _forget(self, wd: int) -> None:
        if self._instance is not None:
            self._instance.forget(wd)


def _instance(receiver: WatchCallback) -> InotifyInstance:
    from watchdog.utils import UnsupportedLibcError  # noqa: PLC0415

    try:
        from kbsync.source.watch.inotify import InotifyInstance  # noqa: PLC0415
    except UnsupportedLibcError as error:
        raise OSError(errno.ENOSYS, "this system has no inotify") from error
    return InotifyInstance(receiver)
