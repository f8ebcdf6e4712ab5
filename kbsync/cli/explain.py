"""`kbsync explain PATH`: the decision for one file, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from kbsync.cli import Place

if TYPE_CHECKING:
    from kbsync.planning.explain import Explanation


@click.command(help="Show what is known of one file on all three sides, and what follows.")
@click.argument("path")
@click.option("--mirror", help="Which mirror, when several have such a path.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def command(place: Place, path: str, mirror: str | None, as_json: bool) -> int:
    """Explain one path."""
    import anyio  # noqa: PLC0415

    from kbsync import app  # noqa: PLC0415
    from kbsync.planning.explain import explained  # noqa: PLC0415

    settings = app.settings_of(place.config)
    name, inside = app.whose(settings, path, mirror)

    async def asked() -> Explanation:
        async with app.opened(settings, only=[name]) as opened:
            case, action = await opened.engines[0].explain(inside)
            return explained(case, action)

    explanation = anyio.run(asked)
    if as_json:
        import json  # noqa: PLC0415

        click.echo(json.dumps(explanation.as_json()))
        return 0
    for line in explanation.lines():
        click.echo(line)
    return 0
