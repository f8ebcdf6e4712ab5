"""Replies: JSON as the real server writes it, and its error envelope (docs/dify-api.md 1.2)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

HTML_NOT_FOUND: Final = (
    b"<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>\n<h1>Not Found</h1>\n"
    b"<p>The requested URL was not found on the server. If you entered the URL manually please "
    b"check your spelling and try again.</p>\n"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One HTTP answer."""

    status: int = 200
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


class Refusal(Exception):  # noqa: N818 - a refusal is an answer, not a fault of ours
    """An answer of the error envelope, raised from wherever it is found out."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or {}


class InternalFaultError(Exception):
    """A request on which the real server falls over: answered with its plain 500."""


def reply(content: object, status: int = 200) -> Reply:
    """A JSON answer: ASCII-escaped, one trailing newline, as section 1.1 says."""
    return Reply(status=status, body=json.dumps(content).encode() + b"\n")


def no_content() -> Reply:
    """What every delete answers: status 200 and the number 204 (section 1.3)."""
    return reply(204)


def success() -> Reply:
    """The answer of operations that return nothing else."""
    return reply({"result": "success"})


def invalid(message: str) -> Refusal:
    """400 `invalid_param`."""
    return Refusal(400, "invalid_param", message)


def not_found(message: str) -> Refusal:
    """404 `not_found`; the message may get a list of similar addresses on its way out."""
    return Refusal(404, "not_found", message)


def forbidden(message: str) -> Refusal:
    """403 `forbidden`."""
    return Refusal(403, "forbidden", message)


def unauthorized(message: str) -> Refusal:
    """401 `unauthorized` with the challenge header of section 1.1."""
    return Refusal(401, "unauthorized", message, {"WWW-Authenticate": 'Bearer realm="api"'})


def envelope(refusal: Refusal, message: str | None = None) -> Reply:
    """The refusal as an answer, its message replaced when one is given."""
    body = {
        "code": refusal.code,
        "message": refusal.message if message is None else message,
        "status": refusal.status,
    }
    return Reply(
        status=refusal.status, body=json.dumps(body).encode() + b"\n", headers=refusal.headers
    )


def internal_fault() -> Reply:
    """The answer to an uncaught error: the keys stand in another order there (section 1.2)."""
    return reply({"message": "Internal Server Error", "code": "unknown", "status": 500}, 500)


def html_not_found() -> Reply:
    """The answer to an address without a route (section 1.2)."""
    return Reply(status=404, body=HTML_NOT_FOUND, content_type="text/html; charset=utf-8")
