"""A descriptor that may refuse what is written: a pipe without a reader, a full disk."""

from __future__ import annotations

import errno
import os
import select


class Descriptor:
    """Writes pieces of text; one that is refused is lost, but no line is left half written.

    Args:
        number: of the descriptor.

    Attributes:
        fault: why the last piece was refused; None when it was not.
        refused: whether any was, by more than a reader that left.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.fault: OSError | None = None
        self.refused = False
        self._rest = b""

    @property
    def deserted(self) -> bool:
        """Whether the reader left, which is no error."""
        return self.fault is not None and self.fault.errno == errno.EPIPE

    def write(self, piece: bytes) -> bool:
        """Write `piece`; return whether all of it went out."""
        # The end of a line that was begun comes before anything else.
        self._rest = self._sent(self._rest)
        if self._rest:
            return False
        left = self._sent(piece)
        if 0 < len(left) < len(piece) and piece[-len(left) - 1 : -len(left)] != b"\n":
            self._rest = left.partition(b"\n")[0] + b"\n"
        return not left

    def _sent(self, piece: bytes) -> bytes:
        """Send `piece`; return what is left of it."""
        while piece:
            try:
                piece = piece[os.write(self.number, piece) :]
            except BlockingIOError:  # whoever shares it made it so, and it is full
                self._wait()
            except OSError as fault:
                self.fault = fault
                self.refused |= not self.deserted
                return piece
        self.fault = None
        return b""

    def _wait(self) -> None:
        poll = select.poll()
        poll.register(self.number, select.POLLOUT)
        poll.poll()


def open_closed() -> None:
    """Open what this process was begun without, or the ledger might become its standard output."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest that is free
