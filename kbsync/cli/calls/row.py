"""One call of the knowledge API as a row of a table, and what was typed for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import click

if TYPE_CHECKING:
    from kbsync.dify.client import DifyClient
    from kbsync.model import Outcome

T = TypeVar("T")


class Given:
    """What was typed for one call, asked for by type. Names are ids already."""

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

    def told(self, **names: str) -> dict[str, object]:
        """Return what was given of `names`, under the API's own names (the keywords)."""
        found = {wire: self._words[name] for wire, name in names.items()}
        return {wire: value for wire, value in found.items() if value not in (None, ())}

    def _of(self, name: str, kind: type[T]) -> T:
        value = self._words[name]
        if not isinstance(value, kind):
            raise TypeError(f"{name} is a {type(value).__name__}, not a {kind.__name__}")
        return value


Ask = Callable[["DifyClient", Given], Awaitable["Outcome[object]"]]


@dataclass(frozen=True, slots=True)
class Row:
    """One call.

    Args:
        verb: what is typed behind the group.
        help: one sentence.
        parameters: what it takes; `base`, `document`, `documents` and `field` may be given as ids
            or exact names and are ids when `ask` gets them.
        ask: makes the call.
        done: what is printed when the reply has no content; a template of what was typed.
        destroys: what is asked before; a template too. Empty for calls that ask nothing.
    """

    verb: str
    help: str
    parameters: tuple[click.Parameter, ...]
    ask: Ask
    done: str = "done"
    destroys: str = ""
