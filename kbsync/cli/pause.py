"""`kbsync pause`: the daemon plans and shows, and writes nothing."""

from __future__ import annotations

import click

from kbsync.cli import CliContext


@click.command(
    help="Have the daemon plan and show MIRRORS (all when none are named) and write nothing for "
    "them until `kbsync resume`, beyond a restart too. Verbs that are typed do what they always do."
)
@click.argument("mirrors", nargs=-1)
@click.pass_obj
def command(place: CliContext, mirrors: tuple[str, ...]) -> int:
    """Have it noted."""
    return paused(place, mirrors, paused=True)


def paused(place: CliContext, mirrors: tuple[str, ...], *, paused: bool) -> int:
    """Have mirrors paused, or not any more."""
    from kbsync.app import build  # noqa: PLC0415
    from kbsync.cli.dispatch import carry_out  # noqa: PLC0415
    from kbsync.commands.control import Pause  # noqa: PLC0415

    errand = Pause(mirrors=mirrors, paused=paused)
    return carry_out(place, build.settings_of(place.config), errand).exit
