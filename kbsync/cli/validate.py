"""`kbsync validate`: check the configuration, the sources and the servers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from kbsync.cli import CliContext, output
from kbsync.messages import Exit, Notice, Problem

if TYPE_CHECKING:
    from kbsync.config import Settings


@click.command(
    help="Check the configuration, the folders and the servers; change nothing. "
    "Exit code: 0 sound, 64 something to correct in the file or on this machine, "
    "5 a server, its key or a knowledge base."
)
@click.option("--offline", is_flag=True, help="Ask no server.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def command(place: CliContext, offline: bool, as_json: bool) -> int:
    """Look, and print one line per finding."""
    from kbsync.app import build, logs  # noqa: PLC0415
    from kbsync.config.machine_checks import check  # noqa: PLC0415

    logs.configure(place.log_level)
    here: Sequence[Notice]
    there: Sequence[Notice] = ()
    try:
        settings = build.settings_of(place.config)
        here = check(settings)
        there = () if offline else _ask(settings)
    except Problem as problem:
        here = problem.notices
    _show(here, there, as_json)
    if any(map(output.wrong, here)):
        return Exit.USAGE
    return Exit.REFUSED if any(map(output.wrong, there)) else Exit.OK


def _ask(settings: Settings) -> list[Notice]:
    import anyio  # noqa: PLC0415

    from kbsync.cli.server_checks import asked  # noqa: PLC0415

    return anyio.run(asked, settings)


def _show(here: Sequence[Notice], there: Sequence[Notice], as_json: bool) -> None:
    from kbsync.cli import output  # noqa: PLC0415

    found = [*here, *there]
    if as_json:
        rows = output.as_rows(found)
        output.as_json({"sound": not any(map(output.wrong, found)), "findings": rows})
        return
    for line in output.lines(found):
        click.echo(line)
