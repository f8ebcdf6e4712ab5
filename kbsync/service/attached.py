"""What runs beside the mirrors where the configuration asks for it: the HTTP server, notifications.

Of what is not declared nothing is imported.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Protocol

import anyio
from anyio.abc import TaskGroup

from kbsync.config import Settings
from kbsync.engine.execute.results import Event
from kbsync.lazy_dataclass import dataclass
from kbsync.messages import Notice
from kbsync.service.admin import Admin
from kbsync.service.event_log import EventLog


class Attachment(Protocol):
    """Runs beside the mirrors, and sees each of their steps."""

    def observe(self, event: Event) -> None:
        """Take note of one step; it must neither wait nor raise."""
        ...

    async def run(self) -> None:
        """Work until cancelled."""
        ...


StandBy = Callable[[Settings, EventLog, Callable[[], Notice | None]], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class Attachable:
    """One kind of attachment.

    Args:
        section: returns what declares it, a value that is equal while nothing changed there;
            None or empty: it is off.
        make: makes it, for the declaration in force.
        stand_by: runs in its place until cancelled, while another process holds the ledger; called
            with what returns why; None: nothing does.
    """

    section: Callable[[Settings], object]
    make: Callable[[Admin], Attachment]
    stand_by: StandBy | None = None


@dataclass(slots=True)
class _Running:
    section: object
    attachment: Attachment
    scope: anyio.CancelScope
    ended: anyio.Event


class Attached:
    """Runs what the configuration in force declares, and begins it anew when that changes.

    Args:
        group: where it runs.
        admin: the daemon's.
        kinds: everything that may be declared.
    """

    def __init__(self, group: TaskGroup, admin: Admin, kinds: tuple[Attachable, ...]) -> None:
        self._group = group
        self._admin = admin
        self._running: dict[Attachable, _Running | None] = dict.fromkeys(kinds)

    def observe(self, event: Event) -> None:
        """Pass one step on to everything that runs."""
        for running in self._running.values():
            if running is not None:
                running.attachment.observe(event)

    async def follow(self) -> None:
        """Begin and end what the settings in force declare differently from before."""
        for kind, running in self._running.items():
            section = kind.section(self._admin.settings) or None
            if section == (running.section if running else None):
                continue
            if running is not None:  # its port has to be free before the next one takes it
                running.scope.cancel()
                await running.ended.wait()
            self._running[kind] = self._begin(kind, section) if section is not None else None

    def _begin(self, kind: Attachable, section: object) -> _Running:
        running = _Running(section, kind.make(self._admin), anyio.CancelScope(), anyio.Event())
        self._group.start_soon(self._run, running)
        return running

    async def _run(self, running: _Running) -> None:
        try:
            with running.scope:
                await running.attachment.run()
        except Exception as error:
            # A fault in it ends it alone: the mirrors stay in sync.
            self._admin.log.fault("fault beside the mirrors", error)
        finally:
            running.ended.set()
