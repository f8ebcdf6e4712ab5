"""The daemon, put together: what it keeps, what it answers, what it tells, how it ends."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
from anyio.abc import TaskGroup, TaskStatus

from kbsync import __version__
from kbsync.app import build
from kbsync.config import MirrorConfig, Settings
from kbsync.engine.control.controller import DRAIN, Controller, ControllerStatus, Phase
from kbsync.engine.reconciler import Reconciler
from kbsync.messages import Problem
from kbsync.service.admin import Admin
from kbsync.service.control_socket import ControlSocket, listening
from kbsync.service.event_log import EventLog
from kbsync.service.shared_servers import SharedServers
from kbsync.service.shutdown import FORCED, LAST, Force, by_force
from kbsync.service.socket_path import socket_of
from kbsync.service.supervisor import Keeping, MakeKeeper, Supervisor
from kbsync.service.systemd import SystemdNotifier
from kbsync.source.watch.watcher import Watcher

if TYPE_CHECKING:
    from kbsync.engine.ports import Clock
    from kbsync.ledger.store import LedgerStore

LOOK = 1.0
UNTIL_READY = 0.2
A_DAY = 86_400.0


async def run(
    settings: Settings,
    notifier: SystemdNotifier,
    make: MakeKeeper | None = None,
    force: Force = by_force,
) -> int:
    """Keep every mirror until a signal ends it; return the exit code.

    Args:
        settings: as loaded; the file they come from is read again when it changes.
        notifier: tells the service manager.
        make: makes keepers; the real ones when None.
        force: ends the process when it does not end by itself.

    Raises:
        Problem: the ledger is in use, or something is wrong with the configuration.
    """
    chronicle = EventLog()
    with build.ledger_held(settings, command="kbsync run") as (ledger, clock):
        chronicle.say("starting", version=__version__, ledger=ledger.location.shown)
        for notice in build.warnings(settings):
            chronicle.say("configuration", notice)
        try:
            async with anyio.create_task_group() as group:
                daemon = Daemon(settings, ledger, clock, chronicle, notifier, group, make, force)
                await daemon.live()
                group.cancel_scope.cancel()
        except BaseExceptionGroup as faults:
            fault = only(faults)
            if not isinstance(fault, Problem):
                chronicle.fault("fault", fault)
            raise fault from None
    chronicle.say("stopped")
    return daemon.code


def only(faults: BaseException) -> BaseException:
    """Return the first fault of a group, which ended everything else."""
    while isinstance(faults, BaseExceptionGroup):
        faults = faults.exceptions[0]
    return faults


class Daemon:
    """Everything that goes on side by side until the end.

    Args:
        group: where it goes on.
        make: makes keepers; the real ones when None.
        force: ends the process when it does not end by itself.

    Attributes:
        code: the exit code it ends with.
    """

    def __init__(
        self,
        settings: Settings,
        ledger: LedgerStore,
        clock: Clock,
        chronicle: EventLog,
        notifier: SystemdNotifier,
        group: TaskGroup,
        make: MakeKeeper | None,
        force: Force,
    ) -> None:
        links = SharedServers(group, clock)
        made = make or keepers(chronicle)
        house = Supervisor(group, links, ledger, clock, make=made, turned=chronicle.turned)
        self._office = Admin(
            settings, house, ledger=ledger, clock=clock, chronicle=chronicle, notifier=notifier
        )
        self._control = ControlSocket(self._office)
        self._chronicle = chronicle
        self._notifier = notifier
        self._group = group
        self._force = force
        self._links = links
        self._told = anyio.Event()
        self.code = 0

    async def live(self) -> None:
        """Begin everything, wait for the signal to end, and end."""
        self._group.start_soon(self._signals)
        await self._group.start(self._answer)
        await self._office.house.keep(self._office.settings)
        self._group.start_soon(self._pulse)
        self._group.start_soon(self._tidy)
        await self._told.wait()
        await self._end()

    # -- what goes on ----------------------------------------------------------------------------

    async def _answer(self, *, task_status: TaskStatus[None]) -> None:
        """Answer verbs; a daemon that cannot be reached keeps its mirrors all the same."""
        begun = False
        try:
            async with listening(socket_of(self._office.settings)) as listener:
                begun = True
                task_status.started()
                await self._control.serve(listener)
        except Problem as problem:
            self._chronicle.say("no control", problem.notice)
            if not begun:
                task_status.started()

    async def _pulse(self) -> None:
        """Look round: tell the service manager that we live, and see whether the file changed."""
        rest = min(LOOK, self._notifier.watchdog or LOOK)
        while True:
            self._look()
            await anyio.sleep(rest if self._office.told_ready else min(rest, UNTIL_READY))

    def _look(self) -> None:
        office, notifier = self._office, self._notifier
        states = office.states()
        notifier.alive()
        notifier.status(office.summary(states))
        for name, state in states.items():
            self._chronicle.watched(name, state)
        starting = any(state.phase is Phase.STARTING for state in states.values())
        if not office.told_ready and not starting:
            office.told_ready = True
            notifier.ready()
            tally = Counter(state.phase.value for state in states.values())
            self._chronicle.say("ready", None, **tally)
        elif not office.told_ready:
            notifier.starting()
        if office.glance.rested():
            self._group.start_soon(office.refresh)

    async def _tidy(self) -> None:
        """Take old lines out of the journal, now and every day."""
        office = self._office
        while True:
            before = office.clock.now() - office.settings.journal_retention
            try:
                gone = await anyio.to_thread.run_sync(office.ledger.prune_journal, before)
            except Problem as problem:
                self._chronicle.say("journal not tidied", problem.notice)
            else:
                if gone:
                    self._chronicle.say("journal tidied", lines=gone)
            await anyio.sleep(A_DAY)

    # -- signals and the end ---------------------------------------------------------------------

    async def _signals(self) -> None:
        received = anyio.open_signal_receiver(signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
        with received as numbers:
            async for number in numbers:
                if number == signal.SIGHUP:
                    self._group.start_soon(self._reload)
                elif self._told.is_set():
                    self._chronicle.say("stopped at once", signal=number.name)
                    self.code = FORCED
                    self._force(LAST, FORCED)
                    self._group.cancel_scope.cancel()
                else:
                    self._chronicle.say("stopping", signal=number.name)
                    self._told.set()

    async def _reload(self) -> None:
        async with self._office.busy:
            await self._office.reload()

    async def _end(self) -> None:
        """Bring everything in flight to its end, within the time there is."""
        self._notifier.stopping()
        self._control.stop()
        call_off = self._force(DRAIN + LAST, 0)
        with anyio.move_on_after(DRAIN):
            await self._office.house.leave()
            await self._control.idle()
            await self._links.only(())
        call_off()
        self._force(LAST, 0)


def keepers(chronicle: EventLog) -> MakeKeeper:
    """Return what makes a mirror's keeper, as it is declared."""

    def make(
        declared: MirrorConfig, engine: Reconciler, turned: Callable[[ControllerStatus], None]
    ) -> Keeping:
        changes = Watcher(declared)
        return Controller(engine, changes, observe=chronicle.observe, turned=turned)

    return make
