"""The declared servers, opened: a client for each, and the throttle that all its mirrors share."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from kbsync.app.lent_socket import lent_at
from kbsync.config import ServerConfig
from kbsync.config.api_key import read_key
from kbsync.config.extra_packages import installing
from kbsync.lazy_dataclass import dataclass
from kbsync.messages import Notice, Problem
from kbsync.messages import command as say
from kbsync.messages.machine_limits import limit_now

if TYPE_CHECKING:
    import socket

    import httpx
    from starlette.applications import Starlette

    from kbsync.dify.access import ApiKey
    from kbsync.dify.client import DifyClient
    from kbsync.engine.ports import Clock
    from kbsync.engine.workers.throttle import ThrottledRemote

EMBEDDED_URL = "http://embedded/v1"
EMBEDDED_KEY = "dataset-embedded"


@dataclass(frozen=True, slots=True)
class OpenServer:
    """An open server.

    Args:
        client: calls it.
        app: the embedded knowledge base in this process; None for any other server.
    """

    client: DifyClient
    app: Starlette | None = None

    def answering(self, listener: socket.socket) -> AbstractAsyncContextManager[None]:
        """Have the embedded knowledge base answer on a listening socket until the block ends."""
        from kbsync.embedded import answering  # noqa: PLC0415

        assert self.app is not None  # noqa: S101 - asked of an embedded one alone
        return answering(self.app, listener)


@asynccontextmanager
async def connected(server: ServerConfig) -> AsyncIterator[DifyClient]:
    """Open the whole knowledge API of one server; nothing is asked yet.

    An embedded knowledge base that a daemon has open is lent by it.

    Args:
        server: as declared, with its key.

    Raises:
        Problem: it cannot be used as declared.
    """
    address = lent_at(server.data) if server.is_embedded and server.data is not None else None
    if address is not None:
        async with _borrowed(address) as client:
            yield client
        return
    async with opened(server) as here:
        yield here.client


@asynccontextmanager
async def opened(server: ServerConfig) -> AsyncIterator[OpenServer]:
    """Open one server; the file of an embedded one is held by this process meanwhile.

    Arguments and errors are those of `connected`.
    """
    from kbsync.dify.access import Access  # noqa: PLC0415
    from kbsync.dify.client import DifyClient  # noqa: PLC0415

    if server.is_embedded:
        async with _embedded(server) as here:
            yield here
        return
    access = Access(
        url=server.url,
        key=_key(server),
        read_timeout=server.timeout,
        ca_file=server.ca_file,
        proxy=server.proxy.get_secret_value() if server.proxy else None,
        verify=server.verify,
        headers=tuple((name, each.get_secret_value()) for name, each in server.headers.items()),
    )
    async with DifyClient(access) as client:
        yield OpenServer(client)


def throttled(
    server: ServerConfig,
    client: DifyClient,
    clock: Clock,
    fence: Callable[[], Notice | None] = lambda: None,
) -> ThrottledRemote:
    """Return one server behind its throttle: all its mirrors share the rate limit and the room.

    Args:
        server: as declared.
        client: connected to it.
        clock: the ledger's.
        fence: looked at before each write; why nothing may be written any more.
    """
    from kbsync.dify.remote import DifyRemote  # noqa: PLC0415
    from kbsync.engine.workers.rate_limiter import RateLimiter  # noqa: PLC0415
    from kbsync.engine.workers.throttle import ThrottledRemote  # noqa: PLC0415

    return ThrottledRemote(
        DifyRemote(client),
        limiter=RateLimiter(server.requests_per_minute),
        clock=clock,
        in_flight=server.max_in_flight,
        fence=fence,
    )


def _key(server: ServerConfig) -> ApiKey:
    """Return the server's key; one in a file of its own may be replaced there at any time."""
    from kbsync.dify.access import ApiKey  # noqa: PLC0415

    secret = server.api_key.get_secret_value() if server.api_key else ""
    if server.api_key_file is None:
        return ApiKey(secret)
    return ApiKey(secret, partial(read_key, server.api_key_file))


def require_embedded() -> None:
    """Check that the packages of the embedded knowledge base are there.

    Raises:
        Problem: one is not installed.
    """
    try:
        from kbsync.embedded import embedded_app  # noqa: F401, PLC0415
    except ModuleNotFoundError as error:
        raise Problem(say.EMBEDDED_EXTRA(missing=error.name, **installing("embedded"))) from None


@asynccontextmanager
async def _embedded(server: ServerConfig) -> AsyncIterator[OpenServer]:
    """The knowledge base in this process: the same application, without a port."""
    import httpx  # noqa: PLC0415

    require_embedded()
    from kbsync.embedded import StoreError, embedded_app  # noqa: PLC0415

    assert server.data is not None  # noqa: S101 - loading fills it in for embedded servers
    async with AsyncExitStack() as stack:
        try:
            app = await stack.enter_async_context(embedded_app(server.data, api_key=EMBEDDED_KEY))
        except (StoreError, sqlite3.Error) as error:
            why = str(error).partition(" Next: ")[0]
            raise Problem(limit_now() or say.EMBEDDED_STORE(why=why)) from None
        yield OpenServer(await stack.enter_async_context(_client_of(httpx.ASGITransport(app))), app)


@asynccontextmanager
async def _borrowed(address: str) -> AsyncIterator[DifyClient]:
    """The knowledge base in a daemon's process."""
    import httpx  # noqa: PLC0415

    async with _client_of(httpx.AsyncHTTPTransport(uds=address)) as client:
        yield client


def _client_of(transport: httpx.AsyncBaseTransport) -> DifyClient:
    from kbsync.dify.access import Access, ApiKey  # noqa: PLC0415
    from kbsync.dify.client import DifyClient  # noqa: PLC0415

    access = Access(url=EMBEDDED_URL, key=ApiKey(EMBEDDED_KEY), environment=False)
    return DifyClient(access, transport)
