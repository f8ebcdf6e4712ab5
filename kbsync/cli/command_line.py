"""Declared verbs as click commands: what is typed becomes a declaration, which its `work` gets."""

from __future__ import annotations

import pkgutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypeVar, dataclass_transform

import click

from kbsync.commands.options import VerbGroup, parameters_of, words_of

if TYPE_CHECKING:
    from kbsync.commands.base import Command

    Verb = type["LocalVerb"] | type[Command]

T = TypeVar("T")


class CliContext(NamedTuple):
    """What is given before the verb: where the configuration is, and what to log."""

    config: Path
    log_level: str | None = None
    log_format: str = "auto"


class LocalVerb:
    """A verb that is done in the process it is typed in, whether a daemon runs or not.

    Attributes:
        help: what ``--help`` says.
        work: "module:function" that does it, given the verb and the `CliContext`; it returns the
            exit code.
        click_settings: more of what `click.Command` takes.
    """

    help: ClassVar[str]
    work: ClassVar[str]
    click_settings: ClassVar[dict[str, Any]] = {}


@dataclass_transform(kw_only_default=True)
def local_verb(kind: type[T]) -> type[T]:
    """Make the dataclass of a declaration."""
    # What compares, hashes and prints would never be used, and takes two thirds of the time.
    return dataclass(kw_only=True, eq=False, repr=False)(kind)


def command_of(name: str, declared: click.Command | VerbGroup | Verb) -> click.Command:
    """Return the click command of a declared verb or group of verbs."""
    if isinstance(declared, click.Command):
        return declared
    if isinstance(declared, VerbGroup):
        verbs = [command_of(each, verb) for each, verb in declared.verbs.items()]
        return click.Group(name, help=declared.help, commands=verbs)
    return _command(name, declared)


def _command(name: str, verb: Verb) -> click.Command:
    def callback(**typed: object) -> int | None:
        context = click.get_current_context().find_object(CliContext)
        words = words_of(verb, typed)
        if issubclass(verb, LocalVerb):
            code: int | None = pkgutil.resolve_name(verb.work)(verb(**words), context)
        else:
            code = pkgutil.resolve_name("kbsync.cli.dispatch:run")(verb, words, context)
        return code

    more = verb.click_settings if issubclass(verb, LocalVerb) else {}
    parameters = list(parameters_of(verb))
    return click.Command(name, params=parameters, callback=callback, help=verb.help, **more)
