"""Declared verbs as click commands: what is typed becomes a declaration, which its `work` gets."""

from __future__ import annotations

import pkgutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import click

from kbsync.commands.declaration import VerbGroup, parameters_of, words_of


@dataclass(frozen=True, slots=True)
class CliContext:
    """What is given before the verb: where the configuration is, and what to log."""

    config: Path
    log_level: str | None = None


@dataclass(frozen=True, kw_only=True)
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
    click_settings: ClassVar[dict[str, object]] = {}


def command_of(name: str, declared: object) -> click.Command:
    """Return the click command of a declared verb or group of verbs."""
    if isinstance(declared, click.Command):
        return declared
    if isinstance(declared, VerbGroup):
        verbs = [command_of(each, verb) for each, verb in declared.verbs.items()]
        return click.Group(name, help=declared.help, commands=verbs)
    assert isinstance(declared, type)  # noqa: S101 - the table of verbs names nothing else
    return _verb(name, declared)


def _verb(name: str, verb: type) -> click.Command:
    def callback(**typed: object) -> int | None:
        context = click.get_current_context().find_object(CliContext)
        assert context is not None  # noqa: S101 - the command before the verb puts it there
        words = words_of(verb, typed)
        if issubclass(verb, LocalVerb):
            code: int | None = pkgutil.resolve_name(verb.work)(verb(**words), context)
        else:
            code = pkgutil.resolve_name("kbsync.cli.dispatch:run")(verb, words, context)
        return code

    parameters: Sequence[click.Parameter] = list(parameters_of(verb))
    more = getattr(verb, "click_settings", {})
    return click.Command(name, params=list(parameters), callback=callback, help=verb.help, **more)  # type: ignore[attr-defined]
