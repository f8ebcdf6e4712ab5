"""How a verb is declared: a dataclass whose fields are its arguments and options.

`kbsync.cli.command_line` makes the click command of it. Declarations import nothing heavy, so that
`kbsync VERB --help` is there at once; what a verb does is named as "module:function" and imported
when the verb is used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, Field, field, fields
from typing import Any, NamedTuple

import click

PARAMETER = "parameter"
GROUP = "group"

# Fields are declared with `= option(...)`; only a loose type lets them bear their own types.
Default = Any


def option(default: object, /, *names: str, **words: Any) -> Default:
    """Declare a field as an option.

    Args:
        default: of the field; of the option too, unless `words` has another, as it is typed.
        names: as typed, such as ``--target``.
        words: as `click.Option` takes them.
    """

    def parameter(name: str) -> click.Parameter:
        # The last name, which is no option, is the keyword click hands the value over by.
        return click.Option([*names, name], **{"default": default, **words})

    return field(default=default, metadata={PARAMETER: parameter})


def flag(*names: str, help: str) -> Default:
    """Declare a field that is true when the option is given."""
    return option(False, *names, is_flag=True, help=help)


def argument(default: object = MISSING, /, **words: Any) -> Default:
    """Declare a field as an argument; without a default it has to be given.

    Args:
        default: of the field.
        words: as `click.Argument` takes them.
    """

    def parameter(name: str) -> click.Parameter:
        return click.Argument([name], **{"required": default is MISSING, **words})

    # Click takes no default of an argument that may be repeated; the field has it.
    known = {} if default is MISSING else {"default": default}
    return field(**known, metadata={PARAMETER: parameter})  # type: ignore[call-overload]


def options(kind: type) -> Default:
    """Declare a field as a dataclass of options that several verbs share."""
    return field(default_factory=kind, metadata={GROUP: kind})


class Time(click.ParamType):  # type: ignore[type-arg]
    """A duration as configurations have it, in seconds; nothing typed means no bound."""

    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float | None:
        """Return the seconds."""
        from kbsync.config.types import seconds_of  # noqa: PLC0415 - it loads much

        if value == "":
            return None
        seconds = seconds_of(value)
        if seconds is None or seconds <= 0:
            self.fail(f"{value!r} is no duration such as 30s, 10m or 1h", param, ctx)
        return seconds


class VerbGroup(NamedTuple):
    """Verbs that are typed behind a common word, such as `mirror rename`."""

    help: str
    verbs: Mapping[str, type]


def parameters_of(verb: type) -> Iterator[click.Parameter]:
    """Yield what a declared verb takes, in the order of its fields."""
    for each in fields(verb):
        if GROUP in each.metadata:
            yield from parameters_of(each.metadata[GROUP])
        elif PARAMETER in each.metadata:
            yield _parameter(each)(each.name)


def words_of(verb: type, typed: Mapping[str, object]) -> dict[str, object]:
    """Return what was typed as the fields of `verb`: options of a group stand in the group."""
    words: dict[str, object] = {}
    for each in fields(verb):
        if GROUP in each.metadata:
            kind = each.metadata[GROUP]
            words[each.name] = kind(**words_of(kind, typed))
        elif PARAMETER in each.metadata:
            words[each.name] = typed[each.name]
    return words


def _parameter(declared: Field[Any]) -> Callable[[str], click.Parameter]:
    made: Callable[[str], click.Parameter] = declared.metadata[PARAMETER]
    return made
