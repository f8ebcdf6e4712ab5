"""The HTTP client: timeouts, trust, proxies, no cookies kept, no headers logged.

httpx makes the first calls. Many calls are cheaper over aiohttp, which takes long to load.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

import anyio.to_thread
import httpx

from kbsync import __version__
from kbsync.dify.http_client import HttpClient
from kbsync.dify.way import Way

if TYPE_CHECKING:
    from httpx_aiohttp import AiohttpTransport

# gunicorn drops idle connections after 2 s (docs/dify-api.md 1.1): ours are let go before, so that
# a write does not meet a closing connection and become ambiguous.
KEEPALIVE = 1.5
CONNECTIONS = 16
# After about so many calls the time that aiohttp saves has paid for loading it.
CHANGE_OVER = 200
# What httpx says of an answer that is no HTTP.
NO_HTTP = "illegal status line"


def open_http(way: Way, transport: httpx.AsyncBaseTransport | None = None) -> HttpClient:
    """Return the HTTP client for one server.

    Args:
        way: how it is reached.
        transport: used instead of the network, e.g. `httpx.ASGITransport` for a server in process.
    """
    _keep_secrets_out_of_logs()
    access = way.access
    limits = httpx.Limits(
        max_connections=CONNECTIONS,
        max_keepalive_connections=CONNECTIONS,
        keepalive_expiry=KEEPALIVE,
    )
    return HttpClient(
        # Proxies and authorities of the environment are in `way` already.
        transport or _over_network(way, limits),
        headers={
            "user-agent": f"kbsync/{__version__}",
            "accept": "application/json",
            "accept-encoding": "gzip, deflate",
            **dict(access.headers),
        },
        timeout=httpx.Timeout(access.read_timeout, connect=access.connect_timeout),
    )


def _over_network(way: Way, limits: httpx.Limits) -> httpx.AsyncBaseTransport:
    trust, proxy = way.trust.context, way.proxy
    if proxy is None:
        return BulkTransport(httpx.AsyncHTTPTransport(verify=trust, limits=limits), trust, limits)
    # The transport over aiohttp knows no proxies: with one in the way httpx makes all calls.
    secured = trust if proxy.scheme == "https" else None
    through = httpx.Proxy(proxy.url, ssl_context=secured)
    return httpx.AsyncHTTPTransport(verify=trust, limits=limits, proxy=through)


class _NoHeaders(logging.Filter):
    """Drops the records that would write a reply's headers, and with them a cookie, to a log."""

    def filter(self, record: logging.LogRecord) -> bool:
        return "headers" not in record.msg


_no_headers = _NoHeaders()


def _keep_secrets_out_of_logs() -> None:
    for name in ("httpcore.http11", "httpcore.http2", "httpcore.proxy"):
        logging.getLogger(name).addFilter(_no_headers)


class BulkTransport(httpx.AsyncBaseTransport):
    """Httpx's own transport at first, aiohttp's after `change_over` calls.

    Stays with httpx's own where httpx-aiohttp is not installed or the loop is not asyncio's.

    Args:
        own: makes the first calls.
        trust: for TLS.
        limits: connections and how long idle ones are kept.
        change_over: calls before the change; 0 changes at once.
    """

    def __init__(
        self,
        own: httpx.AsyncHTTPTransport,
        trust: ssl.SSLContext,
        limits: httpx.Limits,
        change_over: int = CHANGE_OVER,
    ) -> None:
        self._own = own
        self._trust = trust
        self._limits = limits
        self._left = change_over
        self._cheap: AiohttpTransport | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send `request` over whichever transport is due."""
        if self._cheap is None and self._due():
            # Loading takes long: not in the event loop.
            await anyio.to_thread.run_sync(_load)
            self._cheap = self._cheap or _cheap(self._trust, self._limits)
        if self._cheap is None:
            return await self._own.handle_async_request(request)
        with _httpx_errors():
            response = await self._cheap.handle_async_request(request)
        response.stream = _Body(response.stream)
        return response

    def _due(self) -> bool:
        if self._left > 0:
            self._left -= 1
            return False
        return find_spec("httpx_aiohttp") is not None and _on_asyncio()

    async def aclose(self) -> None:
        """Close both."""
        await self._own.aclose()
        if self._cheap is not None:
            await self._cheap.aclose()


def _on_asyncio() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _load() -> None:
    import httpx_aiohttp  # noqa: F401, PLC0415


def _cheap(trust: ssl.SSLContext, limits: httpx.Limits) -> AiohttpTransport:
    import aiohttp  # noqa: PLC0415
    from httpx_aiohttp import AiohttpTransport  # noqa: PLC0415

    def session() -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            ssl=trust,
            limit=limits.max_connections or 0,
            keepalive_timeout=limits.keepalive_expiry,
        )
        # A session keeps cookies of its own; some servers send the key as one.
        return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())

    return AiohttpTransport(verify=trust, trust_env=False, client=session)


@contextmanager
def _httpx_errors() -> Iterator[None]:
    import aiohttp  # noqa: PLC0415

    try:
        yield
    except (httpx.HTTPError, aiohttp.ClientError, OSError, ValueError) as fault:
        cause = fault.__cause__ if isinstance(fault, httpx.HTTPError) else fault
        raise _as_httpx(cause or fault) from cause


def _as_httpx(fault: BaseException) -> httpx.HTTPError:
    import aiohttp  # noqa: PLC0415

    match fault:
        case httpx.HTTPError():
            return fault
        case aiohttp.ConnectionTimeoutError():
            return httpx.ConnectTimeout(str(fault))
        case aiohttp.ServerTimeoutError():
            return httpx.ReadTimeout(str(fault))
        case aiohttp.ClientConnectorError():
            return httpx.ConnectError(str(fault))
        case aiohttp.ClientResponseError():
            return httpx.RemoteProtocolError(NO_HTTP)
        case aiohttp.InvalidURL():
            return httpx.UnsupportedProtocol("invalid URL")
        case _:
            return httpx.RemoteProtocolError(type(fault).__name__)


class _Body(httpx.AsyncByteStream):
    """A reply's body that raises httpx's exceptions."""

    def __init__(self, stream: httpx.SyncByteStream | httpx.AsyncByteStream) -> None:
        assert isinstance(stream, httpx.AsyncByteStream)  # noqa: S101 - the transport is async
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _httpx_errors():
            async for piece in self._stream:
                yield piece

    async def aclose(self) -> None:
        await self._stream.aclose()
