"""Notifies a service manager by datagrams to $NOTIFY_SOCKET (sd_notify(3))."""

from __future__ import annotations

import math
import os
import socket
import time
from collections.abc import Mapping
from contextlib import suppress

# While it starts the service manager is asked for so much more time, again and again.
MORE = 60_000_000
AGAIN = 20.0


class SystemdNotifier:
    """Sends nothing where no manager listens; never fails, never waits.

    Args:
        environ: has NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID where a manager listens.

    Attributes:
        watchdog: seconds between two signs of life, None when none are wanted.
    """

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._address = _address(environ.get("NOTIFY_SOCKET", ""))
        self.watchdog = _watchdog(environ) if self._address else None
        self._status = ""
        self._alive_at = self._asked_at = -math.inf

    def ready(self) -> None:
        """Say that it works, or works again after a reload."""
        self._send("READY=1")

    def starting(self) -> None:
        """Say that it needs more time until it is ready, once in a while."""
        now = time.monotonic()
        if now - self._asked_at >= AGAIN:
            self._asked_at = now
            self._send(f"EXTEND_TIMEOUT_USEC={MORE}")

    def reloading(self) -> None:
        """Say that the configuration is read anew; `ready` ends it."""
        now = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self._send(f"RELOADING=1\nMONOTONIC_USEC={now}")

    def stopping(self) -> None:
        """Say that it is about to end."""
        self._send("STOPPING=1")

    def alive(self) -> None:
        """Give a sign of life when one is due."""
        now = time.monotonic()
        if self.watchdog is not None and now - self._alive_at >= self.watchdog:
            self._alive_at = now
            self._send("WATCHDOG=1")

    def status(self, text: str) -> None:
        """Say in a line what it does, unless that is what was said last."""
        # It is called every second.
        if text != self._status:
            self._status = text
            self._send(f"STATUS={' '.join(text.split())}")

    def _send(self, message: str) -> None:
        if not self._address:
            return
        with (
            suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line,
        ):
            line.setblocking(False)
            line.sendto(message.encode("utf-8", "replace"), self._address)


def _address(variable: str) -> str:
    """Return the socket's address; one that starts with @ has no file."""
    if variable.startswith("@"):
        return "\0" + variable[1:]
    return variable if variable.startswith("/") else ""


def _watchdog(environ: Mapping[str, str]) -> float | None:
    interval, pid = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID", "")
    if not interval.isdecimal() or int(interval) == 0 or pid not in ("", str(os.getpid())):
        return None
    return int(interval) / 2_000_000
