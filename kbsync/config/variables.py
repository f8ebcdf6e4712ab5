"""`${NAME}`, `${NAME:-default}` and `$$` in one value, after YAML was parsed."""

from __future__ import annotations

import re
from collections.abc import Mapping

_REFERENCE = re.compile(
    r"\$(?:\$|\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}|\{)"
)


class UnsetError(LookupError):
    """A variable without a value and without a default."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(name)


class MalformedError(ValueError):
    """A `${` that names no variable."""


def substitute(text: str, environ: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
    """Return `text` with its variables filled in, and the names of the variables it names.

    As in a shell, a default stands in for a variable that is unset or empty. What a variable
    holds is never looked into again, so it cannot bring in YAML or further variables.

    Raises:
        UnsetError: a variable is not set and has no default.
        MalformedError: `${` without a name and its closing brace.
    """
    names: list[str] = []

    def value(found: re.Match[str]) -> str:
        if found[0] == "$$":
            return "$"
        name, default = found["name"], found["default"]
        if name is None:
            raise MalformedError
        names.append(name)
        if default is not None:
            return environ.get(name) or default
        if name not in environ:
            raise UnsetError(name)
        return environ[name]

    return _REFERENCE.sub(value, text), tuple(names)
