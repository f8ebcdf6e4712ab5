"""What changed since the last take, collected from any thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from kbsync.engine.change_source import ChangedPaths

MOST = 10_000


def _not_started() -> None:
    """Do nothing: what is collected before the watch begins waits to be taken."""


class ChangeBuffer:
    """Gathers paths and folders until they are taken; loses none and stays bounded.

    Args:
        most: so many paths and folders are kept apart; more collapse into the root folder.
    """

    def __init__(self, most: int = MOST) -> None:
        self.wake: Callable[[], None] = _not_started
        self._most = most
        self._lock = threading.Lock()
        self._paths: set[str] = set()
        self._folders: set[str] = set()
        self._root = False

    def call(self, wake: Callable[[], None]) -> None:
        """Call `wake` from now on when there is something to take; now, if there is already."""
        with self._lock:
            self.wake = wake
            waiting = not self._empty()
        if waiting:
            wake()

    def add_path(self, path: str) -> None:
        """Note that the file at `path` may have changed."""
        self._add(path, folder=False)

    def add_folder(self, path: str) -> None:
        """Note that everything below the folder `path` may have changed."""
        self._add(path, folder=True)

    def add_root(self) -> None:
        """Note that the root vanished or came back."""
        with self._lock:
            first = self._empty()
            self._root = True
        if first:
            self.wake()

    def take(self) -> ChangedPaths:
        """Return what was gathered, and begin anew."""
        with self._lock:
            paths, folders, root = self._paths, self._folders, self._root
            self._paths, self._folders, self._root = set(), set(), False
        return ChangedPaths(frozenset(paths), frozenset(outermost(folders)), root)

    def _add(self, path: str, *, folder: bool) -> None:
        with self._lock:
            first = self._empty()
            (self._folders if folder else self._paths).add(path)
            if len(self._paths) + len(self._folders) > self._most:
                self._paths.clear()
                self._folders.clear()
                self._folders.add("")
        # One wake is enough until the next take.
        if first:
            self.wake()

    def _empty(self) -> bool:
        return not (self._paths or self._folders or self._root)


def outermost(folders: Iterable[str]) -> set[str]:
    """Return `folders` without those that are inside another one of them."""
    kept: set[str] = set()
    for folder in sorted(folders, key=len):
        parts = folder.split("/")
        above = ("/".join(parts[:n]) for n in range(1, len(parts)))
        if not ("" in kept or any(outer in kept for outer in above)):
            kept.add(folder)
    return kept
