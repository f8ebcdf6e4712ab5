"""`kbsync apply`: make the knowledge bases mirror their folders, once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from kbsync.cli import Place, warn

if TYPE_CHECKING:
    from kbsync.passes import Applied


@click.command(
    help="Upload, update and delete until the knowledge bases mirror their folders. "
    "Exit code: 0 converged, 3 some failed, in conflict or held, 4 halted by the guard, "
    "6 still indexing (with --no-wait)."
)
@click.argument("mirrors", nargs=-1)
@click.option("--refresh/--no-refresh", default=True, help="List the knowledge bases first.")
@click.option("--wait/--no-wait", default=True, help="Wait until everything is indexed.")
@click.option("--prune-excluded", is_flag=True, help="Delete what the filters leave out now.")
@click.option("--release", metavar="DIGEST", help="Let a halted set of removals go.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object at the end.")
@click.pass_obj
def command(
    place: Place,
    mirrors: tuple[str, ...],
    refresh: bool,
    wait: bool,
    prune_excluded: bool,
    release: str | None,
    as_json: bool,
) -> int:
    """Plan all mirrors, carry the plans out, and report."""
    import anyio  # noqa: PLC0415

    from kbsync import app, logs, passes  # noqa: PLC0415
    from kbsync.cli import closing  # noqa: PLC0415
    from kbsync.cli.progress import progress  # noqa: PLC0415

    logs.configure(place.log_level)

    async def applied() -> Applied:
        settings = app.settings_of(place.config)
        warn(app.warnings(settings))
        async with app.opened(settings, only=mirrors, prune_excluded=prune_excluded) as opened:
            plans = await passes.plan_all(opened.engines, listing=refresh, release=release)
            with progress(passes.whole(plans), quiet=as_json) as observe:
                return await passes.apply_all(plans, wait=wait, observe=observe)

    done = anyio.run(applied)
    closing.show(done, as_json=as_json)
    return done.exit
