"""`kbsync run --standby`: wait while another process writes the ledger, and take over (section 8).

The lock of the ledger decides, and nothing else: a file's lock goes with its process, that of
PostgreSQL with its connection.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio
import anyio.to_thread

from kbsync.app import build
from kbsync.config import Settings
from kbsync.ledger.database import lock_holder
from kbsync.ledger.location import find_location
from kbsync.messages import Notice, Problem
from kbsync.messages import ledger as ledger_say
from kbsync.service.attached import Attachable
from kbsync.service.config_watch import ConfigFileCheck
from kbsync.service.end_signals import end_at_signals
from kbsync.service.event_log import EventLog
from kbsync.service.standby_socket import StandbySocket
from kbsync.service.systemd import SystemdNotifier

# Seconds between two tries to take the lock.
EVERY = 1.0
# The ledger is another process's, or its database does not answer.
WAITED_FOR = frozenset(
    {
        ledger_say.LOCKED,
        ledger_say.CLUSTER_AT_WORK,
        ledger_say.LOST,
        ledger_say.TAKEN_OVER,
    }
)

Hold = Callable[[Settings], Awaitable[tuple[int, Settings | None]]]


class Standby:
    """Tries to hold the ledger until it can.

    Args:
        log: the daemon's.
        notifier: notifies the service manager.
        kinds: what answers meanwhile, where it is declared.
    """

    def __init__(
        self, log: EventLog, notifier: SystemdNotifier, kinds: tuple[Attachable, ...] = ()
    ) -> None:
        self._kinds = kinds
        self._log = log
        self._notifier = notifier
        self._said: Notice | None = None

    async def hold(self, settings: Settings, hold: Hold) -> tuple[int, Settings | None]:
        """Return what `hold` returns, once the ledger could be taken.

        Args:
            settings: as loaded; read again whenever the file changed.
            hold: keeps every mirror in sync for as long as the ledger is held.

        Raises:
            Problem: the ledger cannot be used, whether another process holds it or not.
        """
        file = ConfigFileCheck(settings.file)
        while True:
            try:
                return await hold(settings)
            except Problem as problem:
                if problem.notice.message not in WAITED_FOR:
                    raise
                await self._wait(settings, problem.notice)
            settings = _read_again(file, settings)

    async def _wait(self, settings: Settings, why: Notice) -> None:
        """Wait until the lock is free, and answer `status` meanwhile."""
        socket = StandbySocket(settings)
        end_at_signals()
        async with anyio.create_task_group() as group:
            await group.start(socket.listen)
            for kind in self._kinds:
                if kind.stand_by is not None and kind.section(settings):
                    group.start_soon(kind.stand_by, settings, self._log, lambda: socket.why)
            still: Notice | None = why
            while still is not None:
                socket.why = still
                self._stand_by(still)
                await anyio.sleep(EVERY)
                still = await anyio.to_thread.run_sync(_held, settings)
            group.cancel_scope.cancel()

    def _stand_by(self, why: Notice) -> None:
        self._notifier.alive()
        if why == self._said:
            return
        self._said = why
        self._log.say("standing by", code=why.code, why=why.text)
        # A service manager would wait for a first comparison that another process makes.
        self._notifier.ready()
        self._notifier.status(f"standing by: {why.text}")


def _held(settings: Settings) -> Notice | None:
    """Return why the ledger cannot be taken now; None when it is free."""
    location = find_location(build.address_of(settings))
    try:
        holder = lock_holder(location)
    except Problem as problem:
        return problem.notice
    return None if holder is None else holder.problem(location).notice


def _read_again(file: ConfigFileCheck, settings: Settings) -> Settings:
    """Return the settings of the file as it is now; those of before where it cannot be used."""
    if not file.settled():
        return settings
    file.read()
    try:
        return build.settings_of(settings.file)
    except Problem:
        return settings
