"""One controller for each declared mirror, side by side: none waits for another."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import field
from typing import Protocol

import anyio
from anyio.abc import TaskGroup

from kbsync.app import build
from kbsync.config import MirrorConfig, ServerConfig, Settings
from kbsync.dify.client import DifyClient
from kbsync.engine.control.controller import ControllerStatus, Phase
from kbsync.engine.indexing_room import IndexingRooms
from kbsync.engine.ports import Clock
from kbsync.engine.reconciler import Reconciler
from kbsync.engine.workers.throttle import ThrottledRemote
from kbsync.lazy_dataclass import dataclass
from kbsync.ledger.store import LedgerStore
from kbsync.messages import Exit, Notice, Problem
from kbsync.model import DocKey, Halted
from kbsync.model.prune import KEEP, Prune
from kbsync.service.shared_servers import ServerLoad, SharedServers

# Seconds between two attempts to open a server.
RETRY = 30.0


class SupervisedController(Protocol):
    """What the supervisor needs of `kbsync.engine.control.controller.Controller`."""

    read_only: bool
    paused: bool

    @property
    def status(self) -> ControllerStatus:
        """What it is doing now."""
        ...

    @property
    def unmet(self) -> Mapping[DocKey, Notice]:
        """Why keys are not what they should be."""
        ...

    @property
    def held(self) -> Halted | None:
        """What the guard holds back."""
        ...

    async def run(self) -> None:
        """Keep the mirror in sync until `stop` is called."""
        ...

    def stop(self) -> None:
        """Begin no more calls."""
        ...

    def suspended(self) -> AbstractAsyncContextManager[Reconciler]:
        """Leave the reconciler to the caller; the controller does nothing meanwhile."""
        ...


MakeController = Callable[
    [MirrorConfig, Reconciler, Callable[[ControllerStatus], None]], SupervisedController
]
Turned = Callable[[str, ControllerStatus], None]


@dataclass(slots=True, kw_only=True, eq=False)
class SupervisedMirror:
    """A declared mirror and its controller.

    Args:
        fault: why its server cannot be opened; there is no controller until it can.
        leaving: set to stop the controller.
        left: set once it has stopped.
    """

    declared: MirrorConfig
    server: ServerConfig
    controller: SupervisedController | None = None
    fault: Problem | None = None
    paused: bool = False
    leaving: anyio.Event = field(default_factory=anyio.Event)
    left: anyio.Event = field(default_factory=anyio.Event)

    @property
    def status(self) -> ControllerStatus:
        """The status of its controller."""
        if self.controller is not None:
            return self.controller.status
        if self.fault is not None:
            return ControllerStatus(phase=Phase.HALTED, why=self.fault.notice)
        return ControllerStatus()

    def stop(self) -> None:
        """Stop the controller; what is in flight is brought to its end."""
        self.leaving.set()
        if self.controller is not None:
            self.controller.stop()

    def pause(self, paused: bool) -> None:
        """Write nothing for it, or write again."""
        self.paused = paused
        if self.controller is not None:
            self.controller.paused = paused


class Supervisor:
    """The mirrors of the configuration in force; iterating yields them in its order.

    Args:
        group: where the controllers run.
        servers: connections to servers, shared by all mirrors.
        ledger: open for writing.
        clock: the ledger's.
        make: makes a controller of a mirror's declaration and its engine.
        turned: called whenever a mirror begins or ceases to be in trouble.
    """

    def __init__(
        self,
        group: TaskGroup,
        servers: SharedServers,
        ledger: LedgerStore,
        clock: Clock,
        *,
        make: MakeController,
        turned: Turned,
    ) -> None:
        self._group = group
        self._servers = servers
        self._ledger = ledger
        self._clock = clock
        self._make = make
        self._turned = turned
        self._rooms = IndexingRooms()
        self._mirrors: dict[str, SupervisedMirror] = {}
        self._closed = False

    def __iter__(self) -> Iterator[SupervisedMirror]:
        return iter(self._mirrors.values())

    async def supervise(self, settings: Settings) -> dict[str, list[str]]:
        """Run a controller for exactly the mirrors of `settings` from now on.

        Mirrors that are declared as before are not disturbed; changed ones begin anew.

        Returns:
            The names of mirrors that are ``new``, ``changed`` and ``gone``.

        Raises:
            Problem: a server cannot be used as declared; then nothing was changed.
        """
        wanted = {each.name: (each, settings.server_of(each)) for each in settings.mirrors}
        # Before any controller stops: a server that is declared wrongly changes nothing.
        await self._require({server for _, server in wanted.values()})
        # A changed mirror's controller ends before its next one begins: two would both write.
        leaving = [each for each in self if wanted.get(each.declared.name) != _as_declared(each)]
        await self._stop(leaving)
        # A signal came while controllers were draining.
        if self._closed:
            return {}
        before = {each.declared.name for each in leaving}
        old, paused = self._mirrors, self._ledger.paused()
        self._mirrors = {}
        for name, (declared, server) in wanted.items():
            # Rebuilt in the file's order, which `status` shows.
            undisturbed = name in old and name not in before
            self._mirrors[name] = (
                old[name] if undisturbed else SupervisedMirror(declared=declared, server=server)
            )
            if not undisturbed:
                self._mirrors[name].paused = name in paused
                self._group.start_soon(self._run, settings, self._mirrors[name])
        # Last, as controllers that drain still need their connections.
        await self._servers.only(server for _, server in wanted.values())
        return {
            "new": [name for name in wanted if name not in old],
            "changed": [name for name in wanted if name in before],
            "gone": [name for name in old if name not in wanted],
        }

    async def stop(self) -> None:
        """Stop every controller; returns when everything in flight has come to its end."""
        self._closed = True
        await self._stop(list(self))

    async def remote(self, server: ServerConfig) -> ThrottledRemote:
        """Return the connection to a declared server, with its limits.

        Raises:
            Problem: it cannot be used as declared.
        """
        return await self._servers.remote(server)

    async def client(self, server: ServerConfig) -> DifyClient:
        """Return the whole knowledge API of a declared server, for a person who asks by hand.

        Raises:
            Problem: it cannot be used as declared.
        """
        return await self._servers.client(server)

    def load(self, server: ServerConfig) -> ServerLoad | None:
        """Return what was asked of a declared server so far; None while it is not open."""
        return self._servers.load(server)

    async def engine(
        self, settings: Settings, declared: MirrorConfig, *, prune: Prune = KEEP
    ) -> Reconciler:
        """Return an engine for a command, which runs while the controller is suspended.

        Raises:
            Problem: its server cannot be used as declared.
        """
        remote = await self._servers.remote(settings.server_of(declared))
        mirror = build.mirror_of(settings, declared, prune=prune)
        return Reconciler(mirror, self._ledger, remote, self._clock, self._rooms)

    @asynccontextmanager
    async def suspended(self, name: str) -> AsyncIterator[None]:
        """Suspend the controller of a mirror, if it has one."""
        mirror = self._mirrors.get(name)
        if mirror is None or mirror.controller is None:
            yield
            return
        async with mirror.controller.suspended():
            yield

    def pause(self, name: str, *, paused: bool) -> bool:
        """Write nothing for a mirror, or write again; return whether it is in force."""
        mirror = self._mirrors.get(name)
        if mirror is not None:
            mirror.pause(paused)
        return mirror is not None

    async def _require(self, wanted: set[ServerConfig]) -> None:
        """Check that no server is declared wrongly; one that is away is opened later."""
        for server in wanted:
            try:
                await self._servers.remote(server)
            except Problem as problem:
                if problem.exit is Exit.USAGE:
                    await self._servers.only(each.server for each in self)
                    raise

    async def _stop(self, leaving: list[SupervisedMirror]) -> None:
        # All of them drain side by side.
        for mirror in leaving:
            mirror.stop()
        for mirror in leaving:
            await mirror.left.wait()

    async def _run(self, settings: Settings, mirror: SupervisedMirror) -> None:
        try:
            engine = await self._opened(settings, mirror)
            if engine is None:
                return
            name = mirror.declared.name
            controller = self._make(
                mirror.declared, engine, lambda state: self._turned(name, state)
            )
            controller.read_only = mirror.declared.read_only
            controller.paused = mirror.paused
            mirror.controller, mirror.fault = controller, None
            if mirror.leaving.is_set():
                return
            await controller.run()
        finally:
            # `_stop` waits for this, however the controller ended.
            mirror.left.set()

    async def _opened(self, settings: Settings, mirror: SupervisedMirror) -> Reconciler | None:
        """Return the engine once its server can be opened, None when the mirror leaves before."""
        while not mirror.leaving.is_set():
            try:
                return await self.engine(settings, mirror.declared)
            except Problem as problem:
                mirror.fault = problem
                self._turned(mirror.declared.name, mirror.status)
            with anyio.move_on_after(RETRY):
                await mirror.leaving.wait()
        return None


def _as_declared(mirror: SupervisedMirror) -> tuple[MirrorConfig, ServerConfig]:
    return mirror.declared, mirror.server
