"""The configuration file: its text, the lines of its keys, and the faults found there."""

from __future__ import annotations

import errno
import os
import re
import select
import stat
from collections.abc import Iterable, Mapping
from dataclasses import field
from pathlib import Path

from kbsync.lazy_dataclass import dataclass
from kbsync.messages import Message, Notice, Problem
from kbsync.messages import config as messages

Location = tuple[str | int, ...]


def key_text(location: Location) -> str:
    """Return a location as people write it: ``mirrors[0].source``."""
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing wrong, on its way to being a notice. `line` None: that of the location."""

    message: Message
    at: Location = ()
    line: int | None = None
    words: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """The configuration file: its name as given, and the line of every key and entry."""

    file: str
    lines: Mapping[Location, int] = field(default_factory=dict)

    def line(self, at: Location) -> int:
        """Return the line of `at`, or of the nearest enclosing key that is in the file."""
        for length in range(len(at), -1, -1):
            if (line := self.lines.get(at[:length])) is not None:
                return line
        return 1

    def notice(self, fault: Fault) -> Notice:
        """Fill in the fault's message, with the file, line and key every one of them has."""
        return fault.message(
            **fault.words,
            file=self.file,
            line=fault.line or self.line(fault.at),
            key=key_text(fault.at) or "top level",
        )

    def problem(self, faults: Iterable[Fault]) -> Problem:
        """Return one problem that names every fault, in the order of the file."""
        ordered = sorted(faults, key=lambda fault: fault.line or self.line(fault.at))
        return Problem(*dict.fromkeys(self.notice(fault) for fault in ordered))


LARGEST_FILE = 1024 * 1024
PATIENCE = 5.0  # seconds without a byte from a pipe
BLOCK = 65536
# All that YAML does not take; to name what it takes would be ten times as long to compile.
_UNPRINTABLE = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]"
)


class Refused(Exception):  # noqa: N818 - carries a fault, is never shown itself
    """The reading cannot go on; `fault` says why."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        super().__init__(fault.message.code)


def read_text(path: Path) -> str:
    """Return the file's text.

    Raises:
        Refused: missing, not a regular file, unreadable, empty, too large or not UTF-8.
    """
    raw = _read_bytes(path)
    if len(raw) > LARGEST_FILE:
        raise Refused(Fault(message=messages.FILE_TOO_LARGE, words={"limit": LARGEST_FILE}))
    text = _decode(raw)
    if not text.strip():
        raise Refused(Fault(message=messages.FILE_EMPTY))
    return text


def _read_bytes(path: Path) -> bytes:
    try:
        # A pipe (`-c <(…)`) is welcome, a folder or socket is not.
        mode = path.stat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)):
            raise Refused(Fault(message=messages.FILE_IS_FOLDER))
        return first_bytes(path, LARGEST_FILE + 1)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise Refused(Fault(message=messages.FILE_MISSING)) from error
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "its name cannot be a file's"
        raise Refused(Fault(message=messages.FILE_UNREADABLE, words={"why": why})) from error


def first_bytes(path: Path, most: int) -> bytes:
    """Return what `path` begins with, at most `most` bytes; a pipe without a writer ends, too.

    Raises:
        OSError: it cannot be read, or a pipe stays silent.
    """
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        pipe = stat.S_ISFIFO(os.fstat(fd).st_mode)
        os.set_blocking(fd, not pipe)
        raw = b""
        while len(raw) < most:
            if pipe:
                _await_bytes(fd)
            piece = os.read(fd, min(BLOCK, most - len(raw)))
            if not piece:
                break
            raw += piece
        return raw
    finally:
        os.close(fd)


def _await_bytes(fd: int) -> None:
    waiting = select.poll()
    waiting.register(fd, select.POLLIN)
    if not waiting.poll(PATIENCE * 1000):
        raise TimeoutError(errno.ETIMEDOUT, "the pipe has no writer")


def _decode(raw: bytes) -> str:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        words = {"byte": f"0x{raw[error.start]:02x}"}
        fault = Fault(message=messages.FILE_NOT_UTF8, line=line, words=words)
        raise Refused(fault) from error
    if found := _UNPRINTABLE.search(text):
        line = text.count("\n", 0, found.start()) + 1
        words = {"why": f"the control character U+{ord(found[0]):04X}"}
        raise Refused(Fault(message=messages.YAML_SYNTAX, line=line, words=words))
    return text
