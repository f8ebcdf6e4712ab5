"""What a server and its reading process say to each other: frames of a kind, a length and bytes."""

from __future__ import annotations

import struct
from enum import Enum
from typing import IO, Final

_HEAD: Final = struct.Struct("!cI")


class Kind(Enum):
    """What a frame holds."""

    EXTENSION = b"x"  # to the process: of the file that follows
    CONTENT = b"c"  # to the process: the whole file
    TEXT = b"t"  # one text
    FAULT = b"f"  # why the file could not be read
    DONE = b"d"  # the file is done with, and the next one may come
    RETIRED = b"r"  # the file is done with, and the process ends


def send(pipe: IO[bytes], kind: Kind, content: bytes = b"") -> None:
    """Write one frame; to be flushed by the caller."""
    pipe.write(_HEAD.pack(kind.value, len(content)))
    pipe.write(content)


def receive(pipe: IO[bytes], *, longest: int) -> tuple[Kind, bytes]:
    """Read one frame.

    Args:
        pipe: where from.
        longest: how many bytes it may hold.

    Raises:
        EOFError: the other side has ended.
        ValueError: it is no frame, or one that is too long.
    """
    kind, length = _HEAD.unpack(_exactly(pipe, _HEAD.size))
    if length > longest:
        raise ValueError(f"a frame of {length} bytes")
    return Kind(kind), _exactly(pipe, length)


def _exactly(pipe: IO[bytes], size: int) -> bytes:
    found = pipe.read(size)
    if len(found) < size:
        raise EOFError
    return found
