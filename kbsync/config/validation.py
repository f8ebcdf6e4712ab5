"""Values → declaration, or every fault in their shape, in our words and without secrets."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from kbsync.config.config_file import Fault, Location
from kbsync.config.declaration import Declaration
from kbsync.config.probably_meant import probably_meant
from kbsync.config.types import Section
from kbsync.config.yaml_tree import YamlTree
from kbsync.messages import config as messages

# What stands here may be a secret, or hold one, however wrong it is.
_SECRET = frozenset(
    {"api_key", "url", "proxy", "ledger", "server", "servers", "metadata", "notify"}
)
_WANTED = {
    "string_type": "text is wanted; put it in quotes",
    "bool_type": "true or false is wanted",
    "bool_parsing": "true or false is wanted",
    "tuple_type": "a list is wanted",
    "greater_than_equal": "at least {ge} is wanted",
    "greater_than": "more than {gt} is wanted",
    "less_than_equal": "at most {le} is wanted",
    "string_too_short": "at least {min_length} character is wanted",
    "string_too_long": "at most {max_length} characters are wanted",
    "wanted": "{sentence}",
}
LONGEST_FOUND = 60
_NUMBERS = ("int_", "float_", "finite_")
_MAPPINGS = ("model_", "dict_", "mapping_")


def declare(tree: YamlTree, folder: Path) -> tuple[Declaration | None, list[Fault]]:
    """Return the declaration, or None and everything wrong with its shape.

    Args:
        tree: the file's values.
        folder: where relative paths start.
    """
    if not isinstance(tree.value, dict):
        words = {"wanted": "a mapping of keys is wanted, `version: 1` first"}
        return None, [Fault(message=messages.VALUE_WRONG, words=words)]
    try:
        return Declaration.model_validate(tree.value, context={"folder": folder}), []
    except ValidationError as error:
        details = error.errors(include_url=False)
    known = {fault.at for fault in tree.faults}
    faults = (_fault(detail, tree) for detail in details)
    return None, [fault for fault in faults if fault.at not in known]


def _fault(detail: ErrorDetails, tree: YamlTree) -> Fault:
    at = _in_file(detail["loc"], tree)
    kind = detail["type"]
    if kind == "extra_forbidden":
        return _unknown(at)
    if kind == "missing":
        return Fault(message=messages.KEY_MISSING, at=detail["loc"])
    if at == ("version",):
        return Fault(message=messages.VERSION_OTHER, at=at)
    words = {"wanted": _sentence(detail), "found": _found(at, tree)}
    if not words["found"]:
        return Fault(message=messages.VALUE_WRONG, at=at, words=words)
    if meant := _meant(detail, words):
        words["nearest"] = meant
        return Fault(message=messages.VALUE_WRONG_NEAR, at=at, words=words)
    return Fault(message=messages.VALUE_WRONG_FOUND, at=at, words=words)


def _meant(detail: ErrorDetails, words: Mapping[str, str]) -> str | None:
    """Return what was probably meant by a text that stands in the file itself."""
    text = detail["input"]
    if not isinstance(text, str) or words["found"] != f'"{text}"':
        return None
    return probably_meant(words["wanted"], text)


def _in_file(location: Location, tree: YamlTree) -> Location:
    """Shorten a location to what is written: a short form has no keys of its own."""
    while location and location[:-1] in tree.lines and location not in tree.lines:
        location = location[:-1]
    return location


def _sentence(detail: ErrorDetails) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind in _WANTED:
        return _WANTED[kind].format_map(context)
    if kind == "literal_error":
        return f"{context['expected']} is wanted".replace("'", '"')
    if kind.startswith(_NUMBERS):
        return "a whole number is wanted" if kind.startswith("int_") else "a number is wanted"
    if kind.startswith(_MAPPINGS):
        return "a mapping of keys is wanted"
    return "not a value this key takes"


def _found(at: Location, tree: YamlTree) -> str:
    """Return what stands there, for people; empty when it may be a secret or is long."""
    if names := tree.variables.get(at):
        return "the value of " + ", ".join(f"${{{name}}}" for name in names)
    if not at or any(part in _SECRET for part in at):
        return ""
    value = tree.value
    for part in at:
        value = value[part]  # type: ignore[index]
    if value is None:
        return "nothing"
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    if isinstance(value, int) and value.bit_length() > LONGEST_FOUND:
        return ""  # Python writes no number of so many digits
    text = f'"{value}"' if isinstance(value, str) else str(value).lower()
    return text if len(text) <= LONGEST_FOUND else ""


def _unknown(at: Location) -> Fault:
    known = sorted(_known(at[:-1]))
    near = difflib.get_close_matches(str(at[-1]), known, n=1)
    if near:
        return Fault(message=messages.KEY_UNKNOWN_NEAR, at=at, words={"nearest": near[0]})
    return Fault(message=messages.KEY_UNKNOWN, at=at, words={"known": ", ".join(known)})


def _known(at: Location) -> Iterator[str]:
    """Yield the keys of the section at `at`."""
    section: type[Section] = Declaration
    for part in at:
        field = section.model_fields.get(str(part))
        inner = next(sections(field.annotation), None) if field else None
        section = inner or section
    yield from section.model_fields


def sections(annotation: object) -> Iterator[type[Section]]:
    """Yield the sections a field's annotation names, at any depth."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        yield annotation
    for argument in get_args(annotation):
        yield from sections(argument)
