"""`kbsync retry`: try again what failed or was refused."""

from __future__ import annotations

import click

from kbsync.cli import CliContext


@click.command(
    help="Forget the refusals and failures of PATHS (all of them when none are named) and try "
    "those files again. Exit code as of apply."
)
@click.argument("paths", nargs=-1)
@click.option("--mirror", help="Only this mirror.")
@click.option("--wait/--no-wait", default=True, help="Wait until everything is indexed.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object at the end.")
@click.pass_obj
def command(
    place: CliContext, paths: tuple[str, ...], mirror: str | None, wait: bool, as_json: bool
) -> int:
    """Have those files planned, and the plan carried out."""
    from kbsync.app import build  # noqa: PLC0415
    from kbsync.cli.dispatch import carry_out  # noqa: PLC0415
    from kbsync.commands.apply import Retry  # noqa: PLC0415

    settings = build.settings_of(place.config)
    errand = Retry(paths=paths, mirror=mirror, wait=wait, as_json=as_json)
    return carry_out(place, settings, errand).exit
