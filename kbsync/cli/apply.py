"""`kbsync apply`: make the knowledge bases mirror their folders, once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from kbsync.cli import Place, warn

if TYPE_CHECKING:
    from kbsync.passes import Applied


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
    place: Place,
    words: tuple[str, ...],
    refresh: bool,
    wait: bool,
    prune_excluded: bool,
    targets: tuple[str, ...],
    releases: tuple[str, ...],
    as_json: bool,
) -> int:
    """Plan all mirrors, carry the plans out, and report."""
    import anyio  # noqa: PLC0415

    from kbsync import app, logs, passes, savedplan  # noqa: PLC0415
    from kbsync.cli import closing  # noqa: PLC0415
    from kbsync.cli.progress import progress  # noqa: PLC0415

    logs.configure(place.log_level)

    async def applied() -> Applied:
        settings = app.settings_of(place.config)
        warn(app.warnings(settings))
        told = savedplan.How(refresh=refresh, prune_excluded=prune_excluded, target=targets)
        asked = savedplan.asked(settings, words, told)
        how = asked.how
        async with app.opened(
            settings, only=asked.mirrors, prune_excluded=how.prune_excluded
        ) as opened:
            read = passes.read_sets(opened.ledger, releases)
            fresh = await passes.plan_all(opened.engines, listing=how.refresh, wanted=how.wanted())
            plans = asked.agreed(fresh)
            with progress(passes.whole(plans), quiet=as_json) as observe:
                return await passes.apply_all(plans, wait=wait, observe=observe, read=read)

    done = anyio.run(applied)
    closing.show(done, as_json=as_json)
    return done.exit
