"""A reply's body → a model of `schemas`, or `Malformed`."""

from __future__ import annotations

import json
from typing import NoReturn, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

M = TypeVar("M", bound=BaseModel)

# Each value takes some hundred bytes once it is read, however little it takes on the wire.
MOST_VALUES = 2_000_000
# NUL cannot be stored; the two words are no JSON, though pydantic's parser takes them for numbers.
_ODD = (rb"\u0000", b"NaN", b"Infinity")


class Malformed(ValueError):  # noqa: N818 - `http.Exchange` turns it into an outcome
    """The body is not what the API says. It never leaves this room."""


def read(shape: type[M], body: bytes) -> M:
    """Return `body` as a `shape`: unknown members are ignored, wrong types are refused.

    Raises:
        Malformed: not UTF-8, not JSON, truncated, too deep, too many values, or of another shape.
    """
    if sum(map(body.count, (b",", b"[", b"{"))) > MOST_VALUES:
        raise Malformed(f"more than {MOST_VALUES} values")
    try:
        if not any(word in body for word in _ODD):
            return shape.model_validate_json(body)
    except ValidationError as fault:
        # Pydantic's parser refuses lone surrogates, which a server may send; Python's does not.
        if _first(fault)["type"] != "json_invalid":
            raise Malformed(_words(fault)) from fault
    try:
        return shape.model_validate_json(_cleaned(body))
    except ValidationError as fault:
        raise Malformed(_words(fault)) from fault


def _cleaned(body: bytes) -> bytes:
    try:
        return json.dumps(_storable(json.loads(body, parse_constant=_refuse))).encode()
    except (ValueError, RecursionError) as fault:
        raise Malformed(f"not JSON ({type(fault).__name__})") from fault


def _refuse(word: str) -> NoReturn:
    raise ValueError(word)


def _storable(value: object) -> object:
    """Return `value` without what no file and no database can store: NUL, lone surrogates."""
    if isinstance(value, str):
        clean = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return clean.replace("\0", "\N{REPLACEMENT CHARACTER}")
    if isinstance(value, list):
        return [_storable(each) for each in value]
    if isinstance(value, dict):
        return {_storable(key): _storable(each) for key, each in value.items()}
    return value


def _words(fault: ValidationError) -> str:
    """Return the first finding as ``answer.data.0.name: Input should be a valid string``."""
    first = _first(fault)
    return f"{'.'.join(map(str, ('answer', *first['loc'])))}: {first['msg']}"


def _first(fault: ValidationError) -> ErrorDetails:
    return fault.errors(include_url=False, include_input=False)[0]
