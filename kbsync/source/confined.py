"""The bounds a program for hostile files sets itself: memory, time, and no file to write to."""

from __future__ import annotations

import re
import resource
import signal
from contextlib import suppress
from pathlib import Path


def confine(memory: int) -> None:
    """Bound what this process may take from now on; signals of a terminal are its parent's.

    Args:
        memory: bytes of address space.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for limit, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
    ):
        with suppress(OSError, ValueError):
            resource.setrlimit(limit, (most, most))


def allow_time(seconds: int) -> None:
    """Bound the processor time of the next file to `seconds`; the process ends beyond it."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    with suppress(OSError, ValueError):
        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        most = int(used.ru_utime + used.ru_stime) + seconds + 1
        resource.setrlimit(resource.RLIMIT_CPU, (most, hard))


def peak_memory() -> int:
    """Return the most memory this process has used, in bytes; 0 where that cannot be asked."""
    # Not from `getrusage`: there Linux counts what the process had been before it was this program.
    try:
        found = re.search(rb"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_bytes())
    except OSError:
        return 0
    return int(found[1]) * 1024 if found else 0
