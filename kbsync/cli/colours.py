"""Colours of lines that say what changes: on a terminal that knows them, and with FORCE_COLOR."""

from __future__ import annotations

import click

from kbsync.cli import output

# By how a line begins: what is new, changed, renamed, removed, to be seen to, and less of interest.
COLOURS = {
    **{"+ ": "green", "~ ": "yellow", "> ": "cyan", "* ": "cyan", "- ": "red"},
    **{"? ": "magenta", "! ": "bright_red", "failed: ": "bright_red", "conflict: ": "bright_red"},
    **{"rejected: ": "bright_red", "stale: ": "magenta", "held: ": "magenta", "halted: ": "red"},
    **{". ": "bright_black", "skipped: ": "bright_black", "signs: ": "bright_black"},
    **{"  next: ": "cyan"},
}


def styled(text: str) -> str:
    """Return lines in the colours of what they say; as they are where colours are not welcome."""
    if not output.coloured():
        return text
    return "\n".join(map(_line, text.split("\n")))


def _line(line: str) -> str:
    if line.startswith("costs: "):
        return click.style(line, bold=True)
    colour = next((each for begin, each in COLOURS.items() if line.startswith(begin)), None)
    return line if colour is None else click.style(line, fg=colour)
