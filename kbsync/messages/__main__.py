"""The message catalogue as a page: `python -m kbsync.messages` prints docs/messages.md."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from itertools import groupby

from kbsync.messages import Message, catalogue
from kbsync.messages.advice import ShellLine

ROOMS = {
    "A": "Taking documents over",
    "C": "Configuration",
    "D": "Doctor",
    "E": "Plan and engine",
    "G": "Guard and saved plans",
    "K": "Daemon",
    "L": "Ledger",
    "M": "Machine",
    "R": "Knowledge API",
    "S": "Source",
    "V": "Verbs",
    "W": "Watching a source",
    "X": "Export",
    "Y": "Verification",
}

OPENING = """\
# Messages

Every message kbsync can print, by its code. A code stays the same for ever, so scripts and searches
can rely on it; the words may improve. Words in braces are filled in. *Exit* is the exit code when
the message ends a verb; a message that tells the state of one file ends none by itself, and counts
in the exit code of `apply` ([design.md](design.md) section 7).

What follows *Next* ends with a command that runs when it is pasted into a shell. Each value in it
is one word of the shell, `--` is there where a name behind it begins with a dash, and it begins as
the process was started that prints it, with its `-c FILE`; `kbsync …` is the command that was
typed. In JSON, `commands` has the commands alone.

This page is generated: change the catalogue in `kbsync/messages/`, then type `make docs`.
"""


def page() -> str:
    """Return the whole page as Markdown."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield OPENING
    for room, messages in groupby(catalogue().values(), key=lambda message: message.code[3]):
        yield f"## {ROOMS[room]}\n"
        for message in messages:
            yield from _paragraph(message)


def _paragraph(message: Message) -> Iterator[str]:
    yield f"### {message.code}\n"
    yield f"{_plain(message.text)}\n"
    following = "".join(map(_part, message.advice.parts))
    yield f"*Next:* {following}  \n*Exit:* {int(message.exit)}\n"


def _part(part: str | ShellLine) -> str:
    return _plain(f"`{part}`" if isinstance(part, ShellLine) else part)


def _plain(template: str) -> str:
    """Return a template as text on one line, with nothing in it that is markup."""
    plain = template.replace("{{", "{").replace("}}", "}").replace("\n", " ")
    return "".join(
        part if part.startswith("`") else re.sub(r"([<*_])", r"\\\1", part)
        for part in re.split(r"(`[^`]*`)", plain)
    )


if __name__ == "__main__":
    sys.stdout.write(page())
