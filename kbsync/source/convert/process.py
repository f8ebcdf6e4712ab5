"""Files become Markdown or rows in a process of its own: one that attacks its library is held."""

from __future__ import annotations

import atexit
import json
import os
import subprocess
from collections.abc import Iterator
from typing import IO

from kbsync.messages import Notice
from kbsync.messages import source as says
from kbsync.source.convert.answers import ConversionError, Said, heard
from kbsync.source.convert.program import MEMORY
from kbsync.source.reused_process import IDLE_SECONDS, ProcessEnded, ReusedProcess, hand_over
from kbsync.source.rewritten import rewritten

SECONDS = 120.0
"""For one file in all, also where it gets no processor."""
LARGEST = 64 << 20
"""Bytes of a file that is converted: it is held in memory."""
MOST_TEXT = 64 << 20
"""Bytes of what comes out."""

_SHOWN = 1 << 20


class TooMuchTextError(Exception):
    """What comes out of a file is beyond the bound."""


class Converting(ReusedProcess):
    """The process that converts files. Safe to use from many threads.

    Args:
        seconds: how long it may take for one file.
        idle: after how many seconds without a file it ends.
    """

    def __init__(self, *, seconds: float = SECONDS, idle: float = IDLE_SECONDS) -> None:
        super().__init__("kbsync.source.convert.program", seconds=seconds, idle=idle)

    def text(
        self, fd: int, ending: str, *, rows: int = 0, links: str = "", path: str = ""
    ) -> IO[bytes] | Notice:
        """Return what a file becomes, as UTF-8 in a file, at its end; or why it becomes nothing.

        Args:
            fd: its descriptor.
            ending: its extension, lower case.
            rows: characters of a row at most, where it is sent row by row; 0 for Markdown.
            links: the URL that relative links of Markdown are rewritten to; empty to leave them.
            path: its key path, which they are relative to.

        Raises:
            OSError: it cannot be read.
            MachineFault: there is no room for what comes out.
        """
        size = os.fstat(fd).st_size
        if size > LARGEST:
            return _beyond(f"{LARGEST >> 20} MiB of file")
        asked = {"ending": ending, "rows": rows, "size": size, "links": links, "path": path}
        head = json.dumps(asked).encode() + b"\n"
        try:
            return self.asked(lambda process: _answer(process, head, fd, size))
        except TooMuchTextError:
            return _beyond(f"{MOST_TEXT >> 20} MiB of text")
        except ProcessEnded as ended:
            return _beyond("the time it may have" if ended.late else "the memory it may have")


def _answer(
    process: subprocess.Popen[bytes], head: bytes, fd: int, size: int
) -> IO[bytes] | Notice:
    try:
        return rewritten(_text(process, head, fd, size))
    except ConversionError as error:
        return _why(error)


def _text(process: subprocess.Popen[bytes], head: bytes, fd: int, size: int) -> Iterator[str]:
    assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018 - pipes
    process.stdin.write(head)
    hand_over(process, fd, size)
    total = 0
    for piece in heard(process.stdout):
        total += len(piece)
        if total > MOST_TEXT:
            raise TooMuchTextError
        yield piece.decode("utf-8", "replace")


def _why(error: ConversionError) -> Notice:
    if error.kind is Said.LOCKED:
        return says.LOCKED()
    if error.kind is Said.MEMORY:
        return _beyond(f"{MEMORY >> 20} MiB of memory")
    return says.NOT_CONVERTED(cause=error.cause)


def _beyond(bound: str) -> Notice:
    return says.CONVERSION_BEYOND(bound=bound)


CONVERTING = Converting()
"""One for all mirrors: a process costs more than a wait."""
atexit.register(CONVERTING.end)
