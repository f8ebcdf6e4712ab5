"""Ignore files, read so that what keeps a file private fails closed.

A file that cannot be read, or has a line that can match nothing, says nothing of what may be sent.
"""

from __future__ import annotations

import codecs
import os
import stat
from functools import lru_cache

from kbsync.config import MirrorConfig
from kbsync.config.pattern_line import begins_at, fault_of, says_nothing
from kbsync.messages.machine_limits import machine_limit
from kbsync.source.encoding import byte_order_mark
from kbsync.source.gitignore import Patterns, compiled

IGNORE_FILE = ".kbsyncignore"
# What editors of Windows and Macs add to the name that is typed.
ENDING_TOO_MANY = ".txt"
_LONGEST = 1 << 20
_MOST_LINES = 10_000


class IgnoreFault(Exception):  # noqa: N818 - it names the file at fault
    """An ignore file that cannot be read: what it leaves out is unknown.

    Args:
        name: of the ignore file.
        cause: the system's words, or what is wrong in which line.
    """

    def __init__(self, name: str, cause: str) -> None:
        super().__init__(f"{name}: {cause}")
        self.name = name
        self.cause = cause


def ignore_names(config: MirrorConfig) -> tuple[str, ...]:
    """Return what a mirror's ignore files are called; what a later one says counts more."""
    return (".gitignore", IGNORE_FILE) if config.gitignore else (IGNORE_FILE,)


def ignore_patterns(names: tuple[str, ...], folder: int, root: str) -> Patterns | None:
    """Return what the ignore files of a folder say, None where there are none.

    Args:
        names: as `ignore_names` returns.
        folder: descriptor of the folder.
        root: the absolute path of the source.

    Raises:
        IgnoreFault: an ignore file is there and cannot be read, or not be understood.
        OSError: a limit of the machine keeps it from being read.
    """
    texts = [text for name in names if (text := _text(name, folder, root))]
    return compiled("\n".join(texts)) if texts else None


def _text(name: str, folder: int, root: str) -> str | None:
    if _is_there(name + ENDING_TOO_MANY, folder):
        raise IgnoreFault(name + ENDING_TOO_MANY, f"an ignore file is called {name}: rename it")
    is_link = False
    try:
        is_link = _is_link(name, folder)  # most folders have none, and this is how it is known
        content = _content(name, folder)
    except FileNotFoundError:
        if not is_link:
            return None
        raise IgnoreFault(name, "it is a link that leads nowhere") from None
    except OSError as error:
        if machine_limit(error):
            raise
        raise IgnoreFault(name, error.strerror or str(error)) from error
    if len(content) > _LONGEST:
        raise IgnoreFault(name, "longer than 1 MiB")
    if content.count(b"\n") > _MOST_LINES:
        raise IgnoreFault(name, f"more than {_MOST_LINES} lines")
    text, cause = _understood(content, root)
    if cause:
        raise IgnoreFault(name, cause)
    return text


def _content(name: str, folder: int) -> bytes:
    fd = os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise IgnoreFault(name, "it is no regular file")
        return os.read(fd, _LONGEST + 1)
    finally:
        os.close(fd)


def _is_there(name: str, folder: int) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except OSError:
        return False
    return True


def _is_link(name: str, folder: int) -> bool:
    return stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)


@lru_cache(maxsize=512)
def _understood(content: bytes, root: str) -> tuple[str, str]:
    """Return the text of an ignore file, and what is wrong with it (empty: nothing)."""
    try:
        text = content.removeprefix(codecs.BOM_UTF8).decode(byte_order_mark(content) or "utf-8")
    except UnicodeDecodeError as error:
        number = content.count(b"\n", 0, error.start) + 1
        return "", f"line {number} is not {error.encoding.upper()}; save the file as UTF-8"
    if "\0" in text:
        return "", "it has NULs, as UTF-16 without a byte order mark has; save it as UTF-8"
    for number, line in enumerate(text.split("\n"), 1):
        if cause := _fault(line.removesuffix("\r"), root):
            return "", f"line {number}: {cause}"
    return text, ""


def _fault(line: str, root: str) -> str | None:
    if says_nothing(line):
        return None
    if begins_at(line, root):
        return f"a path begins at the folder of this file: write it without {root}"
    return fault_of(line) or (None if compiled(line) else "it can match nothing")
