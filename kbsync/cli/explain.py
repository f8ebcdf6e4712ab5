"""`kbsync explain PATH`: the decision for one file, and why."""

from __future__ import annotations

import click

from kbsync.cli import CliContext


@click.command(help="Show what is known of one file on all three sides, and what follows.")
@click.argument("path")
@click.option("--mirror", help="Which mirror, when several have such a path.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def command(place: CliContext, path: str, mirror: str | None, as_json: bool) -> int:
    """Explain one path."""
    from kbsync.app import build  # noqa: PLC0415
    from kbsync.cli.dispatch import carry_out  # noqa: PLC0415
    from kbsync.commands.explain import Explain  # noqa: PLC0415

    settings = build.settings_of(place.config)
    name, inside = build.whose(settings, path, mirror)
    return carry_out(place, settings, Explain(mirror=name, path=inside, as_json=as_json)).exit
