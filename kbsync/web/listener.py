"""One ASGI application behind one address, by uvicorn, until cancelled."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import anyio
import uvicorn
from starlette.types import ASGIApp

from kbsync.messages import Problem
from kbsync.messages import daemon as say

KEEP_ALIVE = 5
MOST_AT_ONCE = 64
# Seconds that answers under way have at the end.
LAST = 2.0


class _Server(uvicorn.Server):
    """Leaves the signals to the daemon."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Args:
        host: an IP address, or localhost.
        port: 0 takes a free one.

    Raises:
        Problem: the address cannot be bound.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family)
    except OSError as error:
        why = error.strerror or str(error)
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        raise Problem(say.CANNOT_LISTEN(address=address, why=why)) from None
    # Connections inherit it. asyncio sets it only where the socket's protocol was named: without it
    # the body of an answer waits 40 ms for the receipt of its head.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


async def serve(app: ASGIApp, listener: socket.socket, ready: Callable[[str], None]) -> None:
    """Answer requests until cancelled.

    Args:
        app: answers them.
        listener: as `listen` returns; closed at the end.
        ready: called with the URL once requests are answered.
    """
    config = uvicorn.Config(
        app,
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        lifespan="off",
        ws="none",
        limit_concurrency=MOST_AT_ONCE,
        timeout_keep_alive=KEEP_ALIVE,
    )
    server, ended = _Server(config), anyio.Event()
    with listener:
        async with anyio.create_task_group() as group:
            group.start_soon(_until_asked_to_end, server, listener, ended)
            ready(_url(listener))
            try:
                await ended.wait()
            finally:
                # Shielded: uvicorn ends by itself once it is asked to.
                with anyio.CancelScope(shield=True):
                    server.should_exit = server.force_exit = True
                    with anyio.move_on_after(LAST):
                        await ended.wait()
                group.cancel_scope.cancel()


async def _until_asked_to_end(
    server: uvicorn.Server, listener: socket.socket, ended: anyio.Event
) -> None:
    try:
        with anyio.CancelScope(shield=True):
            await server.serve([listener])
    finally:
        ended.set()


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
