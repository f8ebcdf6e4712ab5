"""`kbsync reload`: the daemon reads its configuration anew."""

from __future__ import annotations

import click

from kbsync.cli import CliContext


@click.command(
    help="Have the daemon read its configuration anew, and say whether it could. It does so by "
    "itself when the file changes, and at SIGHUP."
)
@click.pass_obj
def command(place: CliContext) -> int:
    """Have it read."""
    from kbsync.app import build  # noqa: PLC0415
    from kbsync.cli.dispatch import carry_out  # noqa: PLC0415
    from kbsync.commands.control import Reload  # noqa: PLC0415

    return carry_out(place, build.settings_of(place.config), Reload()).exit
