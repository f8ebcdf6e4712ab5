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
from kbsync.engine.change_source import ChangedPaths
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
        network_types: AbstractSet[str] = NETWORK_FILE_SYSTEMS.keys(),
        **declared: object,
    ) -> None:
        given = {"name": "docs", "source": str(root), "knowledge_base": "Docs"}
        config = MirrorConfig.model_validate({**given, "extensions": {"md", "txt"}, **declared})
        self.root = root
        self.watch = Watcher(config, poll_interval=poll_interval, network_types=network_types)
        self.wakes = 0
        self._woken = threading.Event()
        self._sentinels = count()
        self.reported = ChangedPaths()
        self.watch.start(self._wake)

    def _wake(self) -> None:
        self.wakes += 1
        self._woken.set()

    def until(self, wanted: Callable[[ChangedPaths], bool]) -> ChangedPaths:
        """Wait until what was reported since the last call fits; return it and begin anew."""
        deadline = time.monotonic() + PATIENCE
        while not wanted(self._gathered()):
            self._woken.wait(max(0.0, min(1.0, deadline - time.monotonic())))
            self._woken.clear()
            assert time.monotonic() < deadline, f"reported in vain: {self.reported}"
        reported, self.reported = self.reported, ChangedPaths()
        return reported

    def settled(self) -> ChangedPaths:
        """Wait until everything done so far was reported.

        Events come in the order of what was done, so a last file tells that all came before it.
        """
        name = f"sentinel-{next(self._sentinels)}.md"
        (self.root / name).write_text("here", "utf-8")
        reported = self.until(lambda reported: name in reported.paths)
        real = frozenset(path for path in reported.paths if not path.startswith("sentinel-"))
        return ChangedPaths(real, reported.folders, reported.root)

    def _gathered(self) -> ChangedPaths:
        new, old = self.watch.take(), self.reported
        self.reported = ChangedPaths(
            old.paths | new.paths, old.folders | new.folders, old.root or new.root
        )
        return self.reported


def watches() -> int:
    """Count the watches this process has, as the kernel tells."""
    found = 0
    for info in Path("/proc/self/fdinfo").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found += info.read_text("ascii").count("inotify wd:")
    return found


def names(reported: ChangedPaths, path: str) -> bool:
    """Whether `path` was reported, by itself or by a folder it is in."""
    folders = {path[:at] for at, letter in enumerate(path) if letter == "/"} | {""}
    return reported.root or path in reported.paths or bool(folders & reported.folders)


def content(root: Path) -> Content:
    """Read every file a mirror would send, but the sentinels."""
    return {
        str(found.relative_to(root)): found.read_bytes()
        for found in root.rglob("*.md")
        if found.is_file() and not any(p.startswith(_NOT) for p in found.relative_to(root).parts)
    }


def differing(before: Content, after: Content) -> set[str]:
    return {p for p in before.keys() | after.keys() if before.get(p) != after.get(p)}


def exact(
    reported: ChangedPaths, differ: set[str], transient: AbstractSet[str] = frozenset()
) -> None:
    """Check that what differs was reported, and no path that does not.

    `transient`: files that came and went meanwhile: they may be reported, as they may have been
    seen.
    """
    silent = {path for path in differ if not names(reported, path)}
    assert not silent, f"never reported: {sorted(silent)[:5]} of {len(silent)}"
    needless = reported.paths - differ - transient
    assert not needless, f"reported for nothing: {sorted(needless)[:5]} of {len(needless)}"
    assert not reported.root


def replaced(path: Path, text: str, beside: str) -> None:
    """Write a file as careful editors do: a new one beside it, moved over it."""
    new = path.with_name(beside)
    new.write_text(text, "utf-8")
    new.replace(path)
