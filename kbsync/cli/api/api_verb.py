"""A call of the knowledge API as one declaration, and the click commands made of a table of them.

Nothing heavy is imported here, so that `kbsync kb --help` is there at once; `call` and `workflows`
are loaded when a call is made.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import click

from kbsync.cli.api.examples import EXAMPLES
from kbsync.cli.command_line import CliContext, TypedCommand, TypedGroup
from kbsync.lazy_dataclass import dataclass

if TYPE_CHECKING:
    from kbsync.dify.client import DifyClient
    from kbsync.dify.schemas import ListPage
    from kbsync.model import Outcome

T = TypeVar("T")

SERVER = click.Option(["--server"], metavar="NAME", help="Which server, when there are several.")
JSON = click.Option(["--json", "as_json"], is_flag=True, help="Print the reply as JSON.")
YES = click.Option(["--yes", "sure"], is_flag=True, help="Do not ask.")
IN_A_PIPE = "In a pipe: rows with tabs between the cells, no names above; --json names each cell."


class Arguments:
    """What was typed for one call, by name and type. Bases, documents and fields are ids."""

    def __init__(self, words: Mapping[str, object]) -> None:
        self._words = words

    def __getitem__(self, name: str) -> str:
        """Return an argument that has to be there."""
        return self._of(name, str)

    def text(self, name: str) -> str | None:
        """Return an option, None when it was not given."""
        return None if self._words[name] is None else self._of(name, str)

    def number(self, name: str) -> int:
        """Return a whole number."""
        return self._of(name, int)

    def seconds(self, name: str) -> float:
        """Return a duration."""
        return self._of(name, float)

    def flag(self, name: str) -> bool:
        """Return a switch."""
        return self._of(name, bool)

    def texts(self, name: str) -> tuple[str, ...]:
        """Return an argument or option that may be given many times."""
        return tuple(str(each) for each in self._of(name, tuple))

    def mapping(self, name: str) -> Mapping[str, object] | None:
        """Return an option that is a JSON object."""
        return None if self._words[name] is None else self._of(name, dict)

    def given(self, **names: str) -> dict[str, object]:
        """Return those of `names` that were given, under the API's own names (the keywords)."""
        found = {wire: self._words[name] for wire, name in names.items()}
        return {wire: value for wire, value in found.items() if value not in (None, ())}

    def _of(self, name: str, kind: type[T]) -> T:
        value = self._words[name]
        if not isinstance(value, kind):
            raise TypeError(f"{name} is a {type(value).__name__}, not a {kind.__name__}")
        return value


Call = Callable[["DifyClient", Arguments], Awaitable["Outcome[Any]"]]
PageCall = Callable[["DifyClient", Arguments, int, int], Awaitable["Outcome[ListPage[Any]]"]]


@dataclass(frozen=True, slots=True)
class ApiVerb:
    """One call.

    Args:
        verb: what is typed behind the group.
        help: one sentence.
        parameters: what it takes; `base`, `document`, `documents` and `field` may be given as ids
            or exact names and are ids when the call is made.
        call: makes the call.
        page: makes a call that lists, given number and rows of the page; instead of `call`.
        done: what is printed when the reply has no content; a template of what was typed.
        destroys: the question before the call; a template too. Empty for calls without one.
    """

    verb: str
    help: str
    parameters: tuple[click.Parameter, ...]
    call: Call | None = None
    page: PageCall | None = None
    done: str = "done"
    destroys: str = ""


def workflow(name: str) -> Call:
    """Return the function `name` of `workflows`, which is loaded when it is called."""

    def call(api: DifyClient, args: Arguments) -> Awaitable[Outcome[Any]]:
        made: Awaitable[Outcome[Any]] = pkgutil.resolve_name(f"kbsync.cli.api.workflows:{name}")(
            api, args
        )
        return made

    return call


def group_of(name: str, help: str, verbs: Iterable[ApiVerb]) -> click.Group:
    """Return the command group `name` with one command for each call."""
    return TypedGroup(name, help=help, commands=[_command(name, verb) for verb in verbs])


def _command(group: str, verb: ApiVerb) -> click.Command:
    def callback(**words: object) -> int:
        context = click.get_current_context().find_object(CliContext)
        code: int = pkgutil.resolve_name("kbsync.cli.api.call:run")(context, group, verb, words)
        return code

    # On a terminal the columns have their names above them.
    listing = f" {IN_A_PIPE}" if verb.page is not None else ""
    more = [SERVER, JSON, YES] if verb.destroys else [SERVER, JSON]
    return TypedCommand(
        verb.verb,
        params=[*verb.parameters, *more],
        callback=callback,
        help=verb.help + listing,
        short_help=verb.help,
        examples=[f"kbsync {group} {line}" for line in EXAMPLES[group][verb.verb]],
    )
