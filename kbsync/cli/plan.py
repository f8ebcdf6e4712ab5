"""`kbsync plan`: show what would be done."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from kbsync.cli import Place, warn

if TYPE_CHECKING:
    from kbsync.passes import Planning


@click.command(help="Show what `apply` would do. Exit code: 0 nothing to do, 2 changes.")
@click.argument("mirrors", nargs=-1)
@click.option("--refresh/--no-refresh", default=True, help="List the knowledge bases first.")
@click.option("--prune-excluded", is_flag=True, help="Delete what the filters leave out now.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def command(
    place: Place, mirrors: tuple[str, ...], refresh: bool, prune_excluded: bool, as_json: bool
) -> int:
    """Plan all mirrors and print the plans as one."""
    import anyio  # noqa: PLC0415

    from kbsync import app, passes  # noqa: PLC0415
    from kbsync.messages import Exit  # noqa: PLC0415

    async def planned() -> list[Planning]:
        settings = app.settings_of(place.config)
        warn(app.warnings(settings))
        async with app.opened(settings, only=mirrors, prune_excluded=prune_excluded) as opened:
            return await passes.plan_all(opened.engines, listing=refresh)

    plans = anyio.run(planned)
    _show(plans, as_json)
    halts = passes.halts_of(plans)
    if halts:
        return passes.gravest([halt.problem.exit for halt in halts])
    return Exit.CHANGES if passes.whole(plans).changes else Exit.OK


def _show(plans: list[Planning], as_json: bool) -> None:
    import json  # noqa: PLC0415

    from kbsync import passes  # noqa: PLC0415
    from kbsync.planning import render  # noqa: PLC0415

    plan = passes.whole(plans)
    halts = passes.halts_of(plans)
    if as_json:
        problems = [
            {"mirror": h.mirror, "code": h.problem.notice.code, "reason": h.problem.notice.text}
            for h in halts
        ]
        click.echo(json.dumps({**render.as_json(plan), "problems": problems}))
    else:
        for line in render.as_text(plan):
            click.echo(line)
    for halt in halts:
        click.echo(f"kbsync: mirror {halt.mirror}: {halt.problem}", err=True)
