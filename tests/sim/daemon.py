"""The daemon in the place of a pass: real keepers for hours, while the world goes on.

Whatever is told here is what `kbsync run` meets: events, pauses, reloads, verbs that borrow an
engine, a server that is away, and the end of the process at any await.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import anyio

from kbsync.engine.control.controller import DRAIN, Controller, ControllerStatus, Phase

from . import rules
from .process import Process
from .watching import Watch

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

RESTS = [0.0, 0.3, 1.0, 1.0, 4.0, 4.0, 40.0, 40.0, 400.0, 1500.0]
LONGEST_AWAY = 900.0
A_WHILE, ANOTHER_WHILE = 2.2 * 3600.0, 1.2 * 3600.0
# To end, a keeper brings calls to their end; to make a base, it may wait for the server's room.
ENDED = DRAIN + 600.0
RELEASES = 6
MOMENT = 120.0


@dataclass
class Kept:
    """One mirror that is kept."""

    name: str
    keeper: Controller
    watch: Watch
    left: anyio.Event = field(default_factory=anyio.Event)


class Daemon:
    """The keepers of one process.

    Args:
        group: where they live.
    """

    def __init__(self, process: Process, group: TaskGroup) -> None:
        self._process = process
        self._history = process.history
        self._chance = process.chance
        self._group = group
        self._kept: dict[str, Kept] = {}
        self._paused = False
        process.busy = self._busy
        for name in self._history.mirrors:
            self._begin(name)

    def _busy(self) -> bool:
        if self._process.line.in_the_air:
            return True
        resting = (Phase.WATCHING, Phase.PAUSED, Phase.STOPPED)
        return any(each.keeper.state.phase not in resting for each in self._kept.values())

    # -- keepers come and go ---------------------------------------------------------------------

    def _begin(self, name: str) -> None:
        process = self._process
        watch = Watch(self._history.folders[name], process.weather, self._group)
        keeper = Controller(
            process.engine(name),
            watch,
            observe=process.observe,
            turned=partial(self._turned, name),
        )
        keeper.paused = self._paused
        kept = self._kept[name] = Kept(name, keeper, watch)
        self._history.watches.append(watch)
        self._group.start_soon(self._keep, kept)

    def _turned(self, name: str, state: ControllerStatus) -> None:
        self._history.tell(f"{name} is {state.phase} {state.why or ''}")
        self._history.met[f"keeper {state.phase}"] += 1

    async def _keep(self, kept: Kept) -> None:
        try:
            await kept.keeper.run()
        finally:
            self._history.watches.remove(kept.watch)
            kept.left.set()

    async def leave(self) -> None:
        """Stop all keepers, and wait for their end."""
        for kept in self._kept.values():
            kept.keeper.stop()
        for kept in self._kept.values():
            await self._in_time("a keeper that was stopped", kept.left.wait)

    async def _in_time(self, what: str, wait: Callable[[], Awaitable[object]]) -> None:
        with anyio.move_on_after(ENDED) as scope:
            await wait()
        if scope.cancelled_caught:
            self._history.watcher.fault("endless", f"{what} did not end")

    # -- what is done to it ----------------------------------------------------------------------

    async def act(self) -> None:
        """Do one thing, and let time pass."""
        acts: dict[Callable[[], Awaitable[None] | None], int] = {
            self._meanwhile: 20,
            self._nudge: 2,
            self._pause: 3,
            self._lend: 3,
            self._reload: 2,
            self._away: 2,
            self._jump: 1,
        }
        [chosen] = self._chance.choices(list(acts), list(acts.values()))
        self._history.met[f"while kept {chosen.__name__.strip('_')}"] += 1
        done = chosen()
        if done is not None:
            await done
        self._history.noticed()
        await anyio.sleep(self._chance.choice(RESTS))

    def _meanwhile(self) -> None:
        [rule] = self._chance.choices(list(WHILE_KEPT), list(WHILE_KEPT.values()))
        self._history.tell(f"meanwhile {rule.__name__}")
        rule(self._history, self._chance)

    def _nudge(self) -> None:
        self._some().keeper.nudge(listing=self._chance.random() < 0.5)

    def _some(self) -> Kept:
        return self._kept[self._chance.choice(sorted(self._kept))]

    def _pause(self) -> None:
        self._paused = not self._paused
        self._history.tell("paused" if self._paused else "resumed")
        for kept in self._kept.values():
            kept.keeper.paused = self._paused
        now = self._history.time()
        self._process.line.no_writes_after = now if self._paused else float("inf")

    async def _lend(self) -> None:
        await self.lend(self._some())

    async def lend(self, kept: Kept) -> None:
        """Carry a pass out for somebody while the keeper rests."""
        process, line = self._process, self._process.line
        async with anyio.create_task_group() as group:
            patience = anyio.CancelScope()
            group.start_soon(self._impatient, patience, group.cancel_scope)
            async with kept.keeper.suspended():
                patience.cancel()
                self._history.tell(f"{kept.name} is lent")
                before, line.no_writes_after = line.no_writes_after, float("inf")
                await process.once_over(process.engine(kept.name))
                line.no_writes_after = before

    async def _impatient(self, patience: anyio.CancelScope, all_: anyio.CancelScope) -> None:
        with patience:
            await anyio.sleep(ENDED)
            self._history.watcher.fault("endless", "a keeper was not lent")
            all_.cancel()

    async def _reload(self) -> None:
        """Another configuration: the keeper leaves, and another begins."""
        kept = self._some()
        kept.keeper.stop()
        await self._in_time("a keeper that was reloaded", kept.left.wait)
        rule = self._chance.choice([rules.change_settings, rules.filters, rules.rest])
        if rule is not rules.rest:
            rule(self._history, self._chance)
        self._history.tell(f"reload with another {rule.__name__}")
        self._begin(kept.name)

    def _away(self) -> None:
        self._history.tell("the server is away")
        self._process.weather.met["unreachable"] += 1
        server = self._history.server
        server.away_until = server.now() + self._chance.uniform(1.0, LONGEST_AWAY)

    def _jump(self) -> None:
        """The clock jumps, unless a call is under way: how long it took could not be told."""
        if not self._process.line.in_the_air:
            rules.clock_jumps(self._history, self._chance)

    # -- at rest ---------------------------------------------------------------------------------

    async def come_to_rest(self) -> None:
        """Nothing happens any more but that somebody agrees to what is held back."""
        await anyio.sleep(A_WHILE)
        for _ in range(RELEASES):
            held = [each for each in self._kept.values() if each.keeper.state.held is not None]
            if not held:
                break
            for kept in held:
                await self.lend(kept)
            await anyio.sleep(ANOTHER_WHILE)
        for kept in self._kept.values():
            with anyio.move_on_after(MOMENT):  # what is tried at every comparison may be tried now
                while _at_work(kept.keeper.state):  # noqa: ASYNC110 - nobody tells of an end
                    await anyio.sleep(1.0)
            self._judge(kept)

    def _judge(self, kept: Kept) -> None:
        """A keeper at rest remembers nothing but what it tells."""
        state, fault = kept.keeper.state, self._history.watcher.fault
        self._history.unmet[kept.name] = None
        if state.phase not in (Phase.WATCHING, Phase.SYNCING):
            self._history.tell(f"{kept.name} rests {state.phase}: {state.why}")
            return
        self._history.unmet[kept.name] = dict(kept.keeper.unmet)
        if _at_work(state):
            fault("unfinished", f"{state.pending} wait, {state.indexing} are indexed: {state}")


def _at_work(state: ControllerStatus) -> bool:
    return bool(state.pending or state.indexing)


# -- errands -------------------------------------------------------------------------------------


async def live(process: Process) -> None:
    """Run for some hours, and meet what the world has in store."""
    async with anyio.create_task_group() as group:
        daemon = Daemon(process, group)
        for _ in range(process.chance.randint(2, 14)):
            await daemon.act()
        await daemon.leave()
        group.cancel_scope.cancel()


async def rest(process: Process) -> None:
    """Run until everything has come to rest."""
    async with anyio.create_task_group() as group:
        daemon = Daemon(process, group)
        await daemon.come_to_rest()
        await daemon.leave()
        group.cancel_scope.cancel()


WHILE_KEPT: dict[rules.Rule, int] = {
    **dict.fromkeys((rules.write, rules.edit, rules.delete, rules.rename), 6),
    **dict.fromkeys((rules.swap, rules.truncate, rules.chmod, rules.mount), 2),
    **dict.fromkeys((rules.edit_chunk, rules.delete_there, rules.namesake, rules.disable), 2),
    **dict.fromkeys((rules.archive, rules.duplicate, rules.copy_metadata, rules.heal), 1),
    **dict.fromkeys((rules.delete_metadata, rules.rename_metadata, rules.refuse), 1),
    rules.delete_base: 1,
}
