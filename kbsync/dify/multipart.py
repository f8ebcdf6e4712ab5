"""A multipart upload that is streamed and knows whether it went out whole.

Not httpx's own, because two things matter that a general encoder does not promise: the length is
sent before the first byte, and a file that changes meanwhile stops the request before its last
byte, so that the server never holds a complete one.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator, Mapping
from typing import NoReturn

import anyio.to_thread
import httpx

from kbsync.engine.ports import Payload
from kbsync.messages import Notice
from kbsync.messages.machine_limits import machine_limit

# One hop to a thread reads so much.
CHUNK = 256 * 1024
# So much is read without one: the hop takes longer than the read.
SMALL = 64 * 1024


class PayloadChanged(Exception):  # noqa: N818 - `http.Exchange` turns it into an outcome
    """The payload changed or could not be read; the request was broken off before its end.

    Args:
        why: the limit of the machine that kept it from being read, None where it changed.
    """

    def __init__(self, why: Notice | None = None) -> None:
        super().__init__()
        self.why = why


def is_sendable(name: str) -> bool:
    """Whether `name` arrives as it is when it is sent as a file name."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return bool(name) and not any(ch in '"\\\x7f' or ch < " " for ch in name)


class Multipart(httpx.AsyncByteStream):
    """One file and its ``data`` field, readable once.

    Args:
        name: sent as the file's name, in UTF-8; has to be `is_sendable`.
        payload: what is sent, None to send `fields` alone; more than `SMALL` is read in threads.
        fields: the ``data`` part: a plain form field without a file name (docs/dify-api.md 4.1);
            None sends no such part.
    """

    def __init__(
        self, name: str, payload: Payload | None, fields: Mapping[str, object] | None
    ) -> None:
        # Drawn anew for each upload, so that no file can contain it.
        boundary = f"kbsync-{secrets.token_hex(16)}"
        self._payload = payload
        self._head = b"" if fields is None else _field(boundary, json.dumps(fields).encode())
        if payload is not None:
            self._head += b"\r\n" if self._head else b""
            self._head += _file_header(boundary, name, payload.media_type)
        self._tail = f"\r\n--{boundary}--\r\n".encode()
        self.size = payload.size if payload else 0
        self.length = len(self._head) + self.size + len(self._tail)
        self.media_type = f"multipart/form-data; boundary={boundary}"
        self.complete = False
        self.changed = False
        self.limit: Notice | None = None

    async def content(self) -> bytes | Multipart:
        """Return what to send: a small body as bytes, which costs less, a larger one as a stream.

        Raises:
            PayloadChanged: the payload is not what it was when its size was taken.
        """
        if self.size > CHUNK:
            return self
        small = self.size <= SMALL
        finish = self._finish
        rest = finish(self.size) if small else await anyio.to_thread.run_sync(finish, self.size)
        self.complete = True
        return self._head + rest + self._tail

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the body; `complete` turns true before its last bytes, never earlier."""
        pending, left = self._head, self.size
        while left > CHUNK:
            piece = await self._read(CHUNK)
            if not piece:
                self._stop()
            left -= len(piece)
            yield pending + piece
            pending = b""
        rest = await anyio.to_thread.run_sync(self._finish, left)
        self.complete = True
        yield pending + rest + self._tail

    async def _read(self, size: int) -> bytes:
        try:
            return await anyio.to_thread.run_sync(self._payload_read, size)
        except OSError as error:
            self._stop(error)

    def _payload_read(self, size: int) -> bytes:
        return self._payload.read(size) if self._payload else b""

    def _finish(self, left: int) -> bytes:
        """Read the last bytes, and make sure that there are no more and that none changed."""
        payload = self._payload
        if payload is None:
            return b""
        try:
            pieces = []
            while left > 0 and (piece := payload.read(left)):
                pieces.append(piece)
                left -= len(piece)
            # As many bytes may still be other bytes: the file is compared with how it was opened.
            if left or payload.read(1) or payload.torn():
                self._stop()
        except OSError as error:
            self._stop(error)
        return b"".join(pieces)

    def _stop(self, error: OSError | None = None) -> NoReturn:
        self.changed = True
        self.limit = machine_limit(error) if error else None
        raise PayloadChanged(self.limit)


def _field(boundary: str, value: bytes) -> bytes:
    return b'--%b\r\nContent-Disposition: form-data; name="data"\r\n\r\n%b' % (
        boundary.encode(),
        value,
    )


def _file_header(boundary: str, name: str, media_type: str) -> bytes:
    return (
        f"--{boundary}\r\n"
        f'Content-Disposition: form-data; name="file"; filename="{name}"\r\n'
        f"Content-Type: {media_type}\r\n\r\n"
    ).encode()
