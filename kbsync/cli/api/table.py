"""A table of calls → a group of commands: all of them are asked, confirmed and shown alike."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from kbsync.cli import CliContext
from kbsync.cli.api.params import Given, Row
from kbsync.messages import Exit, printable

if TYPE_CHECKING:
    from kbsync.config import Settings

SERVER = click.Option(["--server"], metavar="NAME", help="Which server, when there are several.")
JSON = click.Option(["--json", "as_json"], is_flag=True, help="Print the reply as JSON.")
YES = click.Option(["--yes", "sure"], is_flag=True, help="Do not ask.")


class Table(click.Group):
    """Lists its commands in the order of the table."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the verbs as the table has them."""
        return list(self.commands)


def group_of(name: str, help: str, rows: Iterable[Row]) -> click.Group:
    """Return the command group `name` with one command for each row."""
    return Table(name, help=help, commands=[_command(name, row) for row in rows])


def _command(group: str, row: Row) -> click.Command:
    def callback(**words: object) -> int:
        place = click.get_current_context().find_object(CliContext)
        assert place is not None  # noqa: S101 - the command itself puts it there
        return _perform(place, group, row, words)

    own = [SERVER, JSON, YES] if row.destroys else [SERVER, JSON]
    return click.Command(
        row.verb,
        params=[*row.parameters, *own],
        callback=callback,
        help=row.help,
        short_help=row.help,
    )


def _perform(place: CliContext, group: str, row: Row, words: dict[str, object]) -> int:
    server, as_json = words.pop("server"), words.pop("as_json")
    if row.destroys and not words.pop("sure") and not _confirmed(_filled(row.destroys, words)):
        click.echo("nothing was deleted", err=True)
        return Exit.FAULT

    import anyio  # noqa: PLC0415
    from pydantic_core import to_jsonable_python  # noqa: PLC0415

    from kbsync.app import build, logs  # noqa: PLC0415
    from kbsync.cli import output  # noqa: PLC0415
    from kbsync.cli.api import rendering, resolve  # noqa: PLC0415
    from kbsync.cli.api.resolve import value_of  # noqa: PLC0415

    async def asked() -> object:
        settings = build.settings_of(place.config)
        async with build.client(settings, _server(settings, server)) as api:
            given = Given(await resolve.ids(api, words))
            return value_of(await row.ask(api, given), group, row.verb)

    logs.configure(place.log_level)
    reply = anyio.run(asked)
    if as_json:
        output.as_json({"result": "success"} if reply is None else to_jsonable_python(reply))
    else:
        rendering.reply(reply, _filled(row.done, words))
    return Exit.OK


def _filled(template: str, words: dict[str, object]) -> str:
    return template.format_map({name: printable(str(value)) for name, value in words.items()})


def _confirmed(question: str) -> bool:
    from kbsync.messages import Problem  # noqa: PLC0415
    from kbsync.messages import command as say  # noqa: PLC0415

    if not sys.stdin.isatty():
        raise Problem(say.NEEDS_YES(question=question))
    return click.confirm(question, err=True)


def _server(settings: Settings, told: object) -> str:
    """Return the name of the server that is meant.

    Raises:
        Problem: there are several and none was named.
    """
    from kbsync.messages import Problem  # noqa: PLC0415
    from kbsync.messages import command as say  # noqa: PLC0415

    known = list(settings.servers)
    if told is None and len(known) > 1:
        raise Problem(say.SERVER_UNTOLD(known=", ".join(known)))
    return known[0] if told is None else str(told)
