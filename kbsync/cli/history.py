"""`kbsync history`: what was done."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from kbsync.app import build
from kbsync.cli.command_line import CliContext
from kbsync.cli.local_verbs import ShowHistory
from kbsync.messages import moment, printable


def history(verb: ShowHistory, context: CliContext) -> None:
    """Print journal lines."""
    settings = build.settings_of(context.config)
    with build.ledger_to_read(settings) as ledger:
        lines = (
            ledger.history(verb.mirror, verb.path, limit=verb.limit, before=verb.before)
            if ledger
            else ()
        )
    if verb.as_json:
        click.echo(json.dumps({"lines": [{"number": n, **asdict(line)} for n, line in lines]}))
        return
    for number, line in lines:
        at = moment(line.at)
        detail = f"  {printable(line.detail)}" if line.detail else ""
        click.echo(
            f"{number} {at} {line.mirror} {line.action} {line.outcome} {line.milliseconds} ms "
            f"{printable(line.path)}{detail}"
        )
