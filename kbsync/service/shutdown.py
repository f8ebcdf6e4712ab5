"""How the daemon ends. First signal: drain for up to 30 s. Second signal: stop now.

Stopping now is safe: what is cut off is an intent in the ledger, which the next start resolves.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Awaitable, Callable

import anyio

from kbsync.engine.control.controller import DRAIN
from kbsync.service.event_log import EventLog

LAST = 3.0  # seconds between the end of the drain and the end of the process
FORCED = 130

CallOff = Callable[[], None]
Force = Callable[[float, int], CallOff]


class Shutdown:
    """Takes the signals of a running daemon, and bounds the time its end may take.

    Args:
        log: the daemon's.
        stop_now: cancels everything.
        force: ends the process when it does not end by itself.

    Attributes:
        begun: set by the first SIGTERM or SIGINT.
        code: the exit code.
    """

    def __init__(self, log: EventLog, stop_now: Callable[[], None], force: Force) -> None:
        self._log = log
        self._stop_now = stop_now
        self._force = force
        self.begun = anyio.Event()
        self.code = 0

    async def take_signals(self, reload: Callable[[], None]) -> None:
        """Take signals until cancelled; SIGHUP calls `reload`."""
        received = anyio.open_signal_receiver(signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
        with received as numbers:
            async for number in numbers:
                if number == signal.SIGHUP:
                    reload()
                elif self.begun.is_set():
                    self._second(number)
                else:
                    self._log.say("stopping", signal=number.name)
                    self.begun.set()

    def _second(self, number: signal.Signals) -> None:
        self._log.say("stopped at once", signal=number.name)
        self.code = FORCED
        self._force(LAST, FORCED)
        self._stop_now()

    async def drain(self, finish: Callable[[], Awaitable[None]]) -> None:
        """Bring what is in flight to its end by `finish`, within `DRAIN` seconds."""
        call_off = self._force(DRAIN + LAST, 0)
        with anyio.move_on_after(DRAIN):
            await finish()
        call_off()
        self._force(LAST, 0)


def by_force(seconds: float, code: int) -> CallOff:
    """End the process with `code` in `seconds`, whatever holds it up; return what calls it off."""
    # A thread that hashes a large file cannot be stopped otherwise.
    timer = threading.Timer(seconds, lambda: os._exit(code))
    timer.daemon = True
    timer.start()
    return timer.cancel
