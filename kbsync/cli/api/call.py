"""One call by hand: asked about, made and shown; all calls alike."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import click
from pydantic_core import to_jsonable_python

from kbsync.app import build
from kbsync.cli import local_context, output, waiting
from kbsync.cli.api import rendering
from kbsync.cli.api.api_verb import ApiVerb, Arguments
from kbsync.cli.api.ids import with_ids
from kbsync.cli.api.outcome import value_of
from kbsync.cli.command_line import CliContext
from kbsync.commands.patience import Patience
from kbsync.config import Settings
from kbsync.dify.client import DifyClient
from kbsync.dify.paging import PAGE_LIMIT, all_rows
from kbsync.dify.schemas import ListPage
from kbsync.messages import Exit, Problem, printable
from kbsync.messages import command as say
from kbsync.model import Done, Outcome


def run(context: CliContext, group: str, verb: ApiVerb, words: dict[str, Any]) -> int:
    """Make the call `kbsync GROUP VERB` and print the reply; return the exit code.

    Raises:
        Problem: it failed.
    """
    server, as_json = words.pop("server"), words.pop("as_json")
    # The question comes before anything is opened: a no costs nothing.
    if verb.destroys and not words.pop("sure") and not _confirmed(verb, words):
        click.echo("nothing was deleted", err=True)
        return Exit.FAULT
    reply = waiting.run(partial(_reply, context, group, verb, words, server))
    if as_json:
        output.as_json({"result": "success"} if reply is None else to_jsonable_python(reply))
    else:
        rendering.reply(reply, _filled(verb.done, words))
    return Exit.OK


async def _reply(
    context: CliContext,
    group: str,
    verb: ApiVerb,
    words: dict[str, Any],
    server: str | None,
    patience: Patience,
) -> object:
    settings = build.settings_of(context.config)
    async with build.client(settings, server_named(settings, server)) as api:
        patience.watch_calls(api.waits)
        args = Arguments(await with_ids(api, words))
        return value_of(await _outcome(api, verb, args), group, verb.verb)


def _outcome(api: DifyClient, verb: ApiVerb, args: Arguments) -> Awaitable[Outcome[Any]]:
    if verb.page is not None:
        list_page = verb.page
        return _listed(args, lambda page, limit: list_page(api, args, page, limit))
    assert verb.call is not None  # noqa: S101 - a verb has one or the other
    return verb.call(api, args)


async def _listed(
    args: Arguments, list_page: Callable[[int, int], Awaitable[Outcome[ListPage[Any]]]]
) -> Outcome[ListPage[Any]]:
    """Return the page that was asked for, or with ``--all`` all pages as one."""
    if not args.flag("every"):
        return await list_page(args.number("page"), args.number("limit"))
    found = await all_rows(lambda number: list_page(number, PAGE_LIMIT))
    return Done(ListPage.whole(found.value)) if isinstance(found, Done) else found


def _confirmed(verb: ApiVerb, words: dict[str, Any]) -> bool:
    return local_context.ask(_filled(verb.destroys, words))


def _filled(template: str, words: dict[str, Any]) -> str:
    return template.format_map({name: printable(str(value)) for name, value in words.items()})


def server_named(settings: Settings, name: str | None) -> str:
    """Return the name of the server that is meant.

    Raises:
        Problem: there are several and none was named, or none is called so.
    """
    known = list(settings.servers)
    if name is not None and name not in known:
        raise Problem(say.NO_SUCH_SERVER(server=name, known=", ".join(known)))
    if name is None and len(known) > 1:
        raise Problem(say.SERVER_NOT_NAMED(first=known[0], known=known))
    return known[0] if name is None else name
