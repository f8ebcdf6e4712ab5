"""JSON of a request: read up to a bound, and looked over before it is parsed.

A body of brackets takes twenty times its size as objects, and a deep one ends the parser.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from .replies import EnvelopeError

if TYPE_CHECKING:
    from starlette.requests import Request

MAX_BODY_BYTES: Final = 32 << 20
"""Twice the largest file: a text of that size, half of it escaped."""

MAX_DEPTH: Final = 100
"""Arrays and objects within each other: no call has more than five."""

MAX_VALUES: Final = 200_000
"""Values of one body: a thousand chunks with a hundred keywords each."""

# Strings whole, then what opens and closes and parts values.
_TOKEN: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[{]+|[\]}]+|,+', re.DOTALL)


def parse(body: bytes | str) -> object:
    """What a JSON text says.

    Raises:
        ValueError: it is no JSON, too deep, or has too many values.
    """
    text = body if isinstance(body, str) else _decoded(body)
    _check_shape(text.encode("utf-8", "surrogatepass"))
    content: object = json.loads(text)
    return content


def _decoded(body: bytes) -> str:
    return body.decode(json.detect_encoding(body), "surrogatepass")


def _check_shape(body: bytes) -> None:
    """Refuse what is too deep, or has too many values.

    Raises:
        ValueError: it is.
    """
    depth = values = 0
    for found in _TOKEN.finditer(body):
        token = found[0]
        opens = token[0] in b"[{"
        depth += len(token) if opens else -len(token) if token[0] in b"]}" else 0
        values += len(token) if opens or token[0] == ord(",") else 0
        if depth > MAX_DEPTH or values > MAX_VALUES:
            raise ValueError("The JSON has too many values, or too many within each other.")


async def read_body(request: Request, longest: int = MAX_BODY_BYTES) -> bytes:
    """The body of a request.

    Raises:
        EnvelopeError: 400, it is longer than `longest`; no more of it is kept.
    """
    body = bytearray()
    async for block in request.stream():
        body += block
        if len(body) > longest:
            raise bad_request()
    return bytes(body)


def bad_request() -> EnvelopeError:
    """400 `bad_request`: the body cannot be read (section 1.2)."""
    return EnvelopeError(
        400,
        "bad_request",
        "The browser (or proxy) sent a request that this server could not understand.",
    )
