"""The bytes of a file at a signed address, hashed and kept as they come (docs/dify-api.md 6.6).

The address is a reply of a server, and replies are hostile: its path and query alone count, and
they are asked of the server's own address, without the key. Nothing of the address is ever shown
but its host: whoever has the rest can fetch the file.
"""

from __future__ import annotations

import hashlib
from http import HTTPStatus
from typing import Protocol
from urllib.parse import urlsplit

import anyio
import httpx

from kbsync.dify import errors
from kbsync.dify.access import Access
from kbsync.dify.http import PATIENCE, SLOWEST_UPLOAD, Exchange
from kbsync.dify.http_client import HttpClient
from kbsync.dify.request import ApiCall
from kbsync.lazy_dataclass import dataclass
from kbsync.messages import Notice
from kbsync.messages import remote as messages
from kbsync.model import (
    Done,
    Failure,
    NotReady,
    Original,
    Outcome,
    Rejected,
    Throttled,
    Unauthorized,
)

# A connection may break; bytes that are missing at the server are missing every time.
TRIES = 3


class Sink(Protocol):
    """Where the bytes of a file are kept."""

    def begin(self) -> None:
        """Drop what was written: the bytes come anew, from the first on."""
        ...

    def write(self, piece: bytes) -> None:
        """Keep the next bytes."""
        ...


@dataclass(frozen=True, slots=True)
class SignedAddress:
    """Where a server says a file can be had.

    Args:
        host: what it names, empty where it names none.
        target: path and query, as they are asked of the server's own address.
    """

    host: str
    target: str


def signed_address(url: str) -> SignedAddress | None:
    """Return `url` in its parts, None when it is no address of a file on the web."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    # An address without a scheme is one on the same server.
    if parts.scheme not in ("http", "https", "") or not target.startswith("/"):
        return None
    if not target.isascii() or not target.isprintable() or " " in target:
        return None
    return SignedAddress(f"{host}:{port}" if port else host, target)


class FileDownload:
    """Fetches files at signed addresses.

    Args:
        access: whose address is asked, and how long to wait.
        http: the client.
        exchange: says what a fault of the connection means.
    """

    def __init__(self, access: Access, http: HttpClient, exchange: Exchange) -> None:
        self._access = access
        self._http = http
        self._exchange = exchange
        parts = urlsplit(access.url)
        self._host = parts.netloc.lower()
        self._origin = f"{parts.scheme}://{parts.netloc}"

    async def hashed(
        self, call: ApiCall, url: str, largest: int, into: Sink | None = None
    ) -> Outcome[Original]:
        """Return the hash and size of the bytes at `url`.

        Args:
            call: what they are asked for, for messages.
            url: as the server signed it.
            largest: no more bytes than this are read.
            into: gets the bytes; None: they are hashed and dropped.
        """
        address = signed_address(url)
        if address is None:
            return Rejected(messages.FILE_ADDRESS(what=call.what))
        found = await self._once(call, address, largest, into)
        for _ in range(TRIES - 1):
            if not isinstance(found, Done) or not found.value.ended_early:
                break
            found = await self._once(call, address, largest, into)
        return found

    async def _once(
        self, call: ApiCall, address: SignedAddress, largest: int, into: Sink | None
    ) -> Outcome[Original]:
        access = self._access
        seconds = PATIENCE * access.read_timeout + largest / SLOWEST_UPLOAD
        try:
            request = self._request(address)
            with anyio.fail_after(access.connect_timeout + seconds):
                return await self._receive(call, address, request, largest, into)
        except (ValueError, httpx.InvalidURL):
            return Rejected(messages.FILE_ADDRESS(what=call.what))
        except (TimeoutError, httpx.HTTPError) as fault:
            return self._exchange.broken(call, fault)

    def _request(self, address: SignedAddress) -> httpx.Request:
        headers = {"accept": "*/*", "accept-encoding": "identity"}
        return self._http.request("GET", self._origin + address.target, headers=headers)

    async def _receive(
        self,
        call: ApiCall,
        address: SignedAddress,
        request: httpx.Request,
        largest: int,
        into: Sink | None,
    ) -> Outcome[Original]:
        response = await self._http.send(request)
        try:
            if response.status_code != HTTPStatus.OK or _web_page(response):
                return self._refusal(call, address, response)
            # It was asked for as it is, and a little that is packed may become without end.
            if response.headers.get("content-encoding", "identity").strip().lower() != "identity":
                return Rejected(messages.MALFORMED(what=call.what, words="the file came packed"))
            return Done(await _hashed(response, largest, into))
        finally:
            await response.aclose()

    def _refusal(self, call: ApiCall, address: SignedAddress, response: httpx.Response) -> Failure:
        status = response.status_code
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            return Throttled(errors.WINDOW)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
            words = HTTPStatus(status).phrase if status in set(HTTPStatus) else ""
            why = messages.SERVER_FAULT(what=call.what, status=status, words=words)
            return NotReady(why, errors.AGAIN)
        kind = response.headers.get("content-type", "")
        if address.host.lower() in ("", self._host) and "json" in kind:
            return Rejected(messages.FILE_REFUSED(what=call.what, status=status))
        return Unauthorized(self._elsewhere(call, address, status))

    def _elsewhere(self, call: ApiCall, address: SignedAddress, status: int) -> Notice:
        host = address.host or self._host
        return messages.FILES_ELSEWHERE(
            what=call.what, host=host, origin=self._origin, status=status
        )


async def _hashed(response: httpx.Response, largest: int, into: Sink | None) -> Original:
    """Read the reply to its end, or to `largest` bytes.

    Raises:
        httpx.HTTPError: it broke off, and how long it would have been was not said.
    """
    declared = _declared(response)
    digest, size = hashlib.sha256(), 0
    if declared is not None and declared > largest:
        return Original(content="", size=0, declared=declared, whole=False)
    if into is not None:
        into.begin()
    try:
        async for piece in response.aiter_bytes():
            digest.update(piece)
            size += len(piece)
            if size > largest:
                return Original(content="", size=size, declared=declared, whole=False)
            if into is not None:
                into.write(piece)
    except httpx.RemoteProtocolError:
        # The connection was closed in order, before all that was announced had come.
        if declared is None:
            raise
    whole = declared is None or size == declared
    return Original(content=digest.hexdigest(), size=size, declared=declared, whole=whole)


def _declared(response: httpx.Response) -> int | None:
    text = response.headers.get("content-length", "")
    return int(text[:18]) if text.isascii() and text.isdigit() else None


def _web_page(response: httpx.Response) -> bool:
    """Whether a page came where a file was due: servers send one as an attachment."""
    return "html" in response.headers.get("content-type", "")
