"""`kbsync status`: what is where."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from kbsync.cli import daemon_status, output
from kbsync.cli.command_line import CliContext
from kbsync.cli.daemon_status import DaemonView
from kbsync.cli.local_verbs import Status
from kbsync.config import Settings, load
from kbsync.messages import Exit, Notice, printable

if TYPE_CHECKING:
    from kbsync.app.status import MirrorOverview


def status(verb: Status, context: CliContext) -> int:
    """Print the overview."""
    settings = load(context.config, os.environ)
    found = daemon_status.ask(settings)
    if verb.running:
        return daemon_status.show_alone(settings, found, as_json=verb.as_json)
    _show(verb, settings, found)
    return Exit.OK


def _show(verb: Status, settings: Settings, found: DaemonView | None) -> None:
    # A health check types `status --running` every few seconds: what is loaded here takes 0.1 s,
    # a quarter of its time.
    from kbsync.app import build  # noqa: PLC0415
    from kbsync.app.config_drift import changes  # noqa: PLC0415
    from kbsync.app.status import overview  # noqa: PLC0415

    with build.ledger_to_read(settings) as ledger:
        mirrors = list(overview(settings, ledger, foreign=verb.foreign))
        changed = list(changes(settings, ledger)) if ledger else []
        paused = ledger.paused() if ledger else {}
    if verb.as_json:
        _json(mirrors, changed, found, paused)
        return
    output.warn(changed)
    for line in found.lines() if found else ():
        click.echo(line)
    for each in mirrors:
        _text(each, verb.failed)
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
    shown = []
    for each in mirrors:
        failures = [
            {"path": f.key.path, "state": f.state, "code": f.code, "reason": f.sentence}
            for f in each.failures
        ]
        known = {name: value for name, value in asdict(each).items() if value is not None}
        more = {"failures": failures, "paused": each.name in paused}
        shown.append({"base_id": None, **known, **more})
    warnings = [{"code": each.code, "text": each.text, "next": each.next} for each in changed]
    daemon = found.answer if found else None
    click.echo(json.dumps({"mirrors": shown, "warnings": warnings, "daemon": daemon}))


def _text(each: MirrorOverview, failed: bool) -> None:
    states = ", ".join(f"{number} {state}" for state, number in each.documents.items() if number)
    foreign = f"; {each.foreign} foreign" if each.foreign else ""
    where = f"{printable(each.source)} → {printable(each.knowledge_base)} at {each.server}"
    click.echo(f"{each.name}: {states or 'nothing yet'}{foreign}  ({where})")
    for document in each.foreign_documents or ():
        click.echo(f"  foreign: {printable(document.name)}  (document {printable(document.id)})")
    if not failed and each.failures:
        click.echo("  next: kbsync status --failed")
    for failure in each.failures if failed else ():
        sentence = printable(failure.sentence)
        click.echo(f"  {failure.state}: {printable(failure.key.path)}: {sentence} [{failure.code}]")
        click.echo(f"    next: kbsync explain {printable(failure.key.path)}")
