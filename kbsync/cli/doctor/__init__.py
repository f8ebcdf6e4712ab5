"""`kbsync doctor`: diagnose configuration, machine, ledger and servers; change nothing."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import click

from kbsync.app import all_mirrors, build
from kbsync.cli import machine, output, server_checks, waiting
from kbsync.cli.command_line import CliContext
from kbsync.cli.doctor import disks, ledgers, servers
from kbsync.cli.doctor.temporary import temporary_room
from kbsync.cli.local_verbs import Doctor
from kbsync.config import Settings
from kbsync.config.machine_checks import check
from kbsync.messages import Exit, Notice, Problem

Checks = dict[str, Sequence[Notice]]


def doctor(verb: Doctor, context: CliContext) -> int:
    """Examine, and print one line per check."""
    try:
        checks = _examine(build.settings_of(context.config), verb.offline)
    except Problem as problem:
        checks = {"configuration": problem.notices}
    found = [notice for notices in checks.values() for notice in notices]
    _show(checks, found, verb.as_json)
    return all_mirrors.gravest([_exit(name, each) for name in checks for each in checks[name]])


def _exit(check: str, found: Notice) -> Exit:
    """Return the exit code of a finding; whatever a server does wrong has that of a server."""
    own = found.code.startswith("KB-D")
    if check == "servers" and found.message.exit is Exit.FAULT and not own:
        return Exit.REFUSED
    return found.message.exit


def _examine(settings: Settings, offline: bool) -> Checks:
    here = list(machine.findings(settings))
    checks: Checks = {
        "configuration": check(settings),
        "limits": list(servers.limits(settings)),
        "file system": [*disks.sources(settings), *temporary_room(settings)],
        "watches": list(disks.watches(settings)),
        "machine": here,
        # A fault is said once.
        "ledger": [each for each in ledgers.ledger(settings) if each not in here],
    }
    if offline:
        return checks
    asked = partial(server_checks.check_servers, settings, examine=servers.examine)
    return checks | {"servers": waiting.run(asked)}


def _show(checks: Checks, found: Sequence[Notice], as_json: bool) -> None:
    if as_json:
        rows = [
            {"check": name, **row} for name, each in checks.items() for row in output.as_rows(each)
        ]
        output.as_json({"sound": not any(map(output.wrong, found)), "checks": rows})
        return
    for line in output.lines(found):
        click.echo(line)
