"""A watch over a real folder, and how to wait for what it tells."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from itertools import count
from pathlib import Path

from kbsync.config import MirrorConfig
from kbsync.engine.ports import ChangedPaths
from kbsync.source.mounts import NETWORK_FILE_SYSTEMS
from kbsync.source.watch.watcher import Watcher

PATIENCE = 30.0

_NOT = (".", "sentinel-")

Content = dict[str, bytes]


class Watching:
    """Takes from a watch what it tells, and adds it up."""

    def __init__(
        self,
        root: Path,
        *,
        poll_interval: float = 3600.0,
        silent: AbstractSet[str] = NETWORK_FILE_SYSTEMS.keys(),
        **declared: object,
    ) -> None:
        given = {"name": "docs", "source": str(root), "knowledge_base": "Docs"}
        config = MirrorConfig.model_validate({**given, "extensions": {"md", "txt"}, **declared})
        self.root = root
        self.watch = Watcher(config, poll_interval=poll_interval, silent=silent)
        self.wakes = 0
        self._woken = threading.Event()
        self._sentinels = count()
        self.told = ChangedPaths()
        self.watch.start(self._wake)

    def _wake(self) -> None:
        self.wakes += 1
        self._woken.set()

    def until(self, wanted: Callable[[ChangedPaths], bool]) -> ChangedPaths:
        """Wait until what was told since the last call fits; return it and begin anew."""
        deadline = time.monotonic() + PATIENCE
        while not wanted(self._gathered()):
            self._woken.wait(max(0.0, min(1.0, deadline - time.monotonic())))
            self._woken.clear()
            assert time.monotonic() < deadline, f"told in vain: {self.told}"
        told, self.told = self.told, ChangedPaths()
        return told

    def settled(self) -> ChangedPaths:
        """Wait until everything done so far was told.

        Events come in the order of what was done, so a last file tells that all came before it.
        """
        name = f"sentinel-{next(self._sentinels)}.md"
        (self.root / name).write_text("here", "utf-8")
        told = self.until(lambda told: name in told.paths)
        real = frozenset(path for path in told.paths if not path.startswith("sentinel-"))
        return ChangedPaths(real, told.folders, told.root)

    def _gathered(self) -> ChangedPaths:
        new, old = self.watch.take(), self.told
        self.told = ChangedPaths(
            old.paths | new.paths, old.folders | new.folders, old.root or new.root
        )
        return self.told


def watches() -> int:
    """Count the watches this process has, as the kernel tells."""
    found = 0
    for info in Path("/proc/self/fdinfo").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found += info.read_text("ascii").count("inotify wd:")
    return found


def names(told: ChangedPaths, path: str) -> bool:
    """Whether `path` was told, by itself or by a folder it is in."""
    folders = {path[:at] for at, letter in enumerate(path) if letter == "/"} | {""}
    return told.root or path in told.paths or bool(folders & told.folders)


def content(root: Path) -> Content:
    """Read every file a mirror would send, but the sentinels."""
    return {
        str(found.relative_to(root)): found.read_bytes()
        for found in root.rglob("*.md")
        if found.is_file() and not any(p.startswith(_NOT) for p in found.relative_to(root).parts)
    }


def differing(before: Content, after: Content) -> set[str]:
    return {p for p in before.keys() | after.keys() if before.get(p) != after.get(p)}


def exact(told: ChangedPaths, differ: set[str], transient: AbstractSet[str] = frozenset()) -> None:
    """Check that what differs was told, and no path that does not.

    `transient`: files that came and went meanwhile: they may be told, as somebody may have seen
    them.
    """
    silent = {path for path in differ if not names(told, path)}
    assert not silent, f"never told: {sorted(silent)[:5]} of {len(silent)}"
    needless = told.paths - differ - transient
    assert not needless, f"told for nothing: {sorted(needless)[:5]} of {len(needless)}"
    assert not told.root


def replaced(path: Path, text: str, beside: str) -> None:
    """Write a file as careful editors do: a new one beside it, moved over it."""
    new = path.with_name(beside)
    new.write_text(text, "utf-8")
    new.replace(path)
