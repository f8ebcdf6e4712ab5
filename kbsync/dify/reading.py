"""JSON from the wire, read with types: unknown keys are ignored, wrong types are told."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import NoReturn, TypeVar, cast

T = TypeVar("T")

# Each value takes some hundred bytes once it is read, whatever little it takes on the wire.
MOST_VALUES = 2_000_000
# What every database stores as a whole number.
BEYOND_COUNTING = 2**63


class Malformed(ValueError):  # noqa: N818 - a finding, told as an outcome
    """What came is not what the API says. Never leaves this room."""


def parse(body: bytes) -> object:
    """Return the JSON value of `body`.

    Raises:
        Malformed: not UTF-8, not JSON, truncated, nested without end, or of too many values.
    """
    if sum(map(body.count, (b",", b"[", b"{"))) > MOST_VALUES:
        raise Malformed(f"more than {MOST_VALUES} values")
    try:
        return cast(object, json.loads(body, parse_constant=_refuse))
    except (ValueError, RecursionError) as fault:
        raise Malformed(f"not JSON ({type(fault).__name__})") from fault


def _refuse(word: str) -> NoReturn:
    raise ValueError(word)


def sound(text: str) -> str:
    """Return `text` without what no file and no database can store: NUL, lone surrogates."""
    if text.isascii() and "\0" not in text:
        return text
    clean = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return clean.replace("\0", "\N{REPLACEMENT CHARACTER}")


class JsonObject:
    """A JSON object whose members are asked for by type.

    `text`, `number` and `flag` insist; `text_or_none` and the like take null and absence for None.
    Every one of them raises `Malformed` for another type.
    """

    __slots__ = ("_members", "_where")

    def __init__(self, value: object, where: str = "answer") -> None:
        if not isinstance(value, dict):
            raise Malformed(f"{where} is no object")
        self._members = cast(Mapping[str, object], value)
        self._where = where

    def _of(self, key: str, *types: type) -> object:
        value = self._members.get(key)
        if value is None:
            return None
        # bool is an int to Python, not to JSON.
        if isinstance(value, bool) and bool not in types:
            raise Malformed(f"{self._where}.{key} is a bool")
        if not isinstance(value, types):
            raise Malformed(f"{self._where}.{key} is a {type(value).__name__}")
        return value

    def _missing(self, key: str) -> NoReturn:
        raise Malformed(f"{self._where}.{key} is missing")

    def text_or_none(self, key: str) -> str | None:
        """Return a string, None when null or absent."""
        value = self._of(key, str)
        return None if value is None else sound(cast(str, value))

    def text(self, key: str) -> str:
        """Return a string that has to be there."""
        value = self.text_or_none(key)
        return self._missing(key) if value is None else value

    def number_or_none(self, key: str) -> float | None:
        """Return a number, None when null or absent."""
        value = cast("float | None", self._of(key, int, float))
        try:
            return None if value is None else float(value)
        except OverflowError as fault:
            raise Malformed(f"{self._where}.{key} is beyond counting") from fault

    def count_or_none(self, key: str) -> int | None:
        """Return a whole number, None when null or absent."""
        value = cast("float | None", self._of(key, int, float))
        if value is None:
            return None
        if not -BEYOND_COUNTING <= value < BEYOND_COUNTING:
            raise Malformed(f"{self._where}.{key} is beyond counting")
        return int(value)

    def count(self, key: str) -> int:
        """Return a whole number that has to be there."""
        value = self.count_or_none(key)
        return self._missing(key) if value is None else value

    def flag(self, key: str, default: bool) -> bool:
        """Return a boolean, `default` when null or absent."""
        value = self._of(key, bool)
        return default if value is None else cast(bool, value)

    def within(self, key: str) -> JsonObject | None:
        """Return the object at `key`, None when null or absent."""
        value = self._of(key, dict)
        return None if value is None else JsonObject(value, f"{self._where}.{key}")

    def rows(self, key: str, read: Callable[[JsonObject], T]) -> tuple[T, ...]:
        """Return the objects of the list at `key`, each read; empty when null or absent."""
        value = cast("list[object] | None", self._of(key, list)) or []
        return tuple(read(JsonObject(row, f"{self._where}.{key}")) for row in value)

    def listed(self, key: str, read: Callable[[JsonObject], T]) -> tuple[T, ...]:
        """Like `rows`, but the list has to be there."""
        return self._missing(key) if self._of(key, list) is None else self.rows(key, read)

    def texts(self, key: str) -> tuple[str, ...]:
        """Return the strings of the list at `key`; what is no string is left out."""
        value = cast("list[object] | None", self._of(key, list)) or []
        return tuple(sound(word) for word in value if isinstance(word, str))

    def raw(self, key: str) -> object:
        """Return what stands at `key`, unread."""
        return self._members.get(key)

    def mapping(self, key: str) -> Mapping[str, object]:
        """Return the object at `key` as it is; empty when null or absent."""
        return cast("Mapping[str, object] | None", self._of(key, dict)) or {}
