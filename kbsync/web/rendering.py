"""Values as HTML: every text is escaped, a name of a file isolated, a character that steers shown.

Scripts and styles come from files of the package alone, which the content security policy says.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles

from kbsync import __version__
from kbsync.messages import moment, printable
from kbsync.planning.render import size_of

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


def name(text: str) -> Markup:
    """Return a name as HTML that reads in its own direction, with nothing hidden in it."""
    return Markup("<bdi>") + escape(printable(text)) + Markup("</bdi>")


def passage(text: str) -> Markup:
    """Return a text of several lines as HTML with nothing hidden in it."""
    lines = text.replace("\r\n", "\n").split("\n")
    return escape("\n".join("\t".join(map(printable, line.split("\t"))) for line in lines))


def at(seconds: float | None) -> Markup:
    """Return a time of the ledger's clock as HTML."""
    if seconds is None:
        return Markup("never")
    machine = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
    return Markup('<time datetime="{}">{}</time>').format(machine, moment(seconds))


def url(*parts: str, **query: object) -> str:
    """Return a path of this site; parts and values may hold anything."""
    path = "/" + "/".join(quote(each, safe="") for each in parts)
    wanted = {key: str(value) for key, value in query.items() if value not in ("", None)}
    return f"{path}?{urlencode(wanted)}" if wanted else path


def number(value: int) -> str:
    """Return a number with its thousands apart."""
    return f"{value:,}"


class PackageFiles(StaticFiles):
    """Style and script, from the package."""

    def __init__(self) -> None:
        super().__init__(packages=[("kbsync.web", "static")])

    def file_response(self, *words: Any, **more: Any) -> Response:
        """Return the answer with one of them."""
        answer = super().file_response(*words, **more)
        answer.headers.update({**HEADERS, "cache-control": "no-cache"})
        return answer


class Renderer:
    """Fills templates of the package."""

    def __init__(self) -> None:
        self._templates = Environment(
            loader=PackageLoader("kbsync.web"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters.update(
            name=name, passage=passage, at=at, number=number, size=size_of, printable=printable
        )
        self._templates.globals.update(url=url, version=__version__)

    def html(self, template: str, **values: Any) -> str:
        """Return a template, filled."""
        return self._templates.get_template(template).render(**values)

    def response(
        self,
        template: str,
        values: Mapping[str, Any],
        status: HTTPStatus = HTTPStatus.OK,
    ) -> HTMLResponse:
        """Return a page, or a part of one, as an answer."""
        return HTMLResponse(self.html(template, **values), status, HEADERS)
