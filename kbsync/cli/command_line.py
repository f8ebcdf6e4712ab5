"""Declared verbs as click commands: what is typed becomes a declaration, which its `work` gets."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypeVar, dataclass_transform

import click

from kbsync.cli.usual_places import usual_file
from kbsync.commands.options import VerbGroup, parameters_of, words_of
from kbsync.messages import Problem
from kbsync.messages.advice import INVOCATION

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from kbsync.commands.base import Command

    Verb = type["LocalVerb"] | type[Command]

T = TypeVar("T")


class CliContext(NamedTuple):
    """What is given before the verb, or behind it: which configuration, and what to log.

    Args:
        named: the configuration file; None where a person leaves it to the usual places.
    """

    named: Path | None
    log_level: str | None = None
    log_format: str = "auto"

    @property
    def config(self) -> Path:
        """The configuration file, which an error may turn out not to be one.

        Raises:
            Problem: none was named, and none is in the usual places.
        """
        return usual_file() if self.named is None else self.named


class LocalVerb:
    """A verb that is done in the process it is typed in, whether a daemon runs or not.

    Attributes:
        help: what ``--help`` says.
        work: "module:function" that does it, given the verb and the `CliContext`; it returns the
            exit code.
        examples: lines as they are typed, for ``--help``.
        click_settings: more of what `click.Command` takes.
    """

    help: ClassVar[str]
    examples: ClassVar[tuple[str, ...]] = ()
    work: ClassVar[str]
    click_settings: ClassVar[dict[str, Any]] = {}


@dataclass_transform(kw_only_default=True)
def local_verb(kind: type[T]) -> type[T]:
    """Make the dataclass of a declaration."""
    # What compares, hashes and prints would never be used, and takes two thirds of the time.
    return dataclass(kw_only=True, eq=False, repr=False)(kind)


class TypedCommand(click.Command):
    """A verb with examples under its help; it takes the options of `cli` behind the verb too.

    Args:
        examples: lines as they are typed.
    """

    def __init__(self, *args: Any, examples: Iterable[str] = (), **words: Any) -> None:
        super().__init__(*args, **words)
        self.examples = tuple(examples)
        self.params.extend(common_options())

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples as they are, one a line."""
        if self.examples:
            with formatter.section("Examples"):
                for line in self.examples:
                    formatter.write(f"{'':{formatter.current_indent}}{line}\n")


class Sentence(TypedCommand):
    """A verb whose words may begin with a dash: an option of one letter counts only by itself."""

    def __init__(self, *args: Any, **words: Any) -> None:
        super().__init__(*args, **words)
        # `- each of them` would be read as options of one letter, one of which is -c.
        for option in self.params:
            option.opts[:] = [name for name in option.opts if name != "-c"]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the short options in their long form."""
        long = {"-h": "--help", "-c": "--config"}
        return super().parse_args(ctx, [long.get(word, word) for word in args])


class MirrorName(click.types.StringParamType):
    """A word that a shell completes with the names of the mirrors in the configuration."""

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Return the names that begin as was typed."""
        from kbsync.cli.completion import mirrors  # noqa: PLC0415 - only a shell asks for it

        return mirrors(ctx, incomplete)


class TypedGroup(click.Group):
    """Verbs behind a common word, in the order of their table; a wrong one is answered."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the verbs in their order."""
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the verb.

        Raises:
            Problem: there is none of this name.
        """
        known = self.list_commands(ctx)
        if args[0] not in known and not args[0].startswith("-") and not ctx.resilient_parsing:
            from kbsync.cli.wrong_words import no_verb  # noqa: PLC0415 - most words are right

            group = ctx.info_name if ctx.parent else ""
            raise Problem(no_verb(args[0], group or "", known))
        return super().resolve_command(ctx, args)


def common_options() -> list[click.Option]:
    """Return the options that `cli` has, for a verb that they are typed behind."""
    return [
        click.Option(
            ["-c", "--config"],
            type=click.Path(path_type=Path),
            expose_value=False,
            callback=_take_config,
            help="The configuration file; before the verb, too.",
        ),
        click.Option(
            ["--log-level"], type=LOG_LEVELS, expose_value=False, callback=_take_log, hidden=True
        ),
        click.Option(
            ["--log-format"], type=LOG_FORMATS, expose_value=False, callback=_take_log, hidden=True
        ),
    ]


LOG_LEVELS = click.Choice(["debug", "info", "warning"])
LOG_FORMATS = click.Choice(["auto", "text", "json"])


def _take_config(ctx: click.Context, option: click.Parameter, config: Path | None) -> None:
    given = ctx.find_object(CliContext)
    if config is None or given is None:
        return
    ctx.obj = given._replace(named=config)
    # Commands that are printed name the file before the verb, and only there.
    typed = INVOCATION.get()
    words = _without(typed.verb, option.opts, str(config))
    INVOCATION.set(replace(typed, config=str(config), verb=words))


def _take_log(ctx: click.Context, option: click.Parameter, value: str | None) -> None:
    given = ctx.find_object(CliContext)
    if value is None or given is None:
        return
    levels = option.name == "log_level"
    ctx.obj = given._replace(log_level=value) if levels else given._replace(log_format=value)
    # It takes time to load, which a verb that logs nothing need not pay.
    pkgutil.resolve_name("kbsync.app.logs:configure")(ctx.obj.log_level, ctx.obj.log_format)


def _without(words: tuple[str, ...], names: list[str], value: str) -> tuple[str, ...]:
    """Return `words` without an option and its value, in whatever way it was typed."""
    left: list[str] = []
    rest = iter(words)
    for word in rest:
        if word in names:
            next(rest, None)
        elif word not in (f"--config={value}", f"-c{value}"):
            left.append(word)
    return tuple(left)


def command_of(name: str, declared: click.Command | VerbGroup | Verb) -> click.Command:
    """Return the click command of a declared verb or group of verbs."""
    if isinstance(declared, click.Command):
        return declared
    if isinstance(declared, VerbGroup):
        verbs = [command_of(each, verb) for each, verb in declared.verbs.items()]
        return TypedGroup(name, help=declared.help, commands=verbs)
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

    parameters = list(parameters_of(verb))
    for each in parameters:
        if each.name in ("mirror", "mirrors"):
            each.type = MirrorName()
    more = dict(verb.click_settings) if issubclass(verb, LocalVerb) else {}
    kind = more.pop("cls", TypedCommand)
    made: click.Command = kind(
        name,
        params=parameters,
        callback=callback,
        help=verb.help,
        examples=verb.examples,
        **more,
    )
    return made
