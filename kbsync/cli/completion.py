"""`kbsync completion`: the script by which a shell asks kbsync what can be typed next."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import click
from click.shell_completion import CompletionItem, ShellComplete, get_completion_class

from kbsync.cli import cli
from kbsync.cli.command_line import CliContext
from kbsync.cli.local_verbs import Completion
from kbsync.cli.usual_places import usual_places

# As click looks for it when the program is called kbsync.
VARIABLE = "_KBSYNC_COMPLETE"


def completion(verb: Completion, context: CliContext) -> None:
    """Print the script."""
    made = get_completion_class(verb.shell)
    assert made is not None  # noqa: S101 - click knows the shells that can be named
    # A script is printed for a shell of whatever version, or one that is elsewhere.
    click.echo(ShellComplete.source(made(cli, {}, "kbsync", VARIABLE)))


def mirrors(ctx: click.Context, typed: str) -> list[CompletionItem]:
    """Return the names of the mirrors that begin as was typed; paths where there is none."""
    named = ctx.find_root().params.get("config")
    places = [Path(named)] if named else [each for each in usual_places() if os.path.lexists(each)]
    found = [name for each in places[:1] for name in _declared(each) if name.startswith(typed)]
    return [*map(CompletionItem, found)] or [CompletionItem(typed, type="file")]


def _declared(config: Path) -> Iterable[str]:
    """Yield the names in the file, which may be wrong anywhere else."""
    import yaml  # noqa: PLC0415 - most completions are of verbs

    try:
        tree = yaml.safe_load(config.read_bytes())
        declared = tree.get("mirrors") if isinstance(tree, dict) else None
    except (OSError, ValueError, yaml.YAMLError, RecursionError):
        return
    for mirror in declared if isinstance(declared, list) else ():
        name = mirror.get("name") if isinstance(mirror, dict) else None
        if isinstance(name, str) and name.isascii() and name.isprintable():
            yield name
