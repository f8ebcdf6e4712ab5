"""The daemon instead of one pass: real controllers for hours, while the world goes on.

It meets what `kbsync run` meets: events, pauses, reloads, verbs that suspend a controller, a server
that is away, and the end of the process at any await.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import anyio

from kbsync.engine.control.controller import DRAIN, Controller, ControllerStatus, Phase

from . import rules, trials
from .process import Process
from .watching import Watch

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

RESTS = [0.0, 0.3, 1.0, 1.0, 4.0, 4.0, 40.0, 40.0, 400.0, 1500.0]
LONGEST_AWAY = 900.0
A_WHILE, ANOTHER_WHILE = 2.2 * 3600.0, 1.2 * 3600.0
# A controller that stops lets its calls end; before it makes a base it may wait for the server.
ENDED = DRAIN + 600.0
RELEASES = 6
MOMENT = 120.0


@dataclass
class Controlled:
    """One mirror and its controller."""

    name: str
    controller: Controller
    watch: Watch
    left: anyio.Event = field(default_factory=anyio.Event)


class Daemon:
    """The controllers of one process.

    Args:
        group: where they live.
    """

    def __init__(self, process: Process, group: TaskGroup) -> None:
        self._process = process
        self._history = process.history
        self._chance = process.chance
        self._group = group
        self._controlled: dict[str, Controlled] = {}
        self._paused = False
        process.busy = self._busy
        for name in self._history.mirrors:
            self._begin(name)

    def _busy(self) -> bool:
        if self._process.line.in_the_air:
            return True
        resting = (Phase.WATCHING, Phase.PAUSED, Phase.STOPPED)
        return any(
            each.controller.status.phase not in resting for each in self._controlled.values()
        )

    # -- controllers come and go ----------------------------------------------------------------

    def _begin(self, name: str) -> None:
        self._history.passes += 1
        process = self._process
        watch = Watch(self._history.folders[name], process.weather, self._group)
        controller = Controller(
            process.engine(name),
            watch,
            observe=process.observe,
            on_change=partial(self._turned, name),
        )
        controller.paused = self._paused
        one = self._controlled[name] = Controlled(name, controller, watch)
        self._history.watches.append(watch)
        self._group.start_soon(self._run, one)

    def _turned(self, name: str, state: ControllerStatus) -> None:
        self._history.note(f"{name} is {state.phase} {state.why or ''}")
        self._history.met[f"controller {state.phase}"] += 1

    async def _run(self, one: Controlled) -> None:
        try:
            await one.controller.run()
        finally:
            self._history.watches.remove(one.watch)
            one.left.set()

    async def leave(self) -> None:
        """Stop all controllers, and wait for their end."""
        for one in self._controlled.values():
            one.controller.stop()
        for one in self._controlled.values():
            await self._in_time("a controller that was stopped", one.left.wait)

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
        self._history.met[f"while it runs {chosen.__name__.strip('_')}"] += 1
        done = chosen()
        if done is not None:
            await done
        self._history.noticed()
        await anyio.sleep(self._chance.choice(RESTS))

    def _meanwhile(self) -> None:
        [rule] = self._chance.choices(list(WHILE_IT_RUNS), list(WHILE_IT_RUNS.values()))
        self._history.note(f"meanwhile {rule.__name__}")
        rule(self._history, self._chance)
        trials.meanwhile(self._history)

    def _nudge(self) -> None:
        self._some().controller.nudge(listing=self._chance.random() < 0.5)

    def _some(self) -> Controlled:
        return self._controlled[self._chance.choice(sorted(self._controlled))]

    def _pause(self) -> None:
        self._paused = not self._paused
        self._history.note("paused" if self._paused else "resumed")
        for one in self._controlled.values():
            one.controller.paused = self._paused
        now = self._history.time()
        self._process.line.no_writes_after = now if self._paused else float("inf")

    async def _lend(self) -> None:
        await self.lend(self._some())

    async def lend(self, one: Controlled) -> None:
        """Suspend the controller and carry out one pass, as a verb does."""
        process, line = self._process, self._process.line
        async with anyio.create_task_group() as group:
            patience = anyio.CancelScope()
            group.start_soon(self._impatient, patience, group.cancel_scope)
            async with one.controller.suspended():
                patience.cancel()
                self._history.note(f"{one.name} is lent")
                before, line.no_writes_after = line.no_writes_after, float("inf")
                await process.once_over(process.engine(one.name))
                line.no_writes_after = before

    async def _impatient(self, patience: anyio.CancelScope, all_: anyio.CancelScope) -> None:
        with patience:
            await anyio.sleep(ENDED)
            self._history.watcher.fault("endless", "a controller was not lent")
            all_.cancel()

    async def _reload(self) -> None:
        """Another configuration: the controller leaves, and another begins."""
        one = self._some()
        one.controller.stop()
        await self._in_time("a controller that was reloaded", one.left.wait)
        rule = self._chance.choice([rules.change_settings, rules.filters, rules.rest])
        if rule is not rules.rest:
            rule(self._history, self._chance)
        self._history.note(f"reload with another {rule.__name__}")
        self._begin(one.name)

    def _away(self) -> None:
        self._history.note("the server is away")
        self._process.weather.met["unreachable"] += 1
        server = self._history.server
        server.away_until = server.now() + self._chance.uniform(1.0, LONGEST_AWAY)

    def _jump(self) -> None:
        """The clock jumps, unless a call is under way: its duration could not be measured."""
        if not self._process.line.in_the_air:
            rules.clock_jumps(self._history, self._chance)

    # -- at rest ---------------------------------------------------------------------------------

    async def come_to_rest(self) -> None:
        """Nothing happens any more, except that what the guard holds back is released."""
        await anyio.sleep(A_WHILE)
        for _ in range(RELEASES):
            held = [
                each
                for each in self._controlled.values()
                if each.controller.status.held is not None
            ]
            if not held:
                break
            for one in held:
                await self.lend(one)
            await anyio.sleep(ANOTHER_WHILE)
        for one in self._controlled.values():
            # What is tried at every comparison may be tried now.
            with anyio.move_on_after(MOMENT):
                while _at_work(one.controller.status):  # noqa: ASYNC110 - no event marks the end
                    await anyio.sleep(1.0)
            self._judge(one)

    def _judge(self, one: Controlled) -> None:
        """A controller at rest has nothing left to do but what it reports."""
        state, fault = one.controller.status, self._history.watcher.fault
        self._history.unmet[one.name] = None
        if state.phase not in (Phase.WATCHING, Phase.SYNCING):
            self._history.note(f"{one.name} rests {state.phase}: {state.why}")
            return
        self._history.unmet[one.name] = dict(one.controller.unmet)
        self._history.rested_at = self._history.ledger_time()
        if _at_work(state):
            fault("unfinished", f"{state.pending} wait, {state.indexing} are indexed: {state}")


def _at_work(state: ControllerStatus) -> bool:
    return bool(state.pending or state.indexing)


# -- jobs ----------------------------------------------------------------------------------------


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


WHILE_IT_RUNS: dict[rules.Rule, int] = {
    **dict.fromkeys((rules.write, rules.edit, rules.delete, rules.rename), 6),
    **dict.fromkeys((rules.swap, rules.truncate, rules.chmod, rules.mount), 2),
    **dict.fromkeys((rules.edit_chunk, rules.delete_there, rules.namesake, rules.disable), 2),
    **dict.fromkeys((rules.archive, rules.duplicate, rules.copy_metadata, rules.heal), 1),
    **dict.fromkeys((rules.delete_metadata, rules.rename_metadata, rules.refuse), 1),
    rules.delete_base: 1,
}
