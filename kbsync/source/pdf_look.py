"""A look into PDF files, in a process of its own: one that attacks its library is only sent."""

from __future__ import annotations

import atexit
import subprocess
from importlib.util import find_spec

from kbsync.source.pdf_program import SIZE_BYTES, UNCLEAR
from kbsync.source.reused_process import IDLE_SECONDS, ProcessEnded, ReusedProcess, hand_over

SECONDS = 30.0
"""For one file in all; an honest one takes less than one."""


class PdfLook(ReusedProcess):
    """The process that looks into PDF files. Safe to use from many threads.

    Args:
        seconds: how long it may take for one file.
        idle: after how many seconds without a file it ends.
    """

    def __init__(self, *, seconds: float = SECONDS, idle: float = IDLE_SECONDS) -> None:
        super().__init__("kbsync.source.pdf_program", seconds=seconds, idle=idle)

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
        try:
            return self.asked(lambda process: _answer(process, fd, size))
        except ProcessEnded:
            return UNCLEAR


def _answer(process: subprocess.Popen[bytes], fd: int, size: int) -> bytes:
    assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018 - pipes
    process.stdin.write(size.to_bytes(SIZE_BYTES, "big"))
    hand_over(process, fd, size)
    found = process.stdout.read(1)
    if not found:
        raise EOFError
    return found


LOOK = PdfLook()
"""One for all mirrors: a process costs more than a wait."""
atexit.register(LOOK.end)
