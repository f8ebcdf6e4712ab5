"""docs/commands.md: every verb with its options, as `--help` has them; `make docs` writes it."""

from __future__ import annotations

from collections.abc import Iterator

import click

from kbsync.cli import VERBS, cli

from .rooms import ROOT

PAGE = ROOT / "docs" / "commands.md"
WIDTH = 100
OPENING = """\
# Commands

Every verb with its options, as `kbsync VERB --help` prints them. The options of `kbsync` itself
work for every verb.

This page is generated: change what is declared in `kbsync/cli/` and `kbsync/commands/`, then type
`make docs`.
"""


def page() -> str:
    """Return the whole page as Markdown."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield OPENING
    top = _context("kbsync", cli)
    yield from _help("## `kbsync`", top)
    for name in VERBS:
        command = cli.get_command(top, name)
        assert command is not None
        yield from _verb(f"kbsync {name}", command, "##")


def _verb(typed: str, command: click.Command, level: str) -> Iterator[str]:
    yield from _help(f"{level} `{typed}`", _context(typed, command))
    if isinstance(command, click.Group):
        for name, each in command.commands.items():
            yield from _verb(f"{typed} {name}", each, level + "#")


def _context(typed: str, command: click.Command) -> click.Context:
    return click.Context(
        command,
        info_name=typed,
        terminal_width=WIDTH,
        max_content_width=WIDTH,
        help_option_names=["-h", "--help"],
    )


def _help(heading: str, context: click.Context) -> Iterator[str]:
    yield heading + "\n"
    yield "```text"
    yield context.get_help()
    yield "```\n"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
