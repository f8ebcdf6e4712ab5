"""One request as an endpoint sees it, and the page of rows it asks for (docs/dify-api.md 1.4)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from pydantic import BaseModel

from .json_bodies import bad_request, parse
from .replies import EnvelopeError, InternalFaultError, invalid

if TYPE_CHECKING:
    from starlette.datastructures import FormData, QueryParams
    from starlette.requests import Request
    from starlette.responses import Response

    from .server_state import ServerState
    from .versions import Profile

RequestModel = TypeVar("RequestModel", bound=BaseModel)
UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
DEFAULT_ROWS: Final = 20
MAX_ROWS: Final = 100


@dataclass(frozen=True, slots=True)
class PageWindow:
    """The page a list call asks for: `page` and `limit` as the caller wrote them."""

    page: int
    limit: int
    least_rows: int

    @property
    def rows(self) -> int:
        """Rows to serve: at most 100, and those of the version for a limit below 1."""
        return min(self.limit, MAX_ROWS) if self.limit >= 1 else self.least_rows

    @property
    def offset(self) -> int:
        """Rows before this page."""
        return (max(self.page, 1) - 1) * self.rows

    @property
    def sql(self) -> str:
        """The end of a SELECT; two integers, so no text of the caller gets in."""
        # SQLite's integers end at 64 bits: a page beyond them is as empty as any other.
        return f" LIMIT {self.rows} OFFSET {min(self.offset, 2**62)}"

    def wrap(self, rows: list[dict[str, object]], total: int) -> dict[str, object]:
        """The list reply."""
        return {
            "data": rows,
            # The real server compares with the uncapped limit, and echoes that one.
            "has_more": len(rows) == self.limit,
            "limit": self.limit,
            "total": total,
            "page": self.page,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointCall:
    """A request whose body is read, so that an endpoint can run in a worker thread.

    Args:
        request: Starlette's request, for its address, query and headers.
        server: the store, the quirks and the indexer.
        body: the body; empty when it is a form.
        form: the parts of a form body.
    """

    request: Request
    server: ServerState
    body: bytes
    form: FormData

    @property
    def path(self) -> Mapping[str, str]:
        """The parts of the address that the route names."""
        return self.request.path_params

    @property
    def query(self) -> QueryParams:
        """The query parameters."""
        return self.request.query_params

    @property
    def profile(self) -> Profile:
        """What the version that is played knows."""
        return self.server.profile

    @property
    def base(self) -> str:
        """The id of the knowledge base in the address."""
        return self.path["ds"]

    @property
    def document(self) -> str:
        """The id of the document in the address."""
        return self.path["doc"]

    def json(self) -> object:
        """The JSON body.

        Raises:
            EnvelopeError: 415 for another content type, 400 for unreadable JSON (section 1.2).
        """
        content_type = self.request.headers.get("Content-Type", "")
        kind = content_type.partition(";")[0].strip().lower()
        if kind != "application/json" and not kind.endswith("+json"):
            raise EnvelopeError(
                415,
                "unsupported_media_type",
                "Did not attempt to load JSON data because the request Content-Type was not "
                "'application/json'.",
            )
        try:
            return parse(self.body)
        except ValueError:
            raise bad_request() from None

    def json_object(self) -> dict[str, object]:
        """The JSON body of a call that takes an object.

        Raises:
            EnvelopeError: as `json`, and 400 for another value.
        """
        content = self.json()
        if not isinstance(content, dict):
            raise bad_request()
        return content

    def payload(self, model: type[RequestModel]) -> RequestModel:
        """The JSON body, validated; a `pydantic.ValidationError` becomes a 400."""
        return model.model_validate(self.json() or {})

    def page(self) -> PageWindow:
        """The page asked for; a parameter that is no integer is refused, by newer versions."""
        if not self.profile.strict_pages:
            return self.lenient_page()
        page = self._integer("page", 1)
        return PageWindow(page, self._integer("limit", DEFAULT_ROWS), self.profile.least_rows)

    def lenient_page(self) -> PageWindow:
        """The page asked for; a parameter that is no integer counts as absent."""
        page = _lenient(self.query.get("page"), 1)
        limit = _lenient(self.query.get("limit"), DEFAULT_ROWS)
        return PageWindow(page, limit, self.profile.least_rows)

    def _integer(self, name: str, default: int) -> int:
        text = self.query.get(name)
        if text is None:
            return default
        try:
            return int(text)
        except ValueError:
            raise invalid(
                f"1 validation error for ListQuery\n{name}\n  Input should be a valid integer, "
                "unable to parse string as an integer [type=int_parsing]"
            ) from None


def _lenient(text: str | None, default: int) -> int:
    try:
        return default if text is None else int(text)
    except ValueError:
        return default


def refuse_nul(text: str | None) -> None:
    """Refuse a NUL character, which the real server's database cannot store (section 4.2)."""
    if text and "\0" in text:
        raise invalid("A string literal cannot contain NUL (0x00) characters.")


def require_object(content: object) -> dict[str, object]:
    """The JSON object; anything else is the real server's 500 (section 12)."""
    if not isinstance(content, dict):
        raise InternalFaultError
    return content


Endpoint = Callable[[EndpointCall], "Response"]
