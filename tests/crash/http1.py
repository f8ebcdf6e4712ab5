"""Just enough of HTTP/1.1 to pass messages on whole: lengths, chunks, replies that end the line."""

from __future__ import annotations

import re
from asyncio import IncompleteReadError, StreamReader
from dataclasses import dataclass

LONGEST = 64 * 1024 * 1024
HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length"})


class BrokenError(Exception):
    """The other side closed the connection in the middle of a message, or sent something else."""


@dataclass(frozen=True, slots=True)
class Message:
    """A request or a reply, read to its end.

    Args:
        first: request or status line, without its end.
        headers: as they came.
        body: decoded from chunks if it came in any.
    """

    first: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str:
        return next((value for each, value in self.headers if each.lower() == name), "")

    @property
    def status(self) -> int:
        """A reply's status."""
        return int(self.first.split(" ", 2)[1])

    def bytes(self, *, close: bool) -> bytes:
        """Return it with its length in a header, and whether the connection ends with it."""
        kept = [(name, value) for name, value in self.headers if name.lower() not in HOP_BY_HOP]
        headers_sent = [*kept, ("Content-Length", str(len(self.body)))]
        if close:
            headers_sent.append(("Connection", "close"))
        lines = [self.first, *(f"{name}: {value}" for name, value in headers_sent)]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + self.body


async def read_request(reader: StreamReader) -> Message | None:
    """Return the next request, None when the client is through.

    Raises:
        BrokenError: it ends before its end.
    """
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except IncompleteReadError as fault:
        if fault.partial:
            raise BrokenError from fault
        return None
    except OSError:
        return None
    return await _rest(head, reader, reply=False)


async def read_reply(reader: StreamReader, *, bodiless: bool = False) -> Message:
    """Return a reply.

    Args:
        reader: what the server sends.
        bodiless: it answers a HEAD.

    Raises:
        BrokenError: it ends before its end.
    """
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (IncompleteReadError, OSError) as fault:
        raise BrokenError from fault
    return await _rest(head, reader, reply=True, bodiless=bodiless)


async def _rest(
    head: bytes, reader: StreamReader, *, reply: bool, bodiless: bool = False
) -> Message:
    first, *lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    pairs = [line.partition(":") for line in lines]
    headers = tuple((name.strip(), value.strip()) for name, _, value in pairs)
    message = Message(first, headers, b"")
    bare = bodiless or (reply and message.status in (204, 304))
    try:
        body = b"" if bare else await _body(message, reader, reply=reply)
    except (IncompleteReadError, OSError) as fault:
        raise BrokenError from fault
    return Message(first, headers, body)


async def _body(message: Message, reader: StreamReader, *, reply: bool) -> bytes:
    if "chunked" in message.header("transfer-encoding").lower():
        return await _chunks(reader)
    length = message.header("content-length")
    if length:
        return await reader.readexactly(min(int(length), LONGEST))
    return await reader.read(LONGEST) if reply else b""


async def _chunks(reader: StreamReader) -> bytes:
    body = b""
    while size := int((await reader.readuntil(b"\r\n")).partition(b";")[0], 16):
        if len(body) + size > LONGEST:
            raise BrokenError
        body += (await reader.readexactly(size + 2))[:-2]
    while (await reader.readuntil(b"\r\n")) != b"\r\n":
        pass  # trailers
    return body


def file_name(body: bytes) -> str | None:
    """Return the name of the file in a multipart body."""
    found = re.search(rb'name="file"; filename="([^"]*)"', body[: 64 * 1024])
    return found[1].decode() if found else None
