"""Folders that are polled because they cannot be watched: which, why, and what would help."""

from __future__ import annotations

import enum
import errno
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from kbsync.messages import Notice
from kbsync.messages import watch as says
from kbsync.messages.machine_limits import limit_now
from kbsync.source.watch.watched_dir import WatchedDir

_LEAST_WATCHES = 524_288
_LEAST_INSTANCES = 1_024


class NoWatch(enum.Enum):
    """What keeps a folder from being watched, the most important first."""

    NETWORK = enum.auto()
    WATCHES = enum.auto()
    INSTANCES = enum.auto()
    OTHER = enum.auto()


class UnwatchedDir(NamedTuple):
    """One folder without a watch; `words` are the system's, or the file system's type."""

    directory: WatchedDir
    reason: NoWatch
    words: str


class UnwatchedDirs:
    """Remembers the outermost folders that could not be watched."""

    def __init__(self) -> None:
        self._by_path: dict[str, UnwatchedDir] = {}
        self._changed = False

    def __iter__(self) -> Iterator[UnwatchedDir]:
        return iter(list(self._by_path.values()))

    def changed(self) -> bool:
        """Whether any came or went since this was asked last."""
        changed, self._changed = self._changed, False
        return changed

    def refused(self, directory: WatchedDir, error: OSError) -> None:
        """Remember a folder the kernel granted no watch for."""
        reason = {errno.ENOSPC: NoWatch.WATCHES, errno.EMFILE: NoWatch.INSTANCES}
        words = error.strerror or str(error)
        if error.errno == errno.EMFILE and (limit := limit_now()):
            # The same number as for too many instances: here it is the process that holds too many.
            self._add(UnwatchedDir(directory, NoWatch.OTHER, limit.text))
            return
        self._add(UnwatchedDir(directory, reason.get(error.errno or 0, NoWatch.OTHER), words))

    def on_network(self, directory: WatchedDir, kind: str) -> None:
        """Remember a folder on a network file system: changes made elsewhere cause no event."""
        self._add(UnwatchedDir(directory, NoWatch.NETWORK, kind))

    def discard(self, path: str) -> None:
        """Forget `path` and everything below it."""
        if self._by_path:
            inside = f"{path}/" if path else ""
            for other in list(self._by_path):
                if other == path or other.startswith(inside):
                    del self._by_path[other]
                    self._changed = True

    def _add(self, unwatched: UnwatchedDir) -> None:
        self._by_path[unwatched.directory.path] = unwatched
        self._changed = True

    def notice(self, root: str, seconds: float) -> Notice | None:
        """Say why not all is watched; None when it is.

        Args:
            root: path of the source.
            seconds: how often the folders without a watch are compared instead.
        """
        if not self._by_path:
            return None
        first = min(self, key=lambda unwatched: unwatched.reason.value)
        count = sum(unwatched.reason is first.reason for unwatched in self)
        words = {"path": root, "count": count, "seconds": f"{seconds:g}"}
        match first.reason:
            case NoWatch.NETWORK if first.directory.parent is None:
                return says.SILENT(kind=first.words, **words)
            case NoWatch.NETWORK:
                return says.SILENT_PARTS(kind=first.words, **words)
            case NoWatch.WATCHES:
                return says.NO_WATCHES(setting=_setting("watches", _LEAST_WATCHES), **words)
            case NoWatch.INSTANCES:
                return says.NO_INSTANCES(setting=_setting("instances", _LEAST_INSTANCES), **words)
            case NoWatch.OTHER:
                return says.UNWATCHABLE(cause=first.words, **words)


def _setting(what: str, least: int) -> str:
    """Return the system setting that is too low, with a value that is not."""
    names = (f"fs.inotify.max_user_{what}", f"user.max_inotify_{what}")
    # The second one is the limit of a user namespace, as containers have it.
    name = min(names, key=_value)
    return f"{name}={max(least, 2 * _value(name)) if _value(name) < _UNKNOWN else least}"


_UNKNOWN = 1 << 30


def _value(name: str) -> int:
    try:
        return min(_UNKNOWN, int(Path("/proc/sys", *name.split(".")).read_text("ascii")))
    except (OSError, ValueError):
        return _UNKNOWN
