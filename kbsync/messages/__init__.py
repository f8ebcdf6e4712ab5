"""Every message a person can meet: one catalogue, each with a stable code.

A `Message` is a template. Filled in it is a `Notice` (a value: a state, a refusal, a warning) or a
`Problem` (an exception that ends a verb). Both keep the code, so that scripts and the
troubleshooting page can rely on it while the words improve.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any

from kbsync.lazy_dataclass import dataclass
from kbsync.messages.advice import (
    Advice,
    Value,
    Values,
    advice,
    again,
    printable,
    prose,
    shell,
    verb,
)

__all__ = [
    "Advice",
    "Exit",
    "Message",
    "Notice",
    "Problem",
    "again",
    "catalogue",
    "moment",
    "printable",
    "shell",
    "span",
    "verb",
]


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


def moment(seconds: float) -> str:
    """Return a time of the ledger's clock as people and logs read it, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def span(seconds: float) -> str:
    """Return a time as people say it."""
    whole = max(0, round(seconds))
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        # 119 s says more than 1 min.
        if whole >= 2 * size:
            return f"{whole // size} {unit}"
    return f"{whole} s"


@dataclass(frozen=True, slots=True)
class Message:
    """One entry of the catalogue.

    Args:
        code: stable for ever, e.g. ``KB-C004``; the letter names the room.
        text: what happened, a `str.format` template.
        next: what to do next, ending with a command to type; may be empty for notices.
        exit: the exit code when this message ends a verb.
    """

    code: str
    text: str
    next: Advice | str = ""
    exit: Exit = Exit.FAULT

    def __call__(self, **words: object) -> Notice:
        """Fill the template; a list or tuple fills several words of a command."""
        return Notice(self, {name: _value(value) for name, value in words.items()})

    @property
    def advice(self) -> Advice:
        """What to do next, as words and commands."""
        return advice(self.next)


def _value(given: object) -> Value:
    return tuple(map(str, given)) if isinstance(given, (list, tuple)) else str(given)


@dataclass(frozen=True, slots=True)
class Notice:
    """A message filled in: a value that can be kept, compared, shown and written as JSON.

    Args:
        message: the template.
        words: what fills it, as it came; it is made safe where it is shown.
    """

    message: Message
    words: Values = field(default_factory=dict)

    def __hash__(self) -> int:
        return hash((self.message.code, tuple(sorted(self.words.items()))))

    @property
    def code(self) -> str:
        """The stable code."""
        return self.message.code

    @property
    def text(self) -> str:
        """One sentence: what happened."""
        return prose(self.message.text, self.words)

    @property
    def next(self) -> str:
        """One line: what to do next, ending with a command; may be empty."""
        return self.message.advice.filled(self.words)

    @property
    def commands(self) -> tuple[str, ...]:
        """The commands in `next` alone, each to be pasted into a shell as it is."""
        return self.message.advice.commands(self.words)

    @property
    def hint(self) -> str:
        """What `next` says before its first command, for advice that has a command of its own."""
        first = self.message.advice.parts[:1]
        words = prose(first[0], self.words) if first and isinstance(first[0], str) else ""
        return words.partition(", then")[0]

    def as_json(self) -> dict[str, Any]:
        """Return it as programs read it: what to do next as one line, and its commands alone."""
        return {
            "code": self.code,
            "text": self.text,
            "next": self.next,
            "commands": list(self.commands),
        }

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
        base_settings,
        command,
        config,
        daemon,
        doctor,
        engine,
        export,
        guard,
        ledger,
        machine,
        remote,
        source,
        trash,
        verification,
        watch,
    )

    found: dict[str, Message] = {}
    for room in (
        config,
        source,
        watch,
        ledger,
        machine,
        remote,
        engine,
        base_settings,
        trash,
        guard,
        adoption,
        doctor,
        daemon,
        command,
        verification,
        export,
    ):
        for value in vars(room).values():
            if isinstance(value, Message) and found.setdefault(value.code, value) is not value:
                raise ValueError(f"two messages share the code {value.code}")
    return dict(sorted(found.items()))
