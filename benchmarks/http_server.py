"""The least HTTP/1.1 that the stubs need, so that what is measured is the client.

Requests have a Content-Length or no body. JSON is kept whole, of an upload the beginning, which is
where it has its names.
"""

from __future__ import annotations

import asyncio
import json
import signal
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

KEPT = 1 << 16
PIECE = 1 << 18


@dataclass(frozen=True)
class Request:
    """One request.

    Args:
        body: whole if it is JSON, otherwise its first `KEPT` bytes.
        length: bytes of the whole body.
    """

    method: str
    path: str
    query: Mapping[str, str]
    body: bytes
    length: int

    def json(self) -> object:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    """What is answered: a status and a body that is JSON already."""

    status: int
    body: bytes


def reply(value: object, status: int = 200) -> Reply:
    """Return `value` as a reply."""
    return Reply(status, json.dumps(value, separators=(",", ":")).encode())


Handler = Callable[[Request], Awaitable[Reply]]


class HttpServer:
    """Answers on a loopback port.

    Args:
        handler: is given each request.
        headers: of every reply.
    """

    def __init__(self, handler: Handler, headers: Mapping[str, str]) -> None:
        self._handler = handler
        self._headers = "".join(f"{name}: {value}\r\n" for name, value in headers.items())

    async def run(self, ready: Callable[[int], None]) -> None:
        """Serve until SIGTERM.

        Args:
            ready: called with the port once requests are answered.
        """
        server = await asyncio.start_server(self._connected, sock=_listening(), limit=KEPT)
        ended = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
        ready(server.sockets[0].getsockname()[1])
        await ended.wait()
        server.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                request = await _read(reader, writer)
                answer = await self._handler(request)
                writer.write(self._head(answer) + answer.body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _head(self, answer: Reply) -> bytes:
        return (
            f"HTTP/1.1 {answer.status} X\r\nContent-Type: application/json\r\n"
            f"{self._headers}Content-Length: {len(answer.body)}\r\n\r\n"
        ).encode()


def _listening() -> socket.socket:
    # The protocol is named, because asyncio switches Nagle's algorithm off only then.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    return listening


async def _read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, _, lines = head.partition("\r\n")
    method, target, _ = first.split(" ")
    headers = dict(line.lower().split(": ", 1) for line in lines.split("\r\n") if ": " in line)
    if headers.get("expect") == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    length = int(headers.get("content-length", 0))
    whole = headers.get("content-type", "").startswith("application/json")
    body = await reader.readexactly(length if whole else min(length, KEPT))
    await _drop(reader, length - len(body))
    parts = urlsplit(target)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    return Request(method, unquote(parts.path), query, body, length)


async def _drop(reader: asyncio.StreamReader, left: int) -> None:
    while left:
        piece = await reader.read(min(left, PIECE))
        if not piece:
            raise asyncio.IncompleteReadError(b"", left)
        left -= len(piece)
