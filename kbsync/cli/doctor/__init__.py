"""`kbsync doctor`: diagnose configuration, machine, ledger and servers; change nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from kbsync.cli import CliContext, output
from kbsync.messages import Notice, Problem

if TYPE_CHECKING:
    from kbsync.config import Settings

Checks = dict[str, Sequence[Notice]]


@click.command(
    help="Look at everything a pass leans on, and say what is wrong and what to type: the file, "
    "the sources and what they are stored on, the ledger, every server and its knowledge bases, "
    "and whether a search finds what is there. Changes nothing. "
    "Exit code: 0 sound, 64 the file or this machine, 5 a server, 1 anything else."
)
@click.option("--offline", is_flag=True, help="Ask no server.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def command(place: CliContext, offline: bool, as_json: bool) -> int:
    """Examine, and print one line per check."""
    from kbsync.app import all_mirrors, build, logs  # noqa: PLC0415

    logs.configure(place.log_level)
    try:
        checks = _examine(build.settings_of(place.config), offline)
    except Problem as problem:
        checks = {"configuration": problem.notices}
    found = [notice for notices in checks.values() for notice in notices]
    _show(checks, found, as_json)
    return all_mirrors.gravest([each.message.exit for each in found if output.wrong(each)])


def _examine(settings: Settings, offline: bool) -> Checks:
    from kbsync.cli.doctor import disks, ledgers, servers  # noqa: PLC0415
    from kbsync.config.machine_checks import check  # noqa: PLC0415

    checks: Checks = {
        "configuration": check(settings),
        "limits": list(servers.limits(settings)),
        "file system": list(disks.sources(settings)),
        "watches": list(disks.watches(settings)),
        "ledger": list(ledgers.ledger(settings)),
    }
    return checks if offline else checks | {"servers": _asked(settings)}


def _asked(settings: Settings) -> list[Notice]:
    import anyio  # noqa: PLC0415

    from kbsync.cli.doctor.servers import closer  # noqa: PLC0415
    from kbsync.cli.server_checks import asked  # noqa: PLC0415

    return anyio.run(asked, settings, closer)


def _show(checks: Checks, found: Sequence[Notice], as_json: bool) -> None:
    from kbsync.cli import output  # noqa: PLC0415

    if as_json:
        rows = [
            {"check": name, **row} for name, each in checks.items() for row in output.as_rows(each)
        ]
        output.as_json({"sound": not any(map(output.wrong, found)), "checks": rows})
        return
    for line in output.lines(found):
        click.echo(line)
