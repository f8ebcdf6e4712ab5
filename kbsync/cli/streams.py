"""Standard output and error, which may go away amid the work.

A verb that only shows something ends then. One that changes something goes on without (`go_on`):
what it says is lost, and that is said. Neither does it wait for a slow reader, because calls that
are under way would time out meanwhile.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, TextIO

from kbsync.cli.background_writer import BackgroundWriter
from kbsync.cli.descriptor import Descriptor, open_closed
from kbsync.messages import Notice
from kbsync.messages import command as say

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

OUTPUT, ERROR = 1, 2
NAMES = {OUTPUT: "standard output", ERROR: "standard error"}
# Bytes of a log that wait for its reader: what comes beyond these is lost.
LOG_WAITS = 4 << 20
# A reader that takes nothing for so long (seconds) does not keep a daemon from its end.
PATIENCE = 2.0


class OutputLost(Exception):  # noqa: N818 - a reader that had enough is no error
    """What a verb has to say cannot be written.

    Args:
        why: as it is said; None for a reader that left.
    """

    def __init__(self, why: Notice | None) -> None:
        super().__init__(str(why or "the reader left"))
        self.why = why


class Stream(io.RawIOBase):
    """One of the two.

    Args:
        number: of its descriptor.

    Attributes:
        descriptor: takes what is said.
        writer: writes it in the background; without one it is written at once.
        quiet: what cannot be written is lost without a word.
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self.descriptor = Descriptor(number)
        self.writer: BackgroundWriter | None = None
        self.quiet = False

    def fileno(self) -> int:
        """Return the number of the descriptor."""
        return self.descriptor.number

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return os.isatty(self.descriptor.number)

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, piece: ReadableBuffer, /) -> int:
        """Write `piece` now or in the background.

        Raises:
            OutputLost: it cannot be written, and to say it was all that was to be done.
        """
        text = bytes(piece)
        if self.writer is not None:
            self.writer.add(self.descriptor, text)
        elif not self.descriptor.write(text) and not self.quiet:
            self.quiet = True  # what is still to be said of the fault may come here too
            deserted = self.descriptor.deserted
            raise OutputLost(None if deserted else _why(self.descriptor, say.OUTPUT_LOST))
        return len(text)


def _why(descriptor: Descriptor, message: Callable[..., Notice]) -> Notice:
    fault = descriptor.fault
    words = os.strerror(fault.errno) if fault and fault.errno else "it is closed"
    return message(stream=NAMES[descriptor.number], why=words)


def install() -> None:
    """Take standard output and error over; letters that cannot be encoded there are escaped."""
    open_closed()
    sys.stdout, sys.stderr = _taken(sys.stdout, OUTPUT), _taken(sys.stderr, ERROR)
    sys.stdin = sys.stdin or open(os.devnull, encoding="utf-8")  # noqa: SIM115 - until the end


def _taken(before: TextIO | None, number: int) -> TextIO:
    encoding = getattr(before, "encoding", None) or "utf-8"
    # Each piece goes out as it is written: nothing is left for the end of the process.
    return io.TextIOWrapper(
        Stream(number),  # type: ignore[type-var]
        encoding=encoding,
        errors="backslashreplace",
        write_through=True,
    )


def _own() -> list[Stream]:
    """Return the streams that were taken over."""
    both = (getattr(stream, "buffer", None) for stream in (sys.stdout, sys.stderr))
    return [each for each in both if isinstance(each, Stream)]


def go_on() -> None:
    """Go on with the work whatever becomes of the output; that it is lost is said once."""
    _write_in_background(BackgroundWriter(failed=_say_lost))


def log_on(healed: Callable[[int], None]) -> None:
    """Go on as a daemon does.

    Args:
        healed: logs how many lines were lost, once a line can be written again.
    """
    _write_in_background(BackgroundWriter(most=LOG_WAITS, patience=PATIENCE, healed=healed))


def _write_in_background(writer: BackgroundWriter) -> None:
    for stream in _own():
        stream.writer = stream.writer or writer


def _say_lost(descriptor: Descriptor) -> None:
    # Of standard error nothing can be said: standard output may be read by a program.
    if descriptor.number == OUTPUT:
        notice = _why(descriptor, say.OUTPUT_GOES_ON)
        sys.stderr.write(f"kbsync: warning: {notice}\n  next: {notice.next}\n")


def finish() -> bool:
    """Write what waits; return whether standard output took all it was meant to take."""
    own = _own()
    for stream in own:
        # What a reader that is too slow has not taken by now is lost, and so is what follows.
        if stream.writer is None or _finished(stream.writer):
            stream.writer, stream.quiet = None, True
    return not any(each.descriptor.refused for each in own if each.fileno() == OUTPUT)


def _finished(writer: BackgroundWriter) -> bool:
    try:
        return writer.finish()
    except KeyboardInterrupt:  # a person who waited long enough
        return False
