"""Delivery to one receiver: in turn, bounded, tried a few times; it never holds up others."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable

import anyio

from kbsync.messages import daemon as say
from kbsync.service.event_log import EventLog
from kbsync.service.notifications.facts import Notification

# Seconds one try may take, and between two tries.
BOUND = 10.0
PAUSES = (1.0, 5.0)
# More than these wait for a receiver that is slow: the oldest are dropped.
MOST_WAITING = 100

Send = Callable[[Notification], Awaitable[None]]


class Undelivered(Exception):  # noqa: N818 - it carries why, without the address
    """A notification did not reach its receiver."""


class Delivery:
    """Sends what it is given, in order.

    Args:
        name: of the target, as the configuration numbers it.
        send: sends one notification, or raises `Undelivered`.
        log: the daemon's.
    """

    def __init__(self, name: str, send: Send, log: EventLog) -> None:
        self._name = name
        self._send = send
        self._log = log
        self._waiting: deque[Notification] = deque(maxlen=MOST_WAITING)
        self._more = anyio.Event()
        self._broken = False

    def put(self, notification: Notification) -> None:
        """Have it sent; never waits."""
        self._waiting.append(notification)
        self._more.set()

    async def run(self) -> None:
        """Send until cancelled."""
        while True:
            while not self._waiting:
                self._more = anyio.Event()
                await self._more.wait()
            await self._deliver(self._waiting.popleft())

    async def _deliver(self, notification: Notification) -> None:
        for pause in (*PAUSES, None):
            why = await self._tried(notification)
            if why is None:
                self._broken = False
                return
            if pause is not None:
                await anyio.sleep(pause)
        if not self._broken:
            self._broken = True
            undelivered = say.NOT_NOTIFIED(target=self._name, event=notification.event, why=why)
            self._log.say("not notified", undelivered)

    async def _tried(self, notification: Notification) -> str | None:
        """Return why it was not delivered, None when it was."""
        try:
            with anyio.fail_after(BOUND):
                await self._send(notification)
        except TimeoutError:
            return f"it took longer than {BOUND:g} s"
        except Undelivered as fault:
            return str(fault)
        return None
