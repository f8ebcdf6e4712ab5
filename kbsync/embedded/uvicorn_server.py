"""The server in a process of its own: uvicorn on a loopback address."""

from __future__ import annotations

import ipaddress
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from .asgi_app import create_app
from .routes import BASE_PATH
from .versions import NEWEST

KEEP_ALIVE_SECONDS = 75
SHUTDOWN_SECONDS = 10


class RemoteAddressError(ValueError):
    """The address is reachable from other machines, and `allow_remote` is false."""


def serve(
    *,
    host: str,
    port: int,
    store: Path,
    api_key: str,
    dify: str = NEWEST,
    quirks: Mapping[str, str] | Sequence[str] = (),
    indexing_delay: float = 0.0,
    workers: int = 2,
    request_log: Path | None = None,
    ready: Callable[[str], None] | None = None,
    allow_remote: bool = False,
) -> None:
    """Serve until SIGTERM or SIGINT, then finish running requests and return.

    Args:
        host: a name or address of this machine's loopback.
        port: the TCP port; 0 takes a free one.
        store: the data file; made when missing.
        api_key: the one key that is accepted.
        dify: the version to play, a name of `PROFILES`.
        quirks: names of `QUIRKS`, each `name` or `name=value`.
        indexing_delay: seconds each document takes at least.
        workers: how many documents are indexed at the same time.
        request_log: where to append one JSON line per request.
        ready: called with the URL, base path included, once requests are answered.
        allow_remote: also take an address other machines reach.

    Raises:
        RemoteAddressError: the address is not on loopback and `allow_remote` is false.
        UnknownVersionError: the version does not exist.
        UnknownQuirkError: a quirk does not exist.
        StoreError: the data file cannot be used.
        OSError: the address cannot be bound.
    """
    if not (allow_remote or _is_loopback(host)):
        raise RemoteAddressError(
            f"{host} can be reached from other machines. Next: kbsync serve --host 127.0.0.1"
        )
    app = create_app(
        store,
        api_key=api_key,
        dify=dify,
        quirks=quirks,
        indexing_delay=indexing_delay,
        workers=workers,
        request_log=request_log,
    )
    # Bound before the start, so that the port is known even for port 0.
    listener = _listen(host, port)
    config = quiet_config(
        app,
        lifespan="on",
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
    with listener:
        try:
            _LoopbackServer(config, _url(listener), ready).run([listener])
        except SystemExit:
            # Uvicorn exits so when the lifespan cannot start; the lifespan has kept the reason.
            if (reason := getattr(app.state, "reason", None)) is not None:
                raise reason from None
            raise


def quiet_config(app: ASGIApp, **more: Any) -> uvicorn.Config:
    """Return the configuration of a server that logs nothing and does not name itself.

    Args:
        app: the application.
        more: what else `uvicorn.Config` takes.
    """
    return uvicorn.Config(
        app, log_config=None, log_level="critical", access_log=False, server_header=False, **more
    )


class _LoopbackServer(uvicorn.Server):
    """Reports when it is ready, and returns after a signal; uvicorn would raise it again."""

    def __init__(
        self, config: uvicorn.Config, url: str, ready: Callable[[str], None] | None
    ) -> None:
        super().__init__(config)
        self._url = url
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and self._ready is not None:
            self._ready(self._url)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield  # Python delivers signals to the main thread only
            return

        def stop(number: int, frame: FrameType | None) -> None:
            self.handle_exit(number, frame)

        before = {number: signal.signal(number, stop) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _listen(host: str, port: int) -> socket.socket:
    """A listening socket."""
    # The protocol is named, because asyncio switches Nagle's algorithm off only then; with it on
    # every reply waits 40 ms for the acknowledgement of its own headers.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}{BASE_PATH}"
