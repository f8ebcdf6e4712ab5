"""A look into PDF files, in a process of its own: one that attacks its library is only sent.

The process is started with the first PDF and used again; it ends after a minute without one.
"""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
import threading
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from kbsync.source.pdf_program import SIZE_BYTES, UNCLEAR

SECONDS = 30.0
"""For one file in all; an honest one takes less than one."""
IDLE_SECONDS = 60.0

_BLOCK = 1 << 20
_FOLDER = Path(__file__).parents[2]


class PdfLook:
    """The process that looks into PDF files. Safe to use from many threads.

    Args:
        seconds: how long it may take for one file.
        idle: after how many seconds without a file it ends.
    """

    def __init__(self, *, seconds: float = SECONDS, idle: float = IDLE_SECONDS) -> None:
        self._seconds, self._idle_seconds = seconds, idle
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._idle: threading.Timer | None = None

    def of(self, fd: int, size: int) -> bytes:
        """Return what the PDF `fd` is; unclear where that takes too much to find out.

        Args:
            fd: its descriptor.
            size: how many bytes it has.

        Raises:
            OSError: it cannot be read.
        """
        if find_spec("pypdf") is None:  # a large library, which not all have
            return UNCLEAR
        with self._lock:
            used = self._process is not None
            found = self._look(fd, size)
            if not found and used:
                # It may have ended before this file, and not at it.
                found = self._look(fd, size)
        return found or UNCLEAR

    def end(self) -> None:
        """End the process, if there is one."""
        with self._lock:
            self._end()

    def _look(self, fd: int, size: int) -> bytes:
        """Return what the process says; nothing where it ends."""
        process = self._ready()
        if process is None:
            return b""
        late = threading.Timer(self._seconds, process.kill)
        late.start()
        found = b""
        try:
            found = _asked(process, fd, size)
        finally:
            late.cancel()
            self._rest(found)
        return found

    def _ready(self) -> subprocess.Popen[bytes] | None:
        self._stay()
        if self._process is None or self._process.poll() is not None:
            self._end()
            with suppress(OSError):  # no memory, no descriptors: nothing is found out
                self._process = _start()
        return self._process

    def _rest(self, found: bytes) -> None:
        """Keep a process that has answered, for a while."""
        if not found:
            self._end()
            return
        self._idle = threading.Timer(self._idle_seconds, self._end_idle)
        self._idle.daemon = True
        self._idle.start()

    def _stay(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None

    def _end_idle(self) -> None:
        with self._lock:
            # Another file may have come meanwhile.
            if self._idle is threading.current_thread():
                self._end()

    def _end(self) -> None:
        self._stay()
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            # The rest of a file need not arrive.
            with suppress(OSError):
                process.communicate()


def _start() -> subprocess.Popen[bytes]:
    found = os.pathsep.join(filter(None, (str(_FOLDER), os.environ.get("PYTHONPATH"))))
    return subprocess.Popen(
        # Without the current folder, whose files would be taken for modules.
        [sys.executable, "-P", "-m", "kbsync.source.pdf_program"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": found},
    )


def _asked(process: subprocess.Popen[bytes], fd: int, size: int) -> bytes:
    """Send a file and return the answer; nothing where there is none."""
    assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018 - pipes
    sent = 0
    try:
        process.stdin.write(size.to_bytes(SIZE_BYTES, "big"))
        while sent < size:
            block = os.pread(fd, min(_BLOCK, size - sent), sent)
            if not block:
                return b""  # cut off meanwhile
            process.stdin.write(block)
            sent += len(block)
        process.stdin.flush()
        return process.stdout.read(1)
    except BrokenPipeError:
        return b""


LOOK = PdfLook()
"""One for all mirrors: a process costs more than a wait."""
atexit.register(LOOK.end)
