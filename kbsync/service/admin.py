"""What a running daemon can be asked to do; one request that changes something at a time."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import anyio

from kbsync import __version__
from kbsync.app import build
from kbsync.config import Settings
from kbsync.engine.control.controller import ControllerStatus, Phase
from kbsync.messages import Notice, Problem
from kbsync.messages import daemon as say
from kbsync.service.event_log import EventLog
from kbsync.service.supervisor import SupervisedMirror, Supervisor
from kbsync.service.systemd import SystemdNotifier

if TYPE_CHECKING:
    from kbsync.engine.ports import Clock
    from kbsync.ledger.store import LedgerStore
import stat
from pathlib import Path


class Admin:
    """The settings that count, the house that is kept by them, and what is told of both.

    Args:
        settings: as loaded at the start.
        house: keeps the mirrors.
        ledger: the memory, held.
        clock: its time.
        chronicle: writes the log.
        notifier: tells the service manager.

    Attributes:
        settings: the configuration that counts.
        refused: why the file as it is now does not count; None when it does.
        busy: held by whoever changes something.
        stopping: whether the daemon is about to end.
        told_ready: whether the service manager was told that the daemon works.
    """

    def __init__(
        self,
        settings: Settings,
        house: Supervisor,
        *,
        ledger: LedgerStore,
        clock: Clock,
        chronicle: EventLog,
        notifier: SystemdNotifier,
    ) -> None:
        self.settings = settings
        self.house = house
        self.ledger = ledger
        self.clock = clock
        self.chronicle = chronicle
        self.refused: Problem | None = None
        self.busy = anyio.Lock()
        self.stopping = False
        self.told_ready = False
        self.glance = ConfigFileCheck(settings.file)
        self._refreshing = False
        self._notifier = notifier
        self._began = time.time()
        self._loaded = self._began

    async def refresh(self) -> None:
        """Read the configuration anew if the file has changed; one that cannot be used is told."""
        if self._refreshing or not self.glance.changed:
            return  # whoever comes next has to wait for it anyway
        self._refreshing = True
        try:
            async with self.busy:
                await self.reload()
        finally:
            self._refreshing = False

    async def reload(self) -> None:
        """Read the configuration anew; one that cannot be used is refused, and the old one stays.

        Only for whoever holds `busy`.
        """
        if self.told_ready:
            self._notifier.reloading()
        self.glance.read()
        try:
            settings = self._loadable()
            changes = await self.house.keep(settings)
        except Problem as problem:
            self.refused = problem
            self.chronicle.say("configuration refused", problem.notice)
        else:
            self.settings, self.refused, self._loaded = settings, None, time.time()
            told = {what: names for what, names in changes.items() if names}
            self.chronicle.say("reloaded", None, **told)
            for notice in build.warnings(settings):
                self.chronicle.say("configuration", notice)
        finally:
            if self.told_ready:
                self._notifier.ready()

    def _loadable(self) -> Settings:
        if self.settings.file.is_fifo():  # it would be waited for, with everything else
            raise Problem(say.FROM_A_PIPE())
        settings = build.settings_of(self.settings.file)
        if settings.ledger != self.settings.ledger:
            raise Problem(say.LEDGER_STAYS())
        return settings

    def pause(self, mirrors: Sequence[str], *, paused: bool) -> None:
        """Write nothing for mirrors, or write again, beyond a restart too."""
        for mirror in mirrors:
            if paused:
                self.ledger.pause(mirror, self.clock.now())
            else:
                self.ledger.resume(mirror)
            self.house.pause(mirror, paused=paused)
            self.chronicle.say("paused" if paused else "resumed", mirror=mirror)

    def states(self) -> dict[str, ControllerStatus]:
        """Return what each mirror is at."""
        return {kept.declared.name: kept.state for kept in self.house}

    def summary(self, states: Mapping[str, ControllerStatus]) -> str:
        """Return in a line what the mirrors are at."""
        phases: dict[str, list[str]] = {}
        for name, state in states.items():
            phases.setdefault(state.phase.value, []).append(name)
        told = [
            f"{len(names)} {phase}" + (f" ({', '.join(names)})" if phase in TROUBLE else "")
            for phase, names in phases.items()
        ]
        refused = "; the configuration file is refused" if self.refused else ""
        return f"{', '.join(told)}{refused}"

    def live(self) -> dict[str, object]:
        """Return what `status` shows of the daemon: plain values, no key among them."""
        return {
            "pid": os.getpid(),
            "version": __version__,
            "configuration": str(self.settings.file),
            "since": self._began,
            "loaded": self._loaded,
            "refused": _plain(self.refused.notice) if self.refused else None,
            "mirrors": {kept.declared.name: self._live(kept) for kept in self.house},
        }

    def _live(self, kept: SupervisedMirror) -> dict[str, object]:
        state, now = kept.state, self.clock.now()

        def ahead(at: float | None) -> int | None:
            return None if at is None else max(0, round(at - now))

        return {
            "phase": state.phase.value,
            "mode": state.mode,
            "notice": _plain(state.notice),
            "why": _plain(state.why),
            "read_only": kept.declared.read_only,
            "paused": kept.paused,
            "pending": state.pending,
            "indexing": state.indexing,
            "held": state.held,
            "compared": state.last_pass,
            "next_comparison": ahead(state.next_local),
            "next_listing": ahead(state.next_remote),
        }


TROUBLE = frozenset({Phase.HALTED.value, Phase.UNREACHABLE.value, Phase.PAUSED.value})


def _plain(notice: Notice | None) -> dict[str, str] | None:
    if notice is None:
        return None
    return {"code": notice.code, "text": notice.text, "next": notice.next}


# -- Whether the configuration file is another one than when it was read; two system calls a look.


Stamp = tuple[int, int, int, int] | None


def stamp_of(file: Path) -> Stamp:
    """Return what changes whenever somebody writes or replaces `file`; None while it is away.

    A link is followed: a mounted secret or map changes by another target of its link.
    """
    try:
        found = os.stat(file)  # noqa: PTH116 - as cheap as it gets
    except OSError:
        return None
    if not stat.S_ISREG(found.st_mode):
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


class ConfigFileCheck:
    """Tells when the file has changed and rests: an editor may be in the middle of writing.

    Args:
        file: the configuration file.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._read = self._seen = stamp_of(file)

    def read(self) -> None:
        """Take the file as it is now for the one that counts."""
        self._read = self._seen = stamp_of(self._file)

    @property
    def changed(self) -> bool:
        """Whether the file is not the one that counts, whether it rests or not."""
        return stamp_of(self._file) not in (self._read, None)

    def rested(self) -> bool:
        """Look; return whether the file changed, and is as it was at the last look."""
        before, self._seen = self._seen, stamp_of(self._file)
        return self._seen not in (self._read, None) and self._seen == before
