"""Every message a person can meet: one catalogue, each with a stable code.

A `Message` is a template. Filled in it is a `Notice` (a value: a state, a refusal, a warning) or a
`Problem` (an exception that ends a verb). Both keep the code, so that scripts and the
troubleshooting page can rely on it while the words improve.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import IntEnum

__all__ = ["Exit", "Message", "Notice", "Problem", "catalogue", "moment", "printable"]


class Exit(IntEnum):
    """Exit codes of the command (docs/design.md section 7)."""

    OK = 0
    FAULT = 1
    CHANGES = 2
    INCOMPLETE = 3
    HALTED = 4
    REFUSED = 5
    INDEXING = 6
    USAGE = 64


_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def printable(text: str) -> str:
    """Return `text` with every character that could steer a terminal or reorder a line escaped.

    File names and server replies are hostile input: control characters, bidirectional marks,
    lone surrogates and unassigned code points come out as ``\\xNN`` or ``\\uNNNN``.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_visible(ch) for ch in text)


def _visible(ch: str) -> str:
    if unicodedata.category(ch) not in _HIDDEN:
        return ch
    point = ord(ch)
    if 0xDC80 <= point <= 0xDCFF:
        return f"\\x{point - 0xDC00:02x}"
    return f"\\x{point:02x}" if point < 0x100 else f"\\u{point:04x}"


def moment(seconds: float) -> str:
    """Return a time of the ledger's clock as people and logs read it, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


@dataclass(frozen=True, slots=True)
class Message:
    """One entry of the catalogue.

    Args:
        code: stable for ever, e.g. ``KB-C004``; the letter names the room.
        text: what happened, a `str.format` template.
        next: the next command to type or step to take, a template; may be empty for notices.
        exit: the exit code when this message ends a verb.
    """

    code: str
    text: str
    next: str = ""
    exit: Exit = Exit.FAULT

    def __call__(self, **words: object) -> Notice:
        """Fill the template; every value is made safe to print."""
        return Notice(self, {name: printable(str(value)) for name, value in words.items()})


@dataclass(frozen=True, slots=True)
class Notice:
    """A message filled in: a value that can be kept, compared, shown and written as JSON."""

    message: Message
    words: Mapping[str, str] = field(default_factory=dict)

    def __hash__(self) -> int:
        return hash((self.message.code, tuple(sorted(self.words.items()))))

    @property
    def code(self) -> str:
        """The stable code."""
        return self.message.code

    @property
    def text(self) -> str:
        """One sentence: what happened."""
        return self.message.text.format_map(self.words)

    @property
    def next(self) -> str:
        """What to type next; may be empty."""
        return self.message.next.format_map(self.words)

    def __str__(self) -> str:
        return f"{self.text} [{self.code}]"


class Problem(Exception):  # noqa: N818 - it is read by people, not only raised
    """A fault that ends a verb: what happened, its code, and the next command to type.

    Args:
        notices: one or more filled-in messages; the first decides the exit code.
    """

    def __init__(self, *notices: Notice) -> None:
        self.notices = notices
        super().__init__(str(self))

    @property
    def notice(self) -> Notice:
        """The first and leading notice."""
        return self.notices[0]

    @property
    def exit(self) -> Exit:
        """The exit code of the leading notice."""
        return self.notice.message.exit

    def __str__(self) -> str:
        return "\n".join(_lines(self.notices))


def _lines(notices: tuple[Notice, ...]) -> Iterator[str]:
    for position, notice in enumerate(notices):
        yield str(notice)
        following = notices[position + 1].next if position + 1 < len(notices) else None
        if notice.next and notice.next != following:
            yield f"  next: {notice.next}"


def catalogue() -> dict[str, Message]:
    """Return every message of every room, by code.

    Raises:
        ValueError: two messages share a code.
    """
    from kbsync.messages import (  # noqa: PLC0415
        adoption,
        command,
        config,
        daemon,
        doctor,
        engine,
        guard,
        ledger,
        remote,
        source,
        verification,
        watch,
    )

    found: dict[str, Message] = {}
    for room in (
        config,
        source,
        watch,
        ledger,
        remote,
        engine,
        guard,
        adoption,
        doctor,
        daemon,
        command,
        verification,
    ):
        for value in vars(room).values():
            if isinstance(value, Message) and found.setdefault(value.code, value) is not value:
                raise ValueError(f"two messages share the code {value.code}")
    return dict(sorted(found.items()))
