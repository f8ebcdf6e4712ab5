"""What the daemon answers over HTTP: `/healthz`, `/readyz`, `/metrics`, and the status page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from kbsync.web.readiness import UnreadyReason
from kbsync.web.request_rules import LOGIN, NO_TOKEN, Refusal, RequestRules

Scrape = Callable[[], Awaitable[tuple[bytes, str]]]
WhyNot = Callable[[], list[UnreadyReason]]
_HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


class Doorkeeper:
    """Refuses what `RequestRules` refuses, before anything is looked up.

    Args:
        app: answers what is let in.
        access: judges requests.
    """

    def __init__(self, app: ASGIApp, access: RequestRules) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, as ASGI has it."""
        request = Request(scope)
        refusal = self._access.refusal(request.method, scope["path"], request.headers)
        if refusal is None:
            await self._app(scope, receive, send)
            return
        await _refused(request, refusal)(scope, receive, send)


def _refused(request: Request, refusal: Refusal) -> Response:
    if refusal is NO_TOKEN and "text/html" in request.headers.get("accept", ""):
        asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        back = quote(asked if request.method == "GET" else "/", safe="")
        return RedirectResponse(f"{LOGIN}?next={back}", HTTPStatus.SEE_OTHER, _HEADERS)
    more = {"www-authenticate": "Bearer"} if refusal is NO_TOKEN else {}
    return _text(refusal.text, refusal.status, more)


def application(
    access: RequestRules, *, why_not: WhyNot, scrape: Scrape, pages: ASGIApp
) -> Starlette:
    """Return the application.

    Args:
        access: who may ask.
        why_not: returns why the daemon is not ready; empty when it is.
        scrape: returns the metrics, and their content type.
        pages: answers everything else.
    """

    def healthz(request: Request) -> Response:
        return _text("alive")

    def readyz(request: Request) -> Response:
        return _readiness(request, why_not(), open=access.is_open(request.headers))

    async def metrics(request: Request) -> Response:
        body, kind = await scrape()
        return Response(body, headers={**_HEADERS, "content-type": kind})

    app = Starlette(
        routes=[
            Route("/healthz", _in_loop(healthz)),
            Route("/readyz", _in_loop(readyz)),
            Route("/metrics", metrics),
        ],
        middleware=[Middleware(Doorkeeper, access=access)],
        exception_handlers={HTTPException: _not_answered},
    )
    app.router.default = pages
    return app


class LoadedLater:
    """An application that is made for its first request: probes and Prometheus need none of it.

    Args:
        make: makes it.
    """

    def __init__(self, make: Callable[[], ASGIApp]) -> None:
        self._make = make
        self._app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, as ASGI has it."""
        if self._app is None:
            self._app = self._make()
        await self._app(scope, receive, send)


def _in_loop(answer: Callable[[Request], Response]) -> Callable[[Request], Awaitable[Response]]:
    """Return `answer` as a coroutine: Starlette would call it in a thread otherwise."""

    async def called(request: Request) -> Response:
        return answer(request)

    return called


def _readiness(request: Request, found: list[UnreadyReason], *, open: bool) -> Response:
    status = HTTPStatus.SERVICE_UNAVAILABLE if found else HTTPStatus.OK
    if "json" in request.headers.get("accept", ""):
        content = {"ready": not found, "reasons": [each.as_json(open=open) for each in found]}
        return JSONResponse(content, status, _HEADERS)
    return _text("\n".join(each.as_line(open=open) for each in found) or "ready", status)


def _text(
    text: str, status: HTTPStatus = HTTPStatus.OK, more: Mapping[str, str] | None = None
) -> Response:
    return PlainTextResponse(f"{text}\n", status, {**_HEADERS, **(more or {})})


def _not_answered(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for it alone
    return _text(error.detail, HTTPStatus(error.status_code), error.headers)
