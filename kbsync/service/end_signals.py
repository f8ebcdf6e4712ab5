"""Signals end the process while nothing else takes them: while it loads, and while it stands by."""

from __future__ import annotations

import signal
import sys
from types import FrameType


def end_at_signals() -> None:
    """End with 0 at SIGTERM and SIGINT until `kbsync.service.shutdown` takes them."""

    def end(number: int, frame: FrameType | None) -> None:
        sys.exit(0)

    # Process 1 of a container has no default for signals: one that is not taken is lost.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
