"""Keeps every declared mirror: one keeper each, side by side, none waiting for another."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import anyio
from anyio.abc import TaskGroup

from kbsync.app import build
from kbsync.config import MirrorConfig, ServerConfig, Settings
from kbsync.engine.control.controller import ControllerStatus, Phase
from kbsync.engine.reconciler import Reconciler
from kbsync.messages import Exit, Problem
from kbsync.service.shared_servers import SharedServers

if TYPE_CHECKING:
    from kbsync.engine.ports import Clock
    from kbsync.engine.workers.throttle import ThrottledRemote
    from kbsync.ledger.store import LedgerStore

# So long a server that cannot be opened is left alone.
REST = 30.0


class Keeping(Protocol):
    """What the house needs of a keeper; see `kbsync.engine.control.controller.Keeper`."""

    read_only: bool
    paused: bool

    @property
    def state(self) -> ControllerStatus:
        """What the keeper is at now."""
        ...

    async def run(self) -> None:
        """Keep the mirror until `stop` is called."""
        ...

    def stop(self) -> None:
        """Begin no more calls."""
        ...

    def suspended(self) -> AbstractAsyncContextManager[Reconciler]:
        """Rest, as long as the engine is lent."""
        ...


MakeKeeper = Callable[[MirrorConfig, Reconciler, Callable[[ControllerStatus], None]], Keeping]
Turned = Callable[[str, ControllerStatus], None]


@dataclass(slots=True, kw_only=True, eq=False)
class SupervisedMirror:
    """One mirror that is kept.

    Args:
        fault: why its server cannot be opened; there is no keeper until it can.
    """

    declared: MirrorConfig
    server: ServerConfig
    keeper: Keeping | None = None
    fault: Problem | None = None
    paused: bool = False
    leaving: anyio.Event = field(default_factory=anyio.Event)
    left: anyio.Event = field(default_factory=anyio.Event)

    @property
    def state(self) -> ControllerStatus:
        """What the mirror is at."""
        if self.keeper is not None:
            return self.keeper.state
        if self.fault is not None:
            return ControllerStatus(phase=Phase.HALTED, why=self.fault.notice)
        return ControllerStatus()

    def leave(self) -> None:
        """Keep it no more; what is in flight is brought to its end."""
        self.leaving.set()
        if self.keeper is not None:
            self.keeper.stop()

    def pause(self, paused: bool) -> None:
        """Write nothing for it, or write again."""
        self.paused = paused
        if self.keeper is not None:
            self.keeper.paused = paused


class Supervisor:
    """The mirrors of a configuration, kept.

    Args:
        group: where the keepers live.
        links: the servers.
        ledger: the memory, held.
        clock: its time.
        make: makes a mirror's keeper, from what is declared of it and its engine.
        turned: told whenever a mirror begins or ceases to be kept as it should.
    """

    def __init__(
        self,
        group: TaskGroup,
        links: SharedServers,
        ledger: LedgerStore,
        clock: Clock,
        *,
        make: MakeKeeper,
        turned: Turned,
    ) -> None:
        self._group = group
        self._links = links
        self._ledger = ledger
        self._clock = clock
        self._make = make
        self._turned = turned
        self._kept: dict[str, SupervisedMirror] = {}
        self._closed = False

    def __iter__(self) -> Iterator[SupervisedMirror]:
        return iter(self._kept.values())

    async def keep(self, settings: Settings) -> dict[str, list[str]]:
        """Keep exactly the mirrors of `settings` from now on, in its order.

        Mirrors that are declared as before are not disturbed; changed ones begin anew.

        Returns:
            The names of mirrors that are ``new``, ``changed`` and ``gone``.

        Raises:
            Problem: a server cannot be used as declared; then nothing was changed.
        """
        wanted = {each.name: (each, settings.server_of(each)) for each in settings.mirrors}
        await self._require({server for _, server in wanted.values()})
        leaving = [kept for kept in self if wanted.get(kept.declared.name) != _as_declared(kept)]
        await self._leave(leaving)
        if self._closed:
            return {}
        before = {kept.declared.name for kept in leaving}
        old, paused = self._kept, self._ledger.paused()
        self._kept = {}
        for name, (declared, server) in wanted.items():
            undisturbed = name in old and name not in before
            self._kept[name] = (
                old[name] if undisturbed else SupervisedMirror(declared=declared, server=server)
            )
            if not undisturbed:
                self._kept[name].paused = name in paused
                self._group.start_soon(self._keep, settings, self._kept[name])
        await self._links.only(server for _, server in wanted.values())
        return {
            "new": [name for name in wanted if name not in old],
            "changed": [name for name in wanted if name in before],
            "gone": [name for name in old if name not in wanted],
        }

    async def leave(self) -> None:
        """Keep nothing any more; returns when everything in flight has come to its end."""
        self._closed = True
        await self._leave(list(self))

    async def gate(self, server: ServerConfig) -> ThrottledRemote:
        """Return the gate of a declared server.

        Raises:
            Problem: it cannot be used as declared.
        """
        return await self._links.gate(server)

    async def engine(
        self, settings: Settings, declared: MirrorConfig, *, prune_excluded: bool
    ) -> Reconciler:
        """Return an engine for a verb; the mirror has to rest meanwhile.

        Raises:
            Problem: its server cannot be used as declared.
        """
        gate = await self._links.gate(settings.server_of(declared))
        mirror = build.mirror_of(settings, declared, prune_excluded=prune_excluded)
        return Reconciler(mirror, self._ledger, gate, self._clock)

    @asynccontextmanager
    async def suspended(self, name: str) -> AsyncIterator[None]:
        """Let a mirror rest, kept or not."""
        kept = self._kept.get(name)
        if kept is None or kept.keeper is None:
            yield
            return
        async with kept.keeper.suspended():
            yield

    def pause(self, name: str, *, paused: bool) -> bool:
        """Write nothing for a mirror, or write again; return whether it is kept."""
        kept = self._kept.get(name)
        if kept is not None:
            kept.pause(paused)
        return kept is not None

    async def _require(self, wanted: set[ServerConfig]) -> None:
        """See that no server is declared wrongly; one that is away is opened later."""
        for server in wanted:
            try:
                await self._links.gate(server)
            except Problem as problem:
                if problem.exit is Exit.USAGE:
                    await self._links.only(kept.server for kept in self)
                    raise

    async def _leave(self, leaving: list[SupervisedMirror]) -> None:
        for kept in leaving:
            kept.leave()
        for kept in leaving:
            await kept.left.wait()

    async def _keep(self, settings: Settings, kept: SupervisedMirror) -> None:
        try:
            engine = await self._opened(settings, kept)
            if engine is None:
                return
            name = kept.declared.name
            keeper = self._make(kept.declared, engine, lambda state: self._turned(name, state))
            keeper.read_only = kept.declared.read_only
            keeper.paused = kept.paused
            kept.keeper, kept.fault = keeper, None
            if kept.leaving.is_set():
                return
            await keeper.run()
        finally:
            kept.left.set()

    async def _opened(self, settings: Settings, kept: SupervisedMirror) -> Reconciler | None:
        """Return the engine once its server can be opened, None when the mirror leaves before."""
        while not kept.leaving.is_set():
            try:
                return await self.engine(settings, kept.declared, prune_excluded=False)
            except Problem as problem:
                kept.fault = problem
                self._turned(kept.declared.name, kept.state)
            with anyio.move_on_after(REST):
                await kept.leaving.wait()
        return None


def _as_declared(kept: SupervisedMirror) -> tuple[MirrorConfig, ServerConfig]:
    return kept.declared, kept.server
