"""One request, as an endpoint sees it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar

from pydantic import BaseModel

from .envelope import InternalFaultError, Refusal, Reply, invalid
from .paging import ROWS_PER_PAGE, Page

if TYPE_CHECKING:
    from starlette.datastructures import QueryParams

    from .service import Service
    from .uploads import Form

Model = TypeVar("Model", bound=BaseModel)
UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request with its address taken apart and its body read.

    `path` holds the parts of the address that the route names.
    """

    service: Service
    path: Mapping[str, str]
    query: QueryParams
    content_type: str
    body: bytes = b""
    form: Form | None = field(default=None)

    @property
    def base(self) -> str:
        """The id of the knowledge base the address names."""
        return self.path["ds"]

    @property
    def document(self) -> str:
        """The id of the document the address names."""
        return self.path["doc"]

    def json(self) -> object:
        """The JSON body (section 1.2: another type is 415, an unreadable one 400)."""
        kind = self.content_type.partition(";")[0].strip().lower()
        if kind != "application/json" and not kind.endswith("+json"):
            raise Refusal(
                415,
                "unsupported_media_type",
                "Did not attempt to load JSON data because the request Content-Type was not "
                "'application/json'.",
            )
        try:
            content: object = json.loads(self.body)
        except ValueError:
            raise Refusal(
                400,
                "bad_request",
                "The browser (or proxy) sent a request that this server could not understand.",
            ) from None
        return content

    def payload(self, model: type[Model]) -> Model:
        """The JSON body as a checked payload; `pydantic.ValidationError` is answered with 400."""
        return model.model_validate(self.json() or {})

    def page(self) -> Page:
        """The page asked for; whatever is no integer is refused."""
        return Page(self._integer("page", 1), self._integer("limit", ROWS_PER_PAGE))

    def lenient_page(self) -> Page:
        """The page asked for; whatever is no integer counts as absent (segments do so)."""
        return Page(_lenient(self.query.get("page"), 1), _lenient(self.query.get("limit"), 20))

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
    """Refuse a NUL where the real server's database refuses it (section 4.2)."""
    if text and "\0" in text:
        raise invalid("A string literal cannot contain NUL (0x00) characters.")


def require_object(content: object) -> dict[str, object]:
    """The JSON object; anything else is the real server's 500 (section 12)."""
    if not isinstance(content, dict):
        raise InternalFaultError
    return content


Endpoint = Callable[[Call], Reply]
