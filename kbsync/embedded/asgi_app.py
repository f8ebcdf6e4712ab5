"""The ASGI application: Starlette's router, with the replies of the real server."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import anyio
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Mount, Route, Router

from .quirks import Quirks
from .replies import (
    EnvelopeError,
    InternalFaultError,
    error_reply,
    internal_fault,
    invalid,
    unknown_url,
    wrong_method,
)
from .routes import BASE_PATH, api_routes, did_you_mean, file_routes
from .server_state import ServerState
from .sqlite_store import StoreError
from .versions import NEWEST, profile

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp, ExceptionHandler, Message, Receive, Scope, Send

_log = logging.getLogger(__name__)


def create_app(
    store: Path,
    *,
    api_key: str,
    dify: str = NEWEST,
    quirks: Mapping[str, str] | Sequence[str] = (),
    indexing_delay: float = 0.0,
    workers: int = 2,
    request_log: Path | None = None,
) -> Starlette:
    """The embedded knowledge base as an ASGI application; its lifespan opens and closes it.

    Args:
        store: the data file; made when missing.
        api_key: the one key that is accepted.
        dify: the version to play, a name of `PROFILES`.
        quirks: names of `QUIRKS`, each `name` or `name=value`.
        indexing_delay: seconds each document takes at least, spread over its states.
        workers: how many documents are indexed at the same time.
        request_log: where to append one JSON line per request, without headers and bodies.

    Raises:
        UnknownVersionError: the version does not exist.
        UnknownQuirkError: a quirk does not exist.
        StoreError: at start-up, when the data file cannot be used.
    """
    chosen = Quirks(quirks)
    played = chosen.on(profile(dify))
    log = RequestLog(request_log)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        try:
            server = ServerState(
                store,
                api_key=api_key,
                profile=played,
                quirks=chosen,
                indexing_delay=indexing_delay,
                workers=workers,
            )
        except StoreError as error:
            # For `serve`: uvicorn reports only that the start failed, not why.
            app.state.reason = error
            raise
        server.start()
        app.state.server = server
        try:
            with log.opened():
                yield
        finally:
            # Shielded: also after a cancellation the threads end and the file is closed.
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(server.stop)

    routes = api_routes(played)
    app = Starlette(
        routes=[*file_routes(played), Mount(BASE_PATH, app=Router(routes, redirect_slashes=False))],
        middleware=[
            Middleware(ReplyMiddleware, version=played.told, log=log),
            # Starlette's own last resort raises the error again after its reply, and the ASGI
            # server then closes the connection; Flask answers 500 and goes on.
            Middleware(ExceptionMiddleware, handlers={Exception: _internal_fault}),
        ],
        exception_handlers=_handlers(routes),
        lifespan=lifespan,
    )
    # The real server redirects no URL either: one slash too many is a 404.
    app.router.redirect_slashes = False
    return app


@asynccontextmanager
async def embedded_app(
    store: Path,
    *,
    api_key: str,
    dify: str = NEWEST,
    quirks: Mapping[str, str] | Sequence[str] = (),
    indexing_delay: float = 0.0,
    workers: int = 2,
    request_log: Path | None = None,
) -> AsyncIterator[Starlette]:
    """The application, running, for use in this process through `httpx.ASGITransport`.

    Arguments and errors are those of `create_app`.
    """
    app = create_app(
        store,
        api_key=api_key,
        dify=dify,
        quirks=quirks,
        indexing_delay=indexing_delay,
        workers=workers,
        request_log=request_log,
    )
    async with app.router.lifespan_context(app):
        yield app


class RequestLog:
    """One JSON line per request, without headers and bodies.

    Args:
        path: the file to append to; None logs nothing.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._file: TextIO | None = None

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Write to the file until the block ends."""
        if self._path is None:
            yield
            return
        with self._path.open("a", encoding="utf-8", buffering=1) as file:
            self._file = file
            try:
                yield
            finally:
                self._file = None

    def write(self, scope: Scope, status: int, seconds: float) -> None:
        """Log one answered request."""
        if self._file is None:
            return
        line = {
            "method": scope["method"],
            "route": _template(scope),
            "path": scope["path"],
            "status": status,
            "ms": round(seconds * 1000, 3),
            "at": round(time.time() - seconds, 3),
        }
        self._file.write(json.dumps(line) + "\n")


class ReplyMiddleware:
    """ASGI middleware around every reply: body read to its end, version headers, request log.

    Starlette replies without reading the rest of a body, and a client that is still sending would
    see a reset instead of the reply. The real server reads every body to its end.

    Args:
        app: the application.
        version: the value of the header `X-Version`; None sends none.
        log: where to log each request.
    """

    def __init__(self, app: ASGIApp, version: str | None, log: RequestLog) -> None:
        self._app = app
        self._headers = [(b"x-env", b"PRODUCTION")]
        if version is not None:
            self._headers.append((b"x-version", version.encode()))
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or pass on another kind of event."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        last: Message = {"type": "http.request", "more_body": True}

        async def receive_and_remember() -> Message:
            nonlocal last
            last = await receive()
            return last

        async def send_after_body(message: Message) -> None:
            if message["type"] == "http.response.start":
                while last.get("more_body", False):
                    await receive_and_remember()
                message["headers"].extend(self._headers)
                if last["type"] == "http.request":
                    self._log.write(scope, message["status"], time.perf_counter() - started)
            # After a disconnect the reply has no reader, and the log would count it as answered.
            if last["type"] == "http.request":
                await send(message)

        await self._app(scope, receive_and_remember, send_after_body)


def _handlers(routes: Sequence[Route]) -> Mapping[int | type[Exception], ExceptionHandler]:
    """Starlette's exception handlers: by status for its router, by class for the endpoints."""

    async def envelope(request: Request, error: Exception) -> Response:
        assert isinstance(error, EnvelopeError)  # noqa: S101 - Starlette's type is wider
        if error.code != "not_found":
            return error_reply(error)
        return error_reply(error, did_you_mean(error.message, request.scope["path"], routes))

    async def invalid_param(request: Request, error: Exception) -> Response:
        del request
        return error_reply(invalid(str(error)))

    return {
        404: _always(unknown_url),
        405: _always(wrong_method),
        EnvelopeError: envelope,
        InternalFaultError: _always(internal_fault),
        # The real server takes every ValueError for a fault of the caller; pydantic's
        # ValidationError is one, and so is broken JSON in a form (section 1.2).
        ValueError: invalid_param,
        # This one is not sent: `ReplyMiddleware` knows that the client has gone.
        ClientDisconnect: _always(Response),
    }


def _always(reply: Callable[[], Response]) -> ExceptionHandler:
    # Starlette runs a handler that is no coroutine in a thread.
    async def handler(request: Request, error: Exception) -> Response:
        del request, error
        return reply()

    return handler


async def _internal_fault(request: Request, error: Exception) -> Response:
    _log.error("a request failed: %s %s", request.method, _template(request.scope), exc_info=error)
    return internal_fault()


def _template(scope: Scope) -> str | None:
    """The path of the matched route, such as `/datasets/{ds}`; None for an unknown URL."""
    route = scope.get("route")
    return route.path_format if isinstance(route, Route) else None
