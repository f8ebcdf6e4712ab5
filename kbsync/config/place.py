"""Where in the configuration file something stands: locations, lines and the faults found there."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from kbsync.messages import Message, Notice, Problem

Location = tuple[str | int, ...]


def key_text(location: Location) -> str:
    """Return a location as people write it: ``mirrors[0].source``."""
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing wrong, on its way to being a notice. `line` None: that of the location."""

    message: Message
    at: Location = ()
    line: int | None = None
    words: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Place:
    """The configuration file: its name as given, and the line of every key and entry."""

    file: str
    lines: Mapping[Location, int] = field(default_factory=dict)

    def line(self, at: Location) -> int:
        """Return the line of `at`, or of the nearest enclosing key that is in the file."""
        for length in range(len(at), -1, -1):
            if (line := self.lines.get(at[:length])) is not None:
                return line
        return 1

    def notice(self, fault: Fault) -> Notice:
        """Fill in the fault's message, with the file, line and key every one of them has."""
        return fault.message(
            **fault.words,
            file=self.file,
            config=shlex.quote(self.file),
            line=fault.line or self.line(fault.at),
            key=key_text(fault.at) or "top level",
        )

    def problem(self, faults: Iterable[Fault]) -> Problem:
        """Return one problem that names every fault, in the order of the file."""
        ordered = sorted(faults, key=lambda fault: fault.line or self.line(fault.at))
        return Problem(*dict.fromkeys(self.notice(fault) for fault in ordered))
