"""A controller in the world in memory: changes are fed by hand, and time passes at once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio
from anyio.abc import TaskGroup

from kbsync.engine.change_source import ChangedPaths
from kbsync.engine.control.controller import Controller, ControllerStatus
from kbsync.engine.execute.results import Event
from kbsync.engine.reconciler import Reconciler
from kbsync.messages import Notice
from kbsync.messages import remote as remote_say
from kbsync.model import NotSent
from tests.model.folder import Folder

from . import fakes
from .fakes import Stage
from .server import Fault
from .words import EPOCH

SETTLE, GRACE = 1.0, 30.0
WRITES = ("create", "update", "delete", "switch")
READS = ("base", "page", "named", "document", "progress", "fields")
CALLS = (*READS, *WRITES, "assign", "make_field")
AWAY = NotSent(remote_say.CANNOT_CONNECT(what="a call", url="http://fake", words="refused"))


class HandFed:
    """Changes as a test reports them."""

    mode = "by hand"
    notice: Notice | None = None

    def __init__(self) -> None:
        self.started = self.stopped = 0
        self.on_start: Callable[[], None] = lambda: None
        self._wake: Callable[[], None] = lambda: None
        self._paths: set[str] = set()
        self._folders: set[str] = set()
        self._root = False

    def start(self, wake: Callable[[], None]) -> None:
        self.started += 1
        self._wake = wake
        self.on_start()

    def stop(self) -> None:
        self.stopped += 1

    @property
    def taken(self) -> bool:
        """Whether every change has been taken."""
        return not (self._paths or self._folders or self._root)

    def take(self) -> ChangedPaths:
        taken = ChangedPaths(frozenset(self._paths), frozenset(self._folders), self._root)
        self._paths, self._folders, self._root = set(), set(), False
        return taken

    def report(self, *paths: str, folders: Iterable[str] = (), root: bool = False) -> None:
        self._paths |= set(paths)
        self._folders |= set(folders)
        self._root |= root
        self._wake()


@dataclass
class ControlledMirror:
    """A stage, its controller, and what it reported."""

    on: Stage
    changes: HandFed
    controller: Controller
    group: TaskGroup
    events: list[Event] = field(default_factory=list)
    turns: list[ControllerStatus] = field(default_factory=list)

    def write(self, path: str, content: bytes) -> None:
        """Save a file now."""
        write_now(self.on.source, path, content)
        self.changes.report(path)

    def remove(self, *paths: str) -> None:
        for path in paths:
            self.on.source.remove(path)
        self.changes.report(*paths)

    def rename(self, old: str, new: str) -> None:
        self.on.source.rename(old, new)
        self.changes.report(old, new)

    def writes(self) -> list[tuple[str, str]]:
        """Return the calls that changed a document, in order."""
        return [(call, what) for _, call, what in self.on.server.calls if call in WRITES]

    def walks(self) -> int:
        source = self.on.source
        assert isinstance(source, CountedFolder)
        return source.walks

    def names(self) -> dict[str, bytes]:
        return {each.name: each.content for each in self.on.server.documents.values()}

    def exact(self) -> bool:
        """Whether the base is the folder."""
        named, files = self.on.world.mirror.document_name, self.on.source.contents()
        return self.names() == {named(path): content for path, content in files.items()}

    def now(self) -> float:
        return self.on.clock.now()


class CountedFolder(Folder):
    """Counts how often it is walked."""

    walks = 0

    def scan(self, *within):  # type: ignore[no-untyped-def]
        self.walks += 1
        return super().scan(*within)


def write_now(folder: Folder, path: str, content: bytes) -> None:
    """Write a file whose times are of this moment."""
    folder.write(path, content)
    folder.files[path].mtime_ns = int((EPOCH + anyio.current_time()) * 1e9)


def counted(on: Stage) -> Stage:
    """Let the stage's source count its walks."""
    on.source.__class__ = CountedFolder
    return on


def filled(count: int = 3, *, on: Stage | None = None) -> Stage:
    """A stage of files that are synced."""
    on = counted(on or fakes.stage())
    for n in range(count):
        on.synced(f"{n:02}.md", b"page %d" % n)
    return on


def every_call(on: Stage, fault: Fault) -> None:
    """Let every call from now on end so; None ends that."""
    for call in CALLS:
        on.server.always[call] = fault


@asynccontextmanager
async def controlled(
    on: Stage, *, begin: bool = True, rest: float = 10.0
) -> AsyncIterator[ControlledMirror]:
    """Keep `on` until the block ends; with `begin` from when nothing is left to do."""
    engine = Reconciler(on.world.mirror, on.ledger, on.server, on.clock)
    changes = HandFed()
    events: list[Event] = []
    turns: list[ControllerStatus] = []
    controller = Controller(engine, changes, observe=events.append, on_change=turns.append)
    async with anyio.create_task_group() as group:
        it = ControlledMirror(on, changes, controller, group, events, turns)
        if begin:
            group.start_soon(controller.run)
            await anyio.sleep(rest)
        yield it
        controller.stop()
