"""A cheaper transport for long uploads: httpx's API over aiohttp.

It takes a third to a half off the CPU time of a small upload (benchmarks/transport.py), but costs
a quarter of a second to load: so httpx's own transport makes the first calls, and only who uploads
much changes over.
aiohttp's words are not httpx's: what httpx-aiohttp calls a connect timeout may be a connection that
was closed after sending. Whether a call was sent decides what is done next, so faults are told here
by what aiohttp itself said.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

import anyio.to_thread
import httpx

if TYPE_CHECKING:
    from httpx_aiohttp import AiohttpTransport

# About where the time saved has paid for loading.
CHANGE_OVER = 200


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
            await anyio.to_thread.run_sync(_load)
            self._cheap = self._cheap or _cheap(self._trust, self._limits)
        if self._cheap is None:
            return await self._own.handle_async_request(request)
        with _told_in_httpx():
            response = await self._cheap.handle_async_request(request)
        response.stream = _Told(response.stream)
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
def _told_in_httpx() -> Iterator[None]:
    import aiohttp  # noqa: PLC0415

    try:
        yield
    except (httpx.HTTPError, aiohttp.ClientError, OSError, ValueError) as fault:
        said = fault.__cause__ if isinstance(fault, httpx.HTTPError) else fault
        raise _in_httpx(said or fault) from said


def _in_httpx(said: BaseException) -> httpx.HTTPError:
    import aiohttp  # noqa: PLC0415

    match said:
        case httpx.HTTPError():
            return said
        case aiohttp.ConnectionTimeoutError():
            return httpx.ConnectTimeout(str(said))
        case aiohttp.ServerTimeoutError():
            return httpx.ReadTimeout(str(said))
        case aiohttp.ClientConnectorError():
            return httpx.ConnectError(str(said))
        case aiohttp.InvalidURL():
            return httpx.UnsupportedProtocol("invalid URL")
        case _:
            return httpx.RemoteProtocolError(type(said).__name__)


class _Told(httpx.AsyncByteStream):
    """A reply's body whose faults are httpx's."""

    def __init__(self, stream: httpx.SyncByteStream | httpx.AsyncByteStream) -> None:
        assert isinstance(stream, httpx.AsyncByteStream)  # noqa: S101 - the transport is async
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _told_in_httpx():
            async for piece in self._stream:
                yield piece

    async def aclose(self) -> None:
        await self._stream.aclose()
