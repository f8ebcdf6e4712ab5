"""The application on a socket of this machine, in the event loop of a process that has it open."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import anyio
import uvicorn
from starlette.applications import Starlette

from .uvicorn_server import quiet_config

# Seconds that requests in flight have at the end.
SHUTDOWN_SECONDS = 1


@asynccontextmanager
async def answering(app: Starlette, listener: socket.socket) -> AsyncIterator[None]:
    """Answer requests that come to a listening socket until the block ends; it is closed then.

    Args:
        app: the application, running.
        listener: a stream socket that listens.
    """
    # `lifespan`: the application runs already.
    config = quiet_config(app, lifespan="off", timeout_graceful_shutdown=SHUTDOWN_SECONDS)
    server = _WithoutSignals(config)
    async with anyio.create_task_group() as group:
        group.start_soon(_serve, server, listener)
        try:
            yield
        finally:
            server.should_exit = True


async def _serve(server: uvicorn.Server, listener: socket.socket) -> None:
    # Shielded: also after a cancellation uvicorn ends its connections, within its own bound.
    with anyio.CancelScope(shield=True):
        await server.serve([listener])


class _WithoutSignals(uvicorn.Server):
    """Leaves signals to the process it is a part of."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
