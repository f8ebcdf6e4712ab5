"""`kbsync plan`: show what would be done, and save it."""

from __future__ import annotations

from pathlib import Path

import click

from kbsync.cli import CliContext


@click.command(help="Show what `apply` would do. Exit code: 0 nothing to do, 2 changes.")
@click.argument("mirrors", nargs=-1)
@click.option("--refresh/--no-refresh", default=True, help="List the knowledge bases first.")
@click.option("--prune-excluded", is_flag=True, help="Delete what the filters leave out now.")
@click.option(
    "--target",
    "targets",
    metavar="GLOB",
    multiple=True,
    help="Only paths this gitignore pattern matches, relative to the source; may be repeated.",
)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Save the plan; `kbsync apply FILE` carries out exactly this, or refuses.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def command(
    place: CliContext,
    mirrors: tuple[str, ...],
    refresh: bool,
    prune_excluded: bool,
    targets: tuple[str, ...],
    output: Path | None,
    as_json: bool,
) -> int:
    """Have all mirrors planned, and the plan saved."""
    from kbsync.app import build, plan_file  # noqa: PLC0415
    from kbsync.cli.dispatch import carry_out  # noqa: PLC0415
    from kbsync.commands.plan import PlanCommand  # noqa: PLC0415
    from kbsync.messages import printable  # noqa: PLC0415

    how = plan_file.PlanOptions(refresh=refresh, prune_excluded=prune_excluded, target=targets)
    settings = build.settings_of(place.config)
    file = printable(str(output)) if output else ""
    errand = PlanCommand(mirrors=mirrors, how=how, file=file, as_json=as_json)
    done = carry_out(place, settings, errand)
    if output is not None and done.kept is not None:
        plan_file.write(output, done.kept)
        if not as_json:
            click.echo(f"saved: {file}")
    return done.exit
