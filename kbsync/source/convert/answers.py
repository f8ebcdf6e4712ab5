"""What the program that converts says to its parent: pieces of text, then done or why not."""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from typing import IO

_LENGTH = 4
LONGEST = 1 << 24


class Said(IntEnum):
    """What an answer is."""

    TEXT = 1
    DONE = 2
    BROKEN = 3
    LOCKED = 4
    MEMORY = 5
    UNLOADED = 6


class ConversionError(Exception):
    """A file was not converted.

    Args:
        kind: broken, locked or too much.
        cause: in the library's words.
    """

    def __init__(self, kind: Said, cause: str = "") -> None:
        super().__init__(cause)
        self.kind, self.cause = kind, cause


def tell(stream: IO[bytes], kind: Said, text: str = "") -> None:
    """Write one answer."""
    data = text.encode("utf-8", "replace")
    for start in range(0, max(1, len(data)), LONGEST):
        piece = data[start : start + LONGEST]
        stream.write(bytes((kind,)) + len(piece).to_bytes(_LENGTH, "big") + piece)


def heard(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield the pieces of one file's text, in UTF-8.

    Raises:
        EOFError: the program ended, or makes no sense.
        ConversionError: the file was not converted.
    """
    while True:
        kind, data = _next(stream)
        if kind is Said.DONE:
            return
        if kind is not Said.TEXT:
            raise ConversionError(kind, data.decode("utf-8", "replace"))
        yield data


def _next(stream: IO[bytes]) -> tuple[Said, bytes]:
    head = stream.read(1 + _LENGTH)
    length = int.from_bytes(head[1:], "big")
    if len(head) <= _LENGTH or length > LONGEST:
        raise EOFError
    data = stream.read(length)
    if len(data) < length or head[0] not in Said._value2member_map_:
        raise EOFError
    return Said(head[0]), data
