"""Files are read by a process that can be ended, and that may take only so much memory.

It is started with the first file that needs it, and used again. Whatever ends it is the error of
that file; the next file gets a new one.
"""

from __future__ import annotations

import codecs
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path
from typing import Final

from . import ExtractionError, texts_of
from .bounds import IDLE_SECONDS, READ_HERE, TEXT_BYTES, WAITING_SECONDS, bounded
from .frames import Kind, receive, send

# Nothing is unpacked to read these, and each byte is looked at once or twice.
_PLAIN: Final = frozenset({"txt", "md", "markdown", "mdx", "vtt", "properties"})
_SIMPLE: Final = _PLAIN | {"csv", "html", "htm"}
_BLOCK: Final = 1 << 20
_ENDS_WITHIN: Final = 5.0
_PROGRAM: Final = f"{__package__}.reading_program"
_FOLDER: Final = Path(__file__).parents[3]


class ReadingStoppedError(Exception):
    """The server stops before the file was read."""


class ProcessEndedError(ExtractionError):
    """The process that reads has ended in the middle of a file."""


class ReadingProcess:
    """Reads files, in a process of its own where they could take much. Safe for many threads.

    Args:
        seconds: how long it may take for one file, also where it gets no processor.
        idle: after how many seconds without a file it ends.
    """

    def __init__(self, *, seconds: float = WAITING_SECONDS, idle: float = IDLE_SECONDS) -> None:
        self._seconds = seconds
        self._idle_seconds = idle
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._idle: threading.Timer | None = None
        self._stopped = False

    @property
    def pid(self) -> int | None:
        """The id of the process; None while there is none."""
        process = self._process
        return process.pid if process else None

    def texts(self, extension: str, content: bytes) -> Generator[str]:
        """The texts of a file, as `texts_of`; to be closed where they are not read to their end.

        Raises:
            ExtractionError: the file is broken, or passes a bound.
            ReadingStoppedError: `stop` was called.
        """
        if is_light(extension, content):
            yield from texts_of(extension, content)
            return
        with self._lock:
            # What a process says that reads hostile files is measured again.
            yield from bounded(self._read(extension, content))

    def stop(self) -> None:
        """End the process, in the middle of a file too."""
        self._stopped = True
        if (process := self._process) is not None:
            process.kill()
        with self._lock:
            self._end()

    def _read(self, extension: str, content: bytes) -> Generator[str]:
        used, begun = self._process is not None, False
        try:
            for text in self._read_once(extension, content):
                begun = True
                yield text
        except ProcessEndedError:
            # It may have ended before this file, and not at it.
            if begun or not used:
                raise
            yield from self._read_once(extension, content)

    def _read_once(self, extension: str, content: bytes) -> Generator[str]:
        process = self._ready()
        late = _Deadline(process, self._seconds)
        last = None
        try:
            last, fault = yield from _exchange(process, extension, content)
        except (EOFError, OSError, ValueError) as error:
            raise self._why_ended(process, late) from error
        finally:
            late.cancel()
            if last is Kind.DONE and not late.passed:
                self._end_later()
            else:
                self._end()
        if fault is not None:
            raise ExtractionError(fault)

    def _ready(self) -> subprocess.Popen[bytes]:
        self._stay()
        if self._process is None or self._process.poll() is not None:
            self._end()
            self._process = _start()
        if self._stopped:
            raise ReadingStoppedError
        return self._process

    def _why_ended(self, process: subprocess.Popen[bytes], late: _Deadline) -> Exception:
        if self._stopped:
            return ReadingStoppedError()
        code = _exit_code(process)
        if late.passed or -code == getattr(signal, "SIGXCPU", None):
            return ExtractionError("To read the file takes too long: the server gave up.")
        how = f"exit code {code}" if code >= 0 else signal.Signals(-code).name
        return ProcessEndedError(f"The process that read the file has ended ({how}).")

    def _stay(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None

    def _end_later(self) -> None:
        self._idle = threading.Timer(self._idle_seconds, self._end_idle)
        self._idle.daemon = True
        self._idle.start()

    def _end_idle(self) -> None:
        with self._lock:
            # Another file may have come meanwhile.
            if self._idle is threading.current_thread():
                self._end()

    def _end(self) -> None:
        self._stay()
        if (process := self._process) is None:
            return
        self._process = None
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            assert pipe is not None  # noqa: S101 - both are pipes
            with suppress(OSError):
                pipe.close()


class _Deadline(threading.Timer):
    """Ends a process when its time is over."""

    passed = False

    def __init__(self, process: subprocess.Popen[bytes], seconds: float) -> None:
        super().__init__(seconds, self._end, [process])
        self.daemon = True
        self.start()

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        self.passed = True
        process.kill()


def is_light(extension: str, content: bytes) -> bool:
    """Whether to read a file takes no more than a few times its size, and no libraries."""
    if extension in _SIMPLE and len(content) <= READ_HERE:
        return True
    return extension in _PLAIN and _is_utf8(content)


def _is_utf8(content: bytes) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for start in range(0, len(content), _BLOCK):
            decoder.decode(content[start : start + _BLOCK])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _exit_code(process: subprocess.Popen[bytes]) -> int:
    """What a process ended with that has closed its output, or makes no sense any more."""
    try:
        return process.wait(_ENDS_WITHIN)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def _start() -> subprocess.Popen[bytes]:
    found = os.pathsep.join(filter(None, (str(_FOLDER), os.environ.get("PYTHONPATH"))))
    try:
        return subprocess.Popen(  # noqa: S603 - this Python, and a module of this package
            # Without the current folder, whose files would be taken for modules.
            [sys.executable, "-P", "-m", _PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"PYTHONPATH": found},
        )
    except OSError as error:
        raise ExtractionError(f"The process that reads files cannot start ({error}).") from error


def _exchange(
    process: subprocess.Popen[bytes], extension: str, content: bytes
) -> Generator[str, None, tuple[Kind, str | None]]:
    """Send a file and yield its texts; return the last frame's kind, and why it is not read."""
    assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018 - pipes
    send(process.stdin, Kind.EXTENSION, extension.encode("utf-8", "surrogatepass"))
    send(process.stdin, Kind.CONTENT, content)
    process.stdin.flush()
    fault = None
    while True:
        kind, found = receive(process.stdout, longest=TEXT_BYTES)
        if kind is Kind.TEXT:
            yield found.decode("utf-8", "surrogatepass")
        elif kind is Kind.FAULT:
            fault = found.decode("utf-8", "replace")
        else:
            return kind, fault
