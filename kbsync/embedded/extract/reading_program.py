"""The program that reads files in a process of its own, one after the other.

It may use so much memory, and so much processor time for a file, and leaves the rest to the server
that started it. It ends with its standard input.
"""

from __future__ import annotations

import os
import re
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

from . import ExtractionError, texts_of
from .bounds import LACKING_ABOVE, MEMORY, RETIRES_ABOVE, SECONDS, BoundError, megabytes
from .frames import Kind, receive, send

try:
    import resource
except ImportError:  # not on Windows
    resource = None  # type: ignore[assignment]

_LONGEST: Final = 1 << 30
_TOO_MUCH: Final = str(BoundError(f"to read it takes more than {megabytes(MEMORY)} of memory"))


def main() -> None:
    """Read files until standard input ends."""
    requests, replies = sys.stdin.buffer, _replies()
    _confine()
    with suppress(EOFError, BrokenPipeError):
        while True:
            _, extension = receive(requests, longest=_LONGEST)
            _, content = receive(requests, longest=_LONGEST)
            _allow_time()
            retires = _answer(replies, extension.decode("utf-8", "surrogatepass"), content)
            send(replies, Kind.RETIRED if retires else Kind.DONE)
            replies.flush()
            if retires:
                return


def _replies() -> IO[bytes]:
    """Keep standard output for frames; what libraries print goes nowhere."""
    replies = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    return replies


def _confine() -> None:
    # Whoever ends the server with a signal to all its processes leaves it to end this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    # Workbooks are read without it, and it takes more address space than there is.
    sys.modules["numpy"] = None  # type: ignore[assignment]
    if resource is not None:
        # Not on every platform; the other bounds hold there.
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _allow_time() -> None:
    """End by itself when the server has ended and cannot do it."""
    if resource is not None:
        used = resource.getrusage(resource.RUSAGE_SELF)
        seconds = int(used.ru_utime + used.ru_stime) + SECONDS + 1
        with suppress(OSError, ValueError):
            _, hard = resource.getrlimit(resource.RLIMIT_CPU)
            resource.setrlimit(resource.RLIMIT_CPU, (seconds, hard))


def _answer(replies: IO[bytes], extension: str, content: bytes) -> bool:
    """Send the texts of a file, or why there are none; return whether this process is used up."""
    fault = None
    try:
        for text in texts_of(extension, content):
            send(replies, Kind.TEXT, text.encode("utf-8", "surrogatepass"))
    except ExtractionError as error:
        fault = str(error)
    except MemoryError:
        fault = _TOO_MUCH
    # Only here: an error keeps alive what took the memory.
    used = _peak()
    if fault is not None:
        # A library that gets no memory may call it anything.
        fault = _TOO_MUCH if used > LACKING_ABOVE else fault
        send(replies, Kind.FAULT, fault.encode("utf-8", "replace"))
    return used > RETIRES_ABOVE


def _peak() -> int:
    """The most memory this process has used, in bytes; 0 where that cannot be asked."""
    # Not from `getrusage`: there Linux counts what the process had been before it was this program.
    try:
        status = Path("/proc/self/status").read_bytes()
    except OSError:
        return 0
    found = re.search(rb"VmHWM:\s*(\d+) kB", status)
    return int(found[1]) * 1024 if found else 0


if __name__ == "__main__":
    main()
