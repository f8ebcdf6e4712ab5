"""How a daemon ends: calmly at the first signal, at once at the second, and never not at all."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType

LAST = 3.0  # seconds between the end of the drain and the end of the process
FORCED = 130

CallOff = Callable[[], None]
Force = Callable[[float, int], CallOff]


def before_the_loop() -> None:
    """Take SIGTERM and SIGINT from the first moment on.

    The first process of a container has no default for signals: what it does not take itself is
    lost, and loading takes a while.
    """

    def end(number: int, frame: FrameType | None) -> None:
        sys.exit(0)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


def by_force(seconds: float, code: int) -> CallOff:
    """End the process with `code` in `seconds`, whatever holds it up; return what calls it off.

    A thread that hashes a large file cannot be told to stop. What is cut off then is an intent in
    the ledger: a forced stop is a supported one.
    """
    timer = threading.Timer(seconds, lambda: os._exit(code))
    timer.daemon = True
    timer.start()
    return timer.cancel
