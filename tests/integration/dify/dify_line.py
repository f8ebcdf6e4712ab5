"""A server that answers with exact bytes on a real socket, and a payload in memory."""

from __future__ import annotations

import asyncio
import hashlib
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from canary import KEY

from kbsync.dify.client import DifyClient
from kbsync.model import Stat

__all__ = ["KEY"]


@dataclass
class Taken:
    """What the server got, request by request."""

    requests: list[bytes] = field(default_factory=list)
    connections: int = 0

    @property
    def heads(self) -> list[str]:
        return [one.partition(b"\r\n\r\n")[0].decode("latin-1") for one in self.requests]


@dataclass
class Line:
    """One connection, as a script of the test sees it."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    taken: Taken

    async def request(self) -> bytes:
        """Read one whole request: head and as many bytes as it announces."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        whole = head + await self.reader.readexactly(length)
        self.taken.requests.append(whole)
        return whole

    async def say(self, raw: bytes) -> None:
        self.writer.write(raw)
        await self.writer.drain()

    def reset(self) -> None:
        """Close with RST, not FIN."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.close()


Script = Callable[[Line], Awaitable[None]]


def reply(
    status: int | str, body: bytes = b"", kind: str = "application/json", *more: str
) -> bytes:
    head = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", f"Content-Type: {kind}", *more]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def answering(*raws: bytes) -> Script:
    """Answer the connection's requests one after the other, then close it."""

    async def script(line: Line) -> None:
        for raw in raws:
            await line.request()
            await line.say(raw)

    return script


@asynccontextmanager
async def serving(*scripts: Script) -> AsyncIterator[tuple[str, Taken]]:
    """Serve on loopback: connection n follows script n, the last one is for all further ones."""
    taken = Taken()
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        script = scripts[min(taken.connections, len(scripts) - 1)]
        taken.connections += 1
        try:
            await script(Line(reader, writer, taken))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            tasks.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}/v1", taken
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


Open = Callable[..., DifyClient]


class Memory:
    """A payload in memory, which may change while it is read.

    Args:
        fault: ``torn``, ``shrunk``, ``grown`` or ``unreadable``.
    """

    media_type = "text/markdown"
    taken = None

    def __init__(self, content: bytes, fault: str | None = None) -> None:
        self._content = content
        self._fault = fault
        self._hash = hashlib.sha256()
        self.read_bytes = 0
        self.size = len(content) + {"shrunk": 1, "grown": -1}.get(fault or "", 0)
        self.stat = Stat(self.size, 0, 0, 1)

    @staticmethod
    def sha256(content: bytes) -> str:
        return hashlib.sha256(content).hexdigest()

    def read(self, size: int = -1) -> bytes:
        if self._fault == "unreadable" and self.read_bytes >= len(self._content) // 2:
            raise OSError(5, "Input/output error")
        end = len(self._content) if size < 0 else self.read_bytes + size
        if self._fault == "unreadable":
            end = min(end, len(self._content) // 2)
        piece = self._content[self.read_bytes : end]
        self.read_bytes += len(piece)
        self._hash.update(piece)
        return piece

    @property
    def content(self) -> str:
        return self._hash.hexdigest()

    def torn(self) -> bool:
        return self._fault == "torn"


class Endless(Memory):
    """As many bytes as asked for, none of them held."""

    def __init__(self, size: int) -> None:
        super().__init__(b"")
        self.size = size

    def read(self, size: int = -1) -> bytes:
        left = self.size - self.read_bytes
        piece = b"x" * (left if size < 0 else min(size, left))
        self.read_bytes += len(piece)
        return piece
