"""A watch over a folder that reports where something changed: late, twice, too much, or never."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import anyio

from kbsync.engine.change_source import ChangedPaths
from kbsync.messages import Notice
from kbsync.model import Sidecar, Stat
from tests.model.folder import MOUNTED, File, Folder

from .weather import EVENT_LATE, EVENT_LOST, EVENT_TWICE, EVENTS, OVERFLOW, Weather

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

LATEST = 120.0
EVERYTHING = ChangedPaths(folders=frozenset({""}))


@dataclass(frozen=True, slots=True)
class _Glance:
    """What an event tells of a file; what has no event is not in it."""

    file: File = field(compare=False)
    stat: Stat
    writes: int
    unreadable: bool
    beside: Sidecar | None

    @classmethod
    def of(cls, file: File, beside: Sidecar | None) -> _Glance:
        return cls(file, file.stat, file.writes, file.unreadable, beside)


class Watch:
    """The controller's `Changes` over one folder.

    It finds out by itself what changed since it looked last.

    Args:
        weather: how well it sees.
        group: where events wait that are late.
    """

    mode = "by looking"
    notice: Notice | None = None

    def __init__(self, folder: Folder, weather: Weather, group: TaskGroup) -> None:
        self._folder = folder
        self._weather = weather
        self._group = group
        self._wake: Callable[[], None] | None = None
        self._changed = ChangedPaths()
        self._seen: dict[str, _Glance] = {}
        self._locked: frozenset[str] = frozenset()
        self._mount = folder.mount
        self._mounts = folder.mounted()

    # -- the port --------------------------------------------------------------------------------

    def start(self, wake: Callable[[], None]) -> None:
        self._note()
        self._wake = wake

    def take(self) -> ChangedPaths:
        taken, self._changed = self._changed, ChangedPaths()
        return taken

    def stop(self) -> None:
        self._wake = None

    # -- what it sees ----------------------------------------------------------------------------

    def look(self) -> None:
        """Report what changed since the last time."""
        if self._wake is None:
            return
        before, locked, mount = self._seen, self._locked, self._mount
        mounts = self._mounts
        self._note()
        if mount != self._mount:
            self._happened(ChangedPaths(root=True))
            return
        if mounts != self._mounts:
            self._happened(EVERYTHING)
            return
        paths = {path for path in before.keys() | self._seen.keys() if self._differs(before, path)}
        folders = frozenset(locked ^ self._locked)
        if paths or folders:
            self._happened(ChangedPaths(paths=frozenset(paths), folders=folders))

    def _note(self) -> None:
        folder = self._folder
        self._mount, self._locked = folder.mount, frozenset(folder.locked)
        self._mounts = folder.mounted()
        files = folder.files if folder.mount == MOUNTED else {}
        files = {path: file for path, file in files.items() if not folder.hides(path)}
        self._seen = {
            path: _Glance.of(file, folder.sidecars.get(path)) for path, file in files.items()
        }

    def _differs(self, before: dict[str, _Glance], path: str) -> bool:
        was, now = before.get(path), self._seen.get(path)
        if was is None or now is None or was.file is not now.file:
            return was is not now
        # Of a file with several names that alone has an event by which it was written to.
        seen_by_name = (was.unreadable, was.beside) != (now.unreadable, now.beside)
        return was != now and (now.file.by_name == path or seen_by_name)

    def _happened(self, changed: ChangedPaths) -> None:
        fate = self._weather.fate(EVENTS)
        late = self._weather.chance.uniform(0.1, LATEST)
        if fate not in (EVENT_LOST, EVENT_LATE):
            self._report(EVERYTHING if fate == OVERFLOW else changed)
        if fate in (EVENT_LATE, EVENT_TWICE):
            self._group.start_soon(self._report_later, late, changed)

    async def _report_later(self, seconds: float, changed: ChangedPaths) -> None:
        await anyio.sleep(seconds)
        self._report(changed)

    def _report(self, changed: ChangedPaths) -> None:
        if self._wake is None:
            return
        held = self._changed
        self._changed = ChangedPaths(
            paths=held.paths | changed.paths,
            folders=held.folders | changed.folders,
            root=held.root or changed.root,
        )
        self._wake()
