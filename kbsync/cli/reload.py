"""`kbsync reload`: the daemon reads its configuration anew."""

from __future__ import annotations

import click

from kbsync.cli import Place


@click.command(
    help="Have the daemon read its configuration anew, and say whether it could. It does so by "
    "itself when the file changes, and at SIGHUP."
)
@click.pass_obj
def command(place: Place) -> int:
    """Have it read."""
    from kbsync import app  # noqa: PLC0415
    from kbsync.cli.carrying import carry_out  # noqa: PLC0415
    from kbsync.errands.control import Reload  # noqa: PLC0415

    return carry_out(place, app.settings_of(place.config), Reload()).exit
