"""The declared servers, opened: a client for each, and the throttle that all its mirrors share."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from kbsync.config import ServerConfig
from kbsync.config.api_key import read_key
from kbsync.config.extra_packages import installing
from kbsync.messages import Notice, Problem
from kbsync.messages import command as say
from kbsync.messages.machine_limits import limit_now

if TYPE_CHECKING:
    from kbsync.dify.access import ApiKey
    from kbsync.dify.client import DifyClient
    from kbsync.engine.ports import Clock
    from kbsync.engine.workers.throttle import ThrottledRemote

EMBEDDED_URL = "http://embedded/v1"
EMBEDDED_KEY = "dataset-embedded"


@asynccontextmanager
async def connected(server: ServerConfig) -> AsyncIterator[DifyClient]:
    """Open the whole knowledge API of one server; nothing is asked yet.

    Args:
        server: as declared, with its key.

    Raises:
        Problem: it cannot be used as declared.
    """
    from kbsync.dify.access import Access  # noqa: PLC0415
    from kbsync.dify.client import DifyClient  # noqa: PLC0415

    if server.is_embedded:
        async with _embedded(server) as client:
            yield client
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
        yield client


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
async def _embedded(server: ServerConfig) -> AsyncIterator[DifyClient]:
    """The knowledge base in this process: the same application, without a port."""
    import httpx  # noqa: PLC0415

    from kbsync.dify.access import Access, ApiKey  # noqa: PLC0415
    from kbsync.dify.client import DifyClient  # noqa: PLC0415

    require_embedded()
    from kbsync.embedded import StoreError, embedded_app  # noqa: PLC0415

    assert server.data is not None  # noqa: S101 - loading fills it in for embedded servers
    async with AsyncExitStack() as stack:
        try:
            app = await stack.enter_async_context(embedded_app(server.data, api_key=EMBEDDED_KEY))
        except (StoreError, sqlite3.Error) as error:
            why = str(error).partition(" Next: ")[0]
            raise Problem(limit_now() or say.EMBEDDED_STORE(why=why)) from None
        access = Access(url=EMBEDDED_URL, key=ApiKey(EMBEDDED_KEY), environment=False)
        yield await stack.enter_async_context(DifyClient(access, httpx.ASGITransport(app)))
