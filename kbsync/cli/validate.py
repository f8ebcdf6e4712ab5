"""`kbsync validate`: check the configuration, the sources and the servers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import click

from kbsync.app import build
from kbsync.cli import machine, output, server_checks, waiting
from kbsync.cli.command_line import CliContext
from kbsync.cli.local_verbs import Validate
from kbsync.config.machine_checks import check
from kbsync.messages import Exit, Notice, Problem


def validate(verb: Validate, context: CliContext) -> int:
    """Look, and print one line per finding."""
    here: Sequence[Notice]
    there: Sequence[Notice] = ()
    try:
        settings = build.settings_of(context.config)
        here = [*check(settings), *machine.findings(settings)]
        if not verb.offline:
            there = waiting.run(partial(server_checks.check_servers, settings))
    except Problem as problem:
        here = problem.notices
    _show(here, there, verb.as_json)
    # Faults here come first: they are often the cause of those there.
    if any(map(output.wrong, here)):
        return Exit.USAGE
    return Exit.REFUSED if any(map(output.wrong, there)) else Exit.OK


def _show(here: Sequence[Notice], there: Sequence[Notice], as_json: bool) -> None:
    found = [*here, *there]
    if as_json:
        rows = output.as_rows(found)
        output.as_json({"sound": not any(map(output.wrong, found)), "findings": rows})
        return
    for line in output.lines(found):
        click.echo(line)
