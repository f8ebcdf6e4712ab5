"""Files become Markdown or rows in a process of its own: one that attacks its library is held."""

from __future__ import annotations

import atexit
import codecs
import json
import os
import subprocess
from collections.abc import Iterator
from typing import IO

from kbsync.config.extra_packages import installing
from kbsync.messages import Notice
from kbsync.messages import source as says
from kbsync.source.convert.answers import ConversionError, Said, heard
from kbsync.source.convert.converters import EXTRA
from kbsync.source.convert.program import MEMORY
from kbsync.source.reused_process import IDLE_SECONDS, ProcessEnded, ReusedProcess, hand_over
from kbsync.source.rewritten import rewritten

SECONDS = 120.0
"""For one file in all, also where it gets no processor."""
LARGEST = 64 << 20
"""Bytes of a file that is converted: it is held in memory."""
MOST_TEXT = 64 << 20
"""Bytes of what comes out."""


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
            OSError: it cannot be read, or the process cannot be started.
            MachineFault: there is no room for what comes out.
        """
        size = os.fstat(fd).st_size
        if size > LARGEST:
            return _beyond(f"{LARGEST >> 20} MiB of file")
        asked: dict[str, str | int] = {
            "ending": ending,
            "rows": rows,
            "size": size,
            "links": links,
            "path": path,
        }
        try:
            return self.asked(lambda process: _answer(process, asked, fd))
        except TooMuchTextError:
            return _beyond(f"{MOST_TEXT >> 20} MiB of text")
        except ProcessEnded as ended:
            if ended.unstarted is not None:  # of the file that says nothing
                raise ended.unstarted from ended
            return _beyond("the time it may have" if ended.late else "the memory it may have")


def _answer(
    process: subprocess.Popen[bytes], asked: dict[str, str | int], fd: int
) -> IO[bytes] | Notice:
    assert process.stdin is not None  # noqa: S101 - a pipe
    process.stdin.write(json.dumps(asked).encode() + b"\n")
    hand_over(process, fd, int(asked["size"]))
    try:
        return rewritten(_text(process))
    except ConversionError as error:
        return _why(error, str(asked["ending"]))


def _text(process: subprocess.Popen[bytes]) -> Iterator[str]:
    assert process.stdout is not None  # noqa: S101 - a pipe
    # A long piece comes in several, cut anywhere.
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    total = 0
    for piece in heard(process.stdout):
        total += len(piece)
        if total > MOST_TEXT:
            raise TooMuchTextError
        yield decoder.decode(piece)


def _why(error: ConversionError, ending: str) -> Notice:
    match error.kind:
        case Said.LOCKED:
            return says.LOCKED()
        case Said.MEMORY:
            return _beyond(f"{MEMORY >> 20} MiB of memory")
        case Said.UNLOADED:
            words = {"kind": ending, "cause": error.cause}
            return says.CONVERTER_BROKEN(**words, **installing(EXTRA))
    return says.NOT_CONVERTED(cause=error.cause)


def _beyond(bound: str) -> Notice:
    return says.CONVERSION_BEYOND(bound=bound)


CONVERTING = Converting()
"""One for all mirrors: a process costs more than a wait."""
atexit.register(CONVERTING.end)
