"""`kbsync history`: what was done."""

from __future__ import annotations

from dataclasses import asdict

import click

from kbsync.cli import CliContext


@click.command(help="Show the journal, newest first: every remote change that was made or tried.")
@click.argument("path", required=False)
@click.option("--mirror", help="Only this mirror.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 100_000))
@click.option("--before", type=int, help="Only lines with a smaller number.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def command(
    place: CliContext,
    path: str | None,
    mirror: str | None,
    limit: int,
    before: int | None,
    as_json: bool,
) -> int:
    """Print journal lines."""
    import json  # noqa: PLC0415
    from datetime import UTC, datetime  # noqa: PLC0415

    from kbsync.app import build  # noqa: PLC0415
    from kbsync.messages import printable  # noqa: PLC0415

    settings = build.settings_of(place.config)
    with build.ledger_to_read(settings) as ledger:
        lines = ledger.history(mirror, path, limit=limit, before=before) if ledger else ()
    if as_json:
        click.echo(json.dumps({"lines": [{"number": n, **asdict(line)} for n, line in lines]}))
        return 0
    for number, line in lines:
        at = datetime.fromtimestamp(line.at, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
        detail = f"  {printable(line.detail)}" if line.detail else ""
        click.echo(
            f"{number} {at} {line.mirror} {line.action} {line.outcome} {line.milliseconds} ms "
            f"{printable(line.path)}{detail}"
        )
    return 0
