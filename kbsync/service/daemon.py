"""The daemon, put together: supervisor, control socket, log, housekeeping and shutdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import anyio
import anyio.to_thread
from anyio.abc import TaskGroup, TaskStatus

from kbsync import __version__
from kbsync.app import build
from kbsync.config import MirrorConfig, Settings
from kbsync.config.machine_checks import require_web
from kbsync.engine.control.controller import DRAIN, Controller, ControllerStatus, Phase
from kbsync.engine.execute.results import Event
from kbsync.engine.ports import Clock
from kbsync.engine.reconciler import Reconciler
from kbsync.engine.workers.pool import Observer
from kbsync.ledger.store import LedgerStore
from kbsync.messages import Problem
from kbsync.service.admin import Admin
from kbsync.service.attached import Attachable, Attached
from kbsync.service.control_socket import ControlSocket
from kbsync.service.early_watches import EarlyWatches
from kbsync.service.event_log import EventLog
from kbsync.service.shared_servers import SharedServers
from kbsync.service.shutdown import Force, Shutdown, by_force
from kbsync.service.socket_path import SocketFile, socket_of
from kbsync.service.standby import Standby
from kbsync.service.supervisor import MakeController, SupervisedController, Supervisor
from kbsync.service.systemd import SystemdNotifier
from kbsync.service.unix_socket import listening

LOOK = 1.0
UNTIL_READY = 0.2
A_DAY = 86_400.0
MakesFor = Callable[[Observer], MakeController]


async def run(
    settings: Settings,
    notifier: SystemdNotifier,
    make: MakeController | None = None,
    force: Force = by_force,
    watches: EarlyWatches | None = None,
    kinds: tuple[Attachable, ...] = (),
    *,
    standby: bool = False,
) -> int:
    """Keep every mirror in sync until a signal ends it; return the exit code.

    Args:
        settings: as loaded; the file they come from is read again when it changes.
        notifier: notifies the service manager.
        make: makes controllers; the real ones when None.
        force: ends the process when it does not end by itself.
        watches: those that were begun already; None when there are none.
        kinds: what runs beside the mirrors where it is declared.
        standby: wait while another process holds the ledger.

    Raises:
        Problem: the ledger is in use, or something is wrong with the configuration.
    """
    require_web(settings)
    log = EventLog()
    early = watches or EarlyWatches()
    waiting = Standby(log, notifier, kinds)

    def makes(observe: Observer) -> MakeController:
        return make or controllers(observe, early)

    async def hold(settings: Settings) -> tuple[int, Settings | None]:
        return await _hold_ledger(settings, notifier, log, makes, force, kinds, standby=standby)

    anew: Settings | None = settings
    while anew is not None:
        code, anew = await (waiting.hold(anew, hold) if standby else hold(anew))
    log.say("stopped")
    return code


async def _hold_ledger(
    settings: Settings,
    notifier: SystemdNotifier,
    log: EventLog,
    makes: MakesFor,
    force: Force,
    kinds: tuple[Attachable, ...],
    *,
    standby: bool,
) -> tuple[int, Settings | None]:
    """Keep every mirror in sync for as long as the ledger is the one its location names.

    Returns:
        The exit code, and the settings to begin anew with, None after a signal.
    """
    with build.ledger_opened(settings, command="kbsync run") as (ledger, clock):
        log.say(
            "starting",
            version=__version__,
            configuration=str(settings.file),
            ledger=ledger.location.shown,
            mirrors=[_shown(settings, each) for each in settings.mirrors],
        )
        for notice in build.warnings(settings):
            log.say("configuration", notice)
        try:
            async with anyio.create_task_group() as group:
                daemon = Daemon(
                    *(settings, ledger, clock, log, notifier, group, makes, force, kinds),
                    standby=standby,
                )
                await daemon.run()
                group.cancel_scope.cancel()
        except BaseExceptionGroup as faults:
            raise first_fault(faults) from None
        if daemon.anew is None:
            clock.record()
        return daemon.shutdown.code, daemon.anew


def first_fault(faults: BaseException) -> BaseException:
    """Return the first fault of a group, which ended everything else."""
    while isinstance(faults, BaseExceptionGroup):
        faults = faults.exceptions[0]
    return faults


class Daemon:
    """The tasks that run side by side until the end.

    Args:
        group: where they run.
        makes: returns what makes controllers, which call the given observer with every step.
        force: ends the process when it does not end by itself.
        kinds: what runs beside the mirrors where it is declared.
        standby: wait for the ledger where another process took it over.

    Attributes:
        shutdown: knows the exit code.
        anew: the settings to begin anew with, as there is another ledger now.
    """

    anew: Settings | None = None

    def __init__(
        self,
        settings: Settings,
        ledger: LedgerStore,
        clock: Clock,
        log: EventLog,
        notifier: SystemdNotifier,
        group: TaskGroup,
        makes: MakesFor,
        force: Force,
        kinds: tuple[Attachable, ...],
        *,
        standby: bool,
    ) -> None:
        self._standby = standby
        self._servers = SharedServers(group, clock, log, ledger.fence)
        self._supervisor = Supervisor(
            group,
            self._servers,
            ledger,
            clock,
            make=makes(self._observe),
            turned=log.phases.turned,
        )
        self._admin = Admin(
            settings,
            self._supervisor,
            ledger=ledger,
            clock=clock,
            log=log,
            notifier=notifier,
            observe=self._observe,
        )
        self._attached = Attached(group, self._admin, kinds)
        self._listener: SocketFile | None = None
        self._control = ControlSocket(self._admin)
        self._log = log
        self._notifier = notifier
        self._group = group
        self.shutdown = Shutdown(log, group.cancel_scope.cancel, force)

    async def run(self) -> None:
        """Start every task, wait for the signal to end, and end."""
        self._group.start_soon(self.shutdown.take_signals, self._reload)
        await self._group.start(self._listen)
        await self._supervisor.supervise(self._admin.settings)
        self._group.start_soon(self._look_round)
        self._group.start_soon(self._prune_journal)
        await self.shutdown.begun.wait()
        # Commands drain as controllers do, and new ones are refused.
        self._admin.requests.stop()
        if self.anew is not None:
            with anyio.move_on_after(DRAIN):
                await self._finish()
            return
        self._notifier.stopping()
        await self.shutdown.drain(self._finish)

    def _observe(self, event: Event) -> None:
        self._log.observe(event)
        self._attached.observe(event)

    async def _finish(self) -> None:
        await self._supervisor.stop()
        await self._admin.requests.idle()
        await self._servers.only(())

    async def _listen(self, *, task_status: TaskStatus[None]) -> None:
        """Answer verbs; mirrors stay in sync even if the socket cannot be made."""
        begun = False
        try:
            path = socket_of(self._admin.settings)
            async with listening(path) as listener:
                begun, self._listener = True, SocketFile(path)
                task_status.started()
                await self._control.serve(listener)
        except Problem as problem:
            self._log.say("no control", problem.notice)
            # `run` waits for the socket, made or not.
            if not begun:
                task_status.started()

    async def _look_round(self) -> None:
        """Report to the service manager and the log, and look whether the file changed."""
        # A watchdog that is due sooner sets the pace.
        pause = min(LOOK, self._notifier.watchdog or LOOK)
        while True:
            await self._admin.ledger_watch.look()
            self._look()
            await self._attached.follow()
            taken_over = self._standby and self._admin.ledger_watch.taken_over
            if taken_over or await self._admin.ledger_watch.returned():
                self.anew = self._admin.settings
                self.shutdown.begun.set()
                return
            if self._listener is not None and self._listener.is_gone:
                self._listener = None
                await self._group.start(self._listen)
            await anyio.sleep(pause if self._admin.ready else min(pause, UNTIL_READY))

    def _look(self) -> None:
        admin, notifier = self._admin, self._notifier
        states = admin.states()
        notifier.alive()
        notifier.status(admin.summary(states))
        admin.outages.look(states)
        # What a watch is on its way to its end is nothing to read.
        for name, state in states.items() if not self.shutdown.begun.is_set() else ():
            self._log.phases.look(name, state)
        starting = any(state.phase is Phase.STARTING for state in states.values())
        if not admin.ready and not starting:
            admin.ready = True
            notifier.ready()
            tally = Counter(state.phase.value for state in states.values())
            self._log.say("ready", None, **tally)
        elif not admin.ready:
            notifier.starting()
        if admin.config_file.settled():
            self._group.start_soon(admin.reload_if_changed)

    async def _prune_journal(self) -> None:
        """Take old lines out of the journal, now and every day."""
        admin = self._admin
        while True:
            before = admin.clock.now() - admin.settings.journal_retention
            try:
                gone = await anyio.to_thread.run_sync(admin.ledger.prune_journal, before)
            except Problem as problem:
                self._log.say("journal not tidied", problem.notice)
            else:
                if gone:
                    self._log.say("journal tidied", lines=gone)
            await anyio.sleep(A_DAY)

    def _reload(self) -> None:
        self._group.start_soon(self._reload_in_turn)

    async def _reload_in_turn(self) -> None:
        async with self._admin.busy:
            await self._admin.reload()


def _shown(settings: Settings, mirror: MirrorConfig) -> str:
    """Return one line about a mirror: what is mirrored where."""
    source, base = mirror.source, mirror.knowledge_base.name
    return f"{mirror.name}: {source} → {base} at {settings.server_of(mirror).url}"


def controllers(observe: Observer, watches: EarlyWatches) -> MakeController:
    """Return what makes the controller of a mirror, as it is declared.

    Args:
        observe: called with every step.
        watches: those that were begun already.
    """

    def make(
        declared: MirrorConfig, engine: Reconciler, turned: Callable[[ControllerStatus], None]
    ) -> SupervisedController:
        changes = watches.take(declared)
        return Controller(engine, changes, observe=observe, on_change=turned)

    return make
