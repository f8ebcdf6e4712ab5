"""Replies as the real server writes them: JSON, error envelope (docs/dify-api.md 1.1 to 1.3)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from starlette.responses import HTMLResponse, JSONResponse, Response

from .versions import Emptied

_UNKNOWN_URL: Final = (
    "<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>\n<h1>Not Found</h1>\n"
    "<p>The requested URL was not found on the server. If you entered the URL manually please "
    "check your spelling and try again.</p>\n"
)
_EMPTIED: Final[Mapping[Emptied, object]] = {
    Emptied.OBJECT: {"result": "success"},
    Emptied.NUMBER_204: 204,
    Emptied.NUMBER_200: 200,
}


class JsonReply(JSONResponse):
    """A JSON reply: ASCII-escaped, with one trailing newline, as Flask writes it."""

    def render(self, content: object) -> bytes:
        """The bytes of the body."""
        return json.dumps(content).encode() + b"\n"


class EnvelopeError(Exception):
    """A reply of the error envelope, raised by any check.

    Args:
        status: the HTTP status.
        code: the word a client decides by.
        message: the sentence for people.
        headers: further reply headers.
    """

    def __init__(
        self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers


class InternalFaultError(Exception):
    """A request at which the real server fails with an uncaught error."""


def without(row: dict[str, object], lacking: frozenset[str]) -> dict[str, object]:
    """The object without the fields that this version does not know yet."""
    return {name: value for name, value in row.items() if name not in lacking}


def emptied(how: Emptied) -> Response:
    """The reply of an operation that has nothing to tell (section 1.3)."""
    if how is Emptied.EMPTY:
        return Response(status_code=204, media_type="application/json")
    return JsonReply(_EMPTIED[how])


def success() -> Response:
    """The reply of operations that return nothing else."""
    return emptied(Emptied.OBJECT)


def invalid(message: str) -> EnvelopeError:
    """400 `invalid_param`."""
    return EnvelopeError(400, "invalid_param", message)


def not_found(message: str) -> EnvelopeError:
    """404 `not_found`; `routes.did_you_mean` may add similar URLs to the message."""
    return EnvelopeError(404, "not_found", message)


def forbidden(message: str) -> EnvelopeError:
    """403 `forbidden`."""
    return EnvelopeError(403, "forbidden", message)


def unauthorized(message: str) -> EnvelopeError:
    """401 `unauthorized` with the challenge header of section 1.1."""
    return EnvelopeError(401, "unauthorized", message, {"WWW-Authenticate": 'Bearer realm="api"'})


def error_reply(error: EnvelopeError, message: str | None = None) -> JsonReply:
    """The envelope of an error; `message` replaces the error's own."""
    body = {
        "code": error.code,
        "message": error.message if message is None else message,
        "status": error.status,
    }
    return JsonReply(body, error.status, error.headers)


def internal_fault() -> JsonReply:
    """The reply to an uncaught error."""
    # Section 1.2: the keys stand in another order than in the envelope.
    return JsonReply({"message": "Internal Server Error", "code": "unknown", "status": 500}, 500)


def wrong_method() -> JsonReply:
    """The reply to a method the URL does not have; without the header `Allow`."""
    message = "The method is not allowed for the requested URL."
    return error_reply(EnvelopeError(405, "method_not_allowed", message))


def unknown_url() -> HTMLResponse:
    """The web page a URL without a route gets (section 1.2)."""
    return HTMLResponse(_UNKNOWN_URL, 404)
