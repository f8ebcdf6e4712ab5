"""Clients over both transports, and a server with a certificate of no known authority."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from dify_line import KEY, Open, reply
from on_the_way import self_signed

from kbsync.dify import transport
from kbsync.dify.access import Access, ApiKey
from kbsync.dify.client import DifyClient
from kbsync.dify.transport import BulkTransport


@pytest.fixture(params=["httpx", "aiohttp"])
def open_client(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Return what makes a client; the test closes it. Proxies of the environment do not count."""

    def bulk(own: httpx.AsyncHTTPTransport, trust: object, limits: object) -> object:
        change_over = 0 if request.param == "aiohttp" else 10**9
        return BulkTransport(own, trust, limits, change_over)  # type: ignore[arg-type]

    monkeypatch.setattr(transport, "BulkTransport", bulk)

    def opened(url: str, **words: object) -> DifyClient:
        words = {"read_timeout": 0.5, "connect_timeout": 20.0, "environment": False} | words
        return DifyClient(Access(url=url, key=ApiKey(KEY), **words))  # type: ignore[arg-type]

    return opened


@pytest.fixture
def certificate() -> tuple[Path, Path]:
    """Return a self-signed certificate for 127.0.0.1 and its key."""
    return self_signed("IP:127.0.0.1")


@pytest.fixture
async def tls_server(certificate: tuple[Path, Path]) -> AsyncIterator[tuple[str, str]]:
    """Serve one knowledge base over TLS; return its address and the certificate's file."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(reply(200, b'{"id": "1", "name": "Docs"}'))
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", str(certificate[0])
    finally:
        server.close()
