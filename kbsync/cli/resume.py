"""`kbsync resume`: the daemon writes again for what was paused."""

from __future__ import annotations

import click

from kbsync.cli import CliContext
from kbsync.cli.pause import paused


@click.command(help="End the pause of MIRRORS (all when none are named).")
@click.argument("mirrors", nargs=-1)
@click.pass_obj
def command(place: CliContext, mirrors: tuple[str, ...]) -> int:
    """Have it noted."""
    return paused(place, mirrors, paused=False)
