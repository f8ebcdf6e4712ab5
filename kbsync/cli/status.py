"""`kbsync status`: what is where."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from kbsync.cli import CliContext, warn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kbsync.app.status import MirrorOverview
    from kbsync.cli.daemon_status import DaemonView
    from kbsync.config import Settings
    from kbsync.messages import Notice


@click.command(
    help="Show every mirror and its documents by state, as the ledger knows them, and what the "
    "daemon does, if one runs."
)
@click.option("--failed", is_flag=True, help="Name each document that failed or was refused.")
@click.option("--foreign", is_flag=True, help="Name each document that kbsync did not make.")
@click.option(
    "--running",
    is_flag=True,
    help="Show the daemon alone; exit code 1 when none answers: a health check.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def command(place: CliContext, failed: bool, foreign: bool, running: bool, as_json: bool) -> int:
    """Print the overview."""
    from kbsync.cli import daemon_status  # noqa: PLC0415
    from kbsync.config import load  # noqa: PLC0415 - less to load than `app`: a check is frequent

    settings = load(place.config, os.environ)
    found = daemon_status.ask(settings)
    if running:
        return daemon_status.show_alone(settings, found, as_json=as_json)
    _show(settings, found, failed=failed, foreign=foreign, as_json=as_json)
    return 0


def _show(
    settings: Settings, found: DaemonView | None, *, failed: bool, foreign: bool, as_json: bool
) -> None:
    from kbsync.app import build  # noqa: PLC0415
    from kbsync.app.config_drift import changes  # noqa: PLC0415
    from kbsync.app.status import overview  # noqa: PLC0415

    with build.ledger_to_read(settings) as ledger:
        mirrors = list(overview(settings, ledger, foreign=foreign))
        changed = list(changes(settings, ledger)) if ledger else []
        paused = ledger.paused() if ledger else {}
    if as_json:
        _json(mirrors, changed, found, paused)
        return
    warn(changed)
    for line in found.lines() if found else ():
        click.echo(line)
    for each in mirrors:
        _text(each, failed)
        if found is None and each.name in paused:
            click.echo("  paused for the daemon\n  next: kbsync resume")
        for line in found.mirror_lines(each.name) if found else ():
            click.echo(f"  {line}")


def _json(
    mirrors: Sequence[MirrorOverview],
    changed: Sequence[Notice],
    found: DaemonView | None,
    paused: dict[str, float],
) -> None:
    import json  # noqa: PLC0415

    shown = []
    for each in mirrors:
        failures = [
            {"path": f.key.path, "state": f.state, "code": f.code, "reason": f.sentence}
            for f in each.failures
        ]
        told = {name: value for name, value in asdict(each).items() if value is not None}
        more = {"failures": failures, "paused": each.name in paused}
        shown.append({"base_id": None, **told, **more})
    warnings = [{"code": each.code, "text": each.text, "next": each.next} for each in changed]
    daemon = found.told if found else None
    click.echo(json.dumps({"mirrors": shown, "warnings": warnings, "daemon": daemon}))


def _text(each: MirrorOverview, failed: bool) -> None:
    from kbsync.messages import printable  # noqa: PLC0415

    told = ", ".join(f"{number} {state}" for state, number in each.documents.items() if number)
    foreign = f"; {each.foreign} foreign" if each.foreign else ""
    where = f"{printable(each.source)} → {printable(each.knowledge_base)} at {each.server}"
    click.echo(f"{each.name}: {told or 'nothing yet'}{foreign}  ({where})")
    for document in each.foreign_documents or ():
        click.echo(f"  foreign: {printable(document.name)}  (document {printable(document.id)})")
    if not failed and each.failures:
        click.echo("  next: kbsync status --failed")
    for failure in each.failures if failed else ():
        sentence = printable(failure.sentence)
        click.echo(f"  {failure.state}: {printable(failure.key.path)}: {sentence} [{failure.code}]")
        click.echo(f"    next: kbsync explain {printable(failure.key.path)}")
