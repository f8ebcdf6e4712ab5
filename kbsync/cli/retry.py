"""`kbsync retry`: try again what failed or was refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from kbsync.cli import Place

if TYPE_CHECKING:
    from kbsync.passes import Applied


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
    place: Place, paths: tuple[str, ...], mirror: str | None, wait: bool, as_json: bool
) -> int:
    """Forgive, plan those files, and carry the plan out."""
    import anyio  # noqa: PLC0415

    from kbsync import app, logs, passes  # noqa: PLC0415
    from kbsync.cli import closing  # noqa: PLC0415
    from kbsync.cli.progress import progress  # noqa: PLC0415

    logs.configure(place.log_level)

    async def retried() -> Applied:
        settings = app.settings_of(place.config)
        async with app.opened(settings, only=[mirror] if mirror else []) as opened:
            plans = await passes.plan_again(opened.engines, opened.ledger, paths)
            with progress(passes.whole(plans), quiet=as_json) as observe:
                return await passes.apply_all(plans, wait=wait, observe=observe)

    done = anyio.run(retried)
    closing.show(done, as_json=as_json)
    return done.exit
