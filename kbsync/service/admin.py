"""What a running daemon can be asked to do: reload, pause, and say how its mirrors are."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

import anyio

from kbsync import __version__
from kbsync.app import build
from kbsync.config import Settings
from kbsync.config.machine_checks import require_web
from kbsync.engine.control.controller import ControllerStatus, Phase
from kbsync.engine.ports import Clock
from kbsync.engine.workers.pool import Observer
from kbsync.ledger.store import LedgerStore
from kbsync.messages import Problem
from kbsync.messages import daemon as say
from kbsync.service.config_watch import ConfigFileCheck
from kbsync.service.event_log import EventLog
from kbsync.service.ledger_watch import LedgerWatch
from kbsync.service.outages import Outages
from kbsync.service.requests import Requests
from kbsync.service.supervisor import SupervisedMirror, Supervisor
from kbsync.service.systemd import SystemdNotifier

TROUBLE = frozenset({Phase.HALTED.value, Phase.UNREACHABLE.value, Phase.PAUSED.value})


class Admin:
    """The settings in force and the mirrors supervised by them.

    Args:
        settings: as loaded at the start.
        supervisor: runs the controllers.
        ledger: open for writing.
        clock: the ledger's.
        log: the daemon's.
        notifier: notifies the service manager.
        observe: called with every step of a command, as with those of the mirrors.

    Attributes:
        settings: the configuration in force.
        refused: why the file as it is now is not in force; None when it is.
        busy: held by one request that changes something at a time.
        stopping: whether the daemon is about to end.
        ready: whether the service manager was notified that the daemon works.
        config_file: whether the file changed.
        ledger_watch: whether the ledger is the one its location names.
        outages: since when servers are away.
        requests: what it is asked to do.
    """

    def __init__(
        self,
        settings: Settings,
        supervisor: Supervisor,
        *,
        ledger: LedgerStore,
        clock: Clock,
        log: EventLog,
        notifier: SystemdNotifier,
        observe: Observer,
    ) -> None:
        self.settings = settings
        self.supervisor = supervisor
        self.ledger = ledger
        self.clock = clock
        self.log = log
        self.observe = observe
        self.refused: Problem | None = None
        self.busy = anyio.Lock()
        self.stopping = False
        self.ready = False
        self.config_file = ConfigFileCheck(settings.file)
        self.ledger_watch = LedgerWatch(ledger, log)
        self.outages = Outages()
        self.requests = Requests(self)
        self._reloading = False
        self._notifier = notifier
        self._began = time.time()
        self._loaded = self._began

    async def reload_if_changed(self) -> None:
        """Read the configuration again if its file has changed; see `reload`."""
        if self._reloading or not self.config_file.changed:
            return  # the request that reloads holds `busy`, so the others wait for it anyway
        self._reloading = True
        try:
            async with self.busy:
                await self.reload()
        finally:
            self._reloading = False

    async def reload(self) -> None:
        """Read the configuration again; one that cannot be used is refused, and the old one stays.

        The caller holds `busy`.
        """
        if self.ready:
            self._notifier.reloading()
        # Before loading: a change while it is read is seen at the next look.
        self.config_file.read()
        try:
            settings = self._loadable()
            changes = await self.supervisor.supervise(settings)
        except Problem as problem:
            self.refused = problem
            self.log.say("configuration refused", problem.notice)
        else:
            self.settings, self.refused, self._loaded = settings, None, time.time()
            changed = {what: names for what, names in changes.items() if names}
            self.log.say("reloaded", None, **changed)
            for notice in build.warnings(settings):
                self.log.say("configuration", notice)
        finally:
            if self.ready:
                self._notifier.ready()

    def _loadable(self) -> Settings:
        if self.settings.file.is_fifo():  # reading it would block the event loop
            raise Problem(say.FROM_A_PIPE())
        settings = build.settings_of(self.settings.file)
        # The ledger is held for the life of the process.
        if settings.ledger != self.settings.ledger:
            raise Problem(say.LEDGER_STAYS())
        require_web(settings)
        return settings

    def pause(self, mirrors: Sequence[str], *, paused: bool) -> None:
        """Write nothing for mirrors, or write again; it outlasts a restart."""
        # The ledger first: a daemon that dies in between begins paused.
        for mirror in mirrors:
            if paused:
                self.ledger.pause(mirror, self.clock.now())
            else:
                self.ledger.resume(mirror)
            self.supervisor.pause(mirror, paused=paused)
            self.log.say("paused" if paused else "resumed", mirror=mirror)

    def states(self) -> dict[str, ControllerStatus]:
        """Return the status of each mirror's controller."""
        return {each.declared.name: self._state(each) for each in self.supervisor}

    def _state(self, mirror: SupervisedMirror) -> ControllerStatus:
        """Return the status of a mirror, which is halted while its ledger is lost."""
        lost = self.ledger_watch.lost
        return replace(mirror.status, phase=Phase.HALTED, why=lost) if lost else mirror.status

    def summary(self, states: Mapping[str, ControllerStatus]) -> str:
        """Return one line: how many mirrors are in which phase."""
        phases: dict[str, list[str]] = {}
        for name, state in states.items():
            phases.setdefault(state.phase.value, []).append(name)
        parts = [
            f"{len(names)} {phase}" + (f" ({', '.join(names)})" if phase in TROUBLE else "")
            for phase, names in phases.items()
        ]
        refused = "; the configuration file is refused" if self.refused else ""
        return f"{', '.join(parts)}{refused}"

    def live(self) -> dict[str, object]:
        """Return what `kbsync status` shows of the daemon: plain values, no key among them."""
        return {
            "pid": os.getpid(),
            "version": __version__,
            "configuration": str(self.settings.file),
            "since": self._began,
            "loaded": self._loaded,
            "refused": self.refused.notice.as_json() if self.refused else None,
            "mirrors": {each.declared.name: self._mirror(each) for each in self.supervisor},
        }

    def _unmet(self, mirror: str) -> int:
        try:
            return self.ledger.unmet_count(mirror)
        except Problem:  # the mirror is halted by it, and says why
            return 0

    def _mirror(self, mirror: SupervisedMirror) -> dict[str, object]:
        state, now = self._state(mirror), self.clock.now()

        def ahead(at: float | None) -> int | None:
            return None if at is None else max(0, round(at - now))

        return {
            "phase": state.phase.value,
            "mode": state.mode,
            "notice": state.notice and state.notice.as_json(),
            "why": state.why and state.why.as_json(),
            "read_only": mirror.declared.read_only,
            "paused": mirror.paused,
            "pending": state.pending,
            "indexing": state.indexing,
            "stale": state.stale,
            "unmet": self._unmet(mirror.declared.name),
            "unsettled": list(state.unsettled),
            "held": state.held,
            "compared": state.last_pass,
            "next_comparison": ahead(state.next_local),
            "next_listing": ahead(state.next_remote),
        }
