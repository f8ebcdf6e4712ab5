"""`kbsync apply`: make the knowledge bases mirror their folders, once."""

from __future__ import annotations

import click

from kbsync.cli import CliContext


@click.command(
    help="Upload, update and delete until the knowledge bases mirror their folders. "
    "WORDS are names of mirrors (all when none are named), or one file that `kbsync plan -o FILE` "
    "saved: then exactly that plan is carried out, or refused when the world moved on. "
    "Exit code: 0 converged, 3 some failed, in conflict or held, 4 halted by the guard, "
    "6 still indexing (with --no-wait)."
)
@click.argument("words", nargs=-1)
@click.option("--refresh/--no-refresh", default=True, help="List the knowledge bases first.")
@click.option("--wait/--no-wait", default=True, help="Wait until everything is indexed.")
@click.option("--prune-excluded", is_flag=True, help="Delete what the filters leave out now.")
@click.option(
    "--target",
    "targets",
    metavar="GLOB",
    multiple=True,
    help="Only paths this gitignore pattern matches, relative to the source; may be repeated.",
)
@click.option(
    "--release",
    "releases",
    metavar="DIGEST",
    multiple=True,
    help="Agree to what the guard held back, by the digest it printed.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object at the end.")
@click.pass_obj
def command(
    place: CliContext,
    words: tuple[str, ...],
    refresh: bool,
    wait: bool,
    prune_excluded: bool,
    targets: tuple[str, ...],
    releases: tuple[str, ...],
    as_json: bool,
) -> int:
    """Read the plan that was named, if one was, and have the pass made."""
    from kbsync.app import build, plan_file  # noqa: PLC0415
    from kbsync.cli.dispatch import carry_out  # noqa: PLC0415
    from kbsync.commands.apply import apply_of  # noqa: PLC0415

    settings = build.settings_of(place.config)
    told = plan_file.PlanOptions(refresh=refresh, prune_excluded=prune_excluded, target=targets)
    asked = plan_file.asked(settings, words, told)
    errand = apply_of(asked, releases=releases, wait=wait, as_json=as_json)
    return carry_out(place, settings, errand).exit
