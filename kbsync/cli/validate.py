"""`kbsync validate`: check the configuration, the sources and the servers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from kbsync.cli import Place, findings
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
def command(place: Place, offline: bool, as_json: bool) -> int:
    """Look, and print one line per finding."""
    from kbsync import app, logs  # noqa: PLC0415
    from kbsync.config.disk import check  # noqa: PLC0415

    logs.configure(place.log_level)
    here: Sequence[Notice]
    there: Sequence[Notice] = ()
    try:
        settings = app.settings_of(place.config)
        here = check(settings)
        there = () if offline else _ask(settings)
    except Problem as problem:
        here = problem.notices
    _show(here, there, as_json)
    if any(map(findings.wrong, here)):
        return Exit.USAGE
    return Exit.REFUSED if any(map(findings.wrong, there)) else Exit.OK


def _ask(settings: Settings) -> list[Notice]:
    import anyio  # noqa: PLC0415

    from kbsync.cli.asked import asked  # noqa: PLC0415

    return anyio.run(asked, settings)


def _show(here: Sequence[Notice], there: Sequence[Notice], as_json: bool) -> None:
    from kbsync.cli import show  # noqa: PLC0415

    found = [*here, *there]
    if as_json:
        rows = findings.as_rows(found)
        show.as_json({"sound": not any(map(findings.wrong, found)), "findings": rows})
        return
    for line in findings.lines(found):
        click.echo(line)
