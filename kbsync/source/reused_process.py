"""A program for hostile files in a process of its own: ended when it takes too long, used again.

It is started with the first file and ends after a while without one.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

Answer = TypeVar("Answer")
Ask = Callable[["subprocess.Popen[bytes]"], Answer]

IDLE_SECONDS = 60.0

_BLOCK = 1 << 20
_ENDS_WITHIN = 1.0
_FOLDER = Path(__file__).parents[2]


class ProcessEnded(Exception):  # noqa: N818 - what happened, not whose fault it is
    """The process gave no answer about a file.

    Args:
        late: it was ended because it took too long.
        unstarted: why it could not be started: a limit of the machine.
    """

    def __init__(self, *, late: bool = False, unstarted: OSError | None = None) -> None:
        super().__init__("late" if late else "ended")
        self.late, self.unstarted = late, unstarted


class ReusedProcess:
    """A program that is asked about one file after the other. Safe to use from many threads.

    Args:
        program: the module it is.
        seconds: how long it may take for one file.
        idle: after how many seconds without a file it ends.
    """

    def __init__(self, program: str, *, seconds: float, idle: float = IDLE_SECONDS) -> None:
        self._program, self._seconds, self._idle_seconds = program, seconds, idle
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._idle: threading.Timer | None = None

    def asked(self, ask: Ask[Answer]) -> Answer:
        """Return what `ask` makes of the process, which it writes to and reads from.

        Raises:
            ProcessEnded: the process ended at this file, or took too long, or cannot be started.
        """
        with self._lock:
            used = self._process is not None
            try:
                return self._once(ask)
            except ProcessEnded as ended:
                if ended.late or not used:
                    raise
            # It may have ended before this file, and not at it.
            return self._once(ask)

    def end(self) -> None:
        """End the process, if there is one."""
        with self._lock:
            self._end()

    def _once(self, ask: Ask[Answer]) -> Answer:
        process = self._ready()
        late = _TimeLimit(process, self._seconds)
        answered = False
        try:
            answer = ask(process)
            answered = not late.passed
        except (BrokenPipeError, EOFError):
            raise ProcessEnded(late=late.passed or _out_of_time(process)) from None
        finally:
            late.cancel()
            self._rest(answered=answered)
        return answer

    def _ready(self) -> subprocess.Popen[bytes]:
        self._stay()
        if self._process is None or self._process.poll() is not None:
            self._end()
            try:
                self._process = _start(self._program)
            except OSError as error:  # no memory, no descriptors
                raise ProcessEnded(unstarted=error) from error
        return self._process

    def _rest(self, *, answered: bool) -> None:
        """Keep a process that has answered, for a while."""
        if not answered:
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


class _TimeLimit(threading.Timer):
    """Ends a process when its time is over."""

    passed = False

    def __init__(self, process: subprocess.Popen[bytes], seconds: float) -> None:
        super().__init__(seconds, self._pass, [process])
        self.daemon = True
        self.start()

    def _pass(self, process: subprocess.Popen[bytes]) -> None:
        self.passed = True
        process.kill()


def _out_of_time(process: subprocess.Popen[bytes]) -> bool:
    """Whether a process that answers no more has used up its processor time."""
    try:
        return process.wait(_ENDS_WITHIN) == -signal.SIGXCPU
    except subprocess.TimeoutExpired:
        return False


def _start(program: str) -> subprocess.Popen[bytes]:
    found = os.pathsep.join(filter(None, (str(_FOLDER), os.environ.get("PYTHONPATH"))))
    return subprocess.Popen(  # noqa: S603 - this Python, and a module of this package
        # Without the current folder, whose files would be taken for modules; it may write none.
        [sys.executable, "-P", "-B", "-m", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": found},
    )


def hand_over(process: subprocess.Popen[bytes], fd: int, size: int) -> None:
    """Write the first `size` bytes of the file `fd` to the process.

    Raises:
        EOFError: the file was cut off meanwhile.
        BrokenPipeError: the process ended.
        OSError: the file cannot be read.
    """
    assert process.stdin is not None  # noqa: S101 - a pipe
    sent = 0
    while sent < size:
        block = os.pread(fd, min(_BLOCK, size - sent), sent)
        if not block:
            raise EOFError
        process.stdin.write(block)
        sent += len(block)
    process.stdin.flush()
