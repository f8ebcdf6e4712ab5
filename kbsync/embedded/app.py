"""The HTTP side: address, key, body, endpoint, answer, in the real server's order of checks."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import anyio
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Mount

from . import envelope
from .call import Call
from .envelope import InternalFaultError, Refusal, Reply, invalid
from .quirks import Quirks
from .routes import routes
from .routing import Match, Route, Router
from .service import Service
from .store import StoreError
from .uploads import Form, read_form

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

_log = logging.getLogger(__name__)


def create_app(
    store: Path,
    *,
    api_key: str,
    quirks: Mapping[str, str] | Sequence[str] = (),
    indexing_delay: float = 0.0,
    workers: int = 2,
    request_log: Path | None = None,
) -> Starlette:
    """The embedded knowledge base as an ASGI application; its lifespan opens and closes it.

    Args:
        store: the data file; made when missing.
        api_key: the one key that is accepted.
        quirks: names of `QUIRKS`, each `name` or `name=value`.
        indexing_delay: seconds each document takes at least, spread over its states.
        workers: how many documents are indexed at the same time.
        request_log: where to append one JSON line per request, without headers and bodies.

    Raises:
        UnknownQuirkError: a quirk does not exist.
        StoreError: at start-up, when the data file cannot be used.
    """
    chosen = Quirks(quirks)
    api = _Api(chosen, request_log)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        try:
            service = Service(
                store,
                api_key=api_key,
                quirks=chosen,
                indexing_delay=indexing_delay,
                workers=workers,
            )
        except StoreError as fault:
            app.state.reason = fault  # an ASGI server would only say that start-up failed
            raise
        service.start()
        try:
            with api.serving(service):
                yield
        finally:
            # Whatever happens to the caller, the slots end and the file is closed.
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(service.stop)

    return Starlette(routes=[Mount("/", app=api)], lifespan=lifespan)


@asynccontextmanager
async def embedded_app(
    store: Path,
    *,
    api_key: str,
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
        quirks=quirks,
        indexing_delay=indexing_delay,
        workers=workers,
        request_log=request_log,
    )
    async with app.router.lifespan_context(app):
        yield app


class _Api:
    """Answers requests; an ASGI application."""

    def __init__(self, quirks: Quirks, request_log: Path | None) -> None:
        self._quirks = quirks
        self._router = Router(routes(quirks))
        self._log_path = request_log
        self._log_file: TextIO | None = None
        self._service: Service | None = None
        self._headers = {"X-Version": quirks.version, "X-Env": "PRODUCTION"}

    @contextmanager
    def serving(self, service: Service) -> Iterator[None]:
        """Answer with this service until the block ends."""
        self._service = service
        if self._log_path is not None:
            self._log_file = self._log_path.open("a", encoding="utf-8", buffering=1)
        try:
            yield
        finally:
            self._service = None
            if self._log_file is not None:
                self._log_file.close()
                self._log_file = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        request = Request(scope, receive)
        match = self._router.match(request.scope["path"])
        try:
            answer = await self._answer(request, match)
        except ClientDisconnect:
            return
        headers = {**self._headers, **answer.headers, "Content-Length": str(len(answer.body))}
        body = b"" if request.method == "HEAD" else answer.body
        response = Response(body, answer.status, headers, media_type=answer.content_type)
        self._record(request, match, answer.status, started)
        await response(scope, receive, send)

    async def _answer(self, request: Request, match: Match | None) -> Reply:
        if match is None:
            answer = envelope.html_not_found()
        elif request.method == "OPTIONS":
            answer = _allowed(match)
        else:
            answer = await self._served(request, match)
        # The real server reads a body to its end whatever it answers; a client that is still
        # sending would otherwise see a reset instead of the answer.
        with suppress(RuntimeError):
            async for _ in request.stream():
                pass
        return answer

    async def _served(self, request: Request, match: Match) -> Reply:
        try:
            route = match.methods.get("GET" if request.method == "HEAD" else request.method)
            if route is None:
                raise Refusal(
                    405, "method_not_allowed", "The method is not allowed for the requested URL."
                )
            service = self._guard(request, match, route)
            return await self._call(request, match, route, service)
        except Refusal as refusal:
            if refusal.code == "not_found":
                message = self._router.suggestion(refusal.message, request.scope["path"])
                return envelope.envelope(refusal, message)
            return envelope.envelope(refusal)
        except InternalFaultError:
            return envelope.internal_fault()
        except ValueError as fault:  # a ValidationError is one, too (section 1.2)
            return envelope.envelope(invalid(str(fault)))
        except ClientDisconnect:
            raise
        except Exception:
            _log.exception("a request failed: %s %s", request.method, match.template)
            return envelope.internal_fault()

    def _guard(self, request: Request, match: Match, route: Route) -> Service:
        """The checks before the body: base (404), its API access (403), key (401), throttle."""
        service = self._service
        if service is None:
            raise RuntimeError("the application is used outside its lifespan")
        if "ds" in match.path:
            service.check_base(match.path["ds"])
        service.authorize(request.headers.get("Authorization"))
        if route.counted and "cloud-throttle" in self._quirks:
            service.throttle.count()
        return service

    async def _call(self, request: Request, match: Match, route: Route, service: Service) -> Reply:
        content_type = request.headers.get("Content-Type", "")
        form: Form | None = None
        body = b""
        if route.multipart:
            form = await read_form(content_type, request.stream())
        elif request.method != "GET":
            body = await request.body()
        call = Call(
            service=service,
            path=match.path,
            query=request.query_params,
            content_type=content_type,
            body=body,
            form=form,
        )
        try:
            return await anyio.to_thread.run_sync(route.endpoint, call)
        finally:
            if form is not None:
                form.close()

    def _record(self, request: Request, match: Match | None, status: int, started: float) -> None:
        if self._log_file is None:
            return
        line = {
            "method": request.method,
            "route": match.template if match else None,
            "path": request.scope["path"],
            "status": status,
            "ms": round((time.perf_counter() - started) * 1000, 3),
        }
        self._log_file.write(json.dumps(line) + "\n")


def _allowed(match: Match) -> Reply:
    methods = [*match.methods, "OPTIONS", *(["HEAD"] if "GET" in match.methods else [])]
    return Reply(
        body=b"",
        content_type="text/html; charset=utf-8",
        headers={"Allow": ", ".join(methods)},
    )
