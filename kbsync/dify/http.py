"""One call, its request and its reply → `Outcome`. Nothing a server does raises."""

from __future__ import annotations

import logging
import ssl
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

import anyio
import httpx

from kbsync.dify import errors
from kbsync.dify.http_client import HttpClient
from kbsync.dify.multipart import Multipart, PayloadChanged
from kbsync.dify.no_connection import wants_certificate, why_no_connection
from kbsync.dify.pending import PendingCalls
from kbsync.dify.reading import M, Malformed, read
from kbsync.dify.request import ApiCall, ApiReply
from kbsync.dify.second_look import SecondLook
from kbsync.dify.traffic import Traffic
from kbsync.dify.transport import NO_HTTP
from kbsync.dify.way import Way
from kbsync.messages import Notice
from kbsync.messages import remote as messages
from kbsync.model import Done, Failure, NotSent, Outcome, Rejected, Unauthorized

S = TypeVar("S")
T = TypeVar("T")

_LOG = logging.getLogger(__name__)

LARGEST_REPLY = 16 * 1024 * 1024
# Those compress a thousandfold at most; compressed twice, or in other ways, has no such bound.
ENCODINGS = frozenset({"", "identity", "gzip", "deflate"})
# A call may take this many read timeouts: a reply that trickles in has to end too.
PATIENCE = 5
SLOWEST_UPLOAD = 64 * 1024  # bytes per second
SLOWEST_STORING = 1024 * 1024  # bytes per second, before the first byte of the answer

# Nothing of the request left: a write did not happen, and may be sent again.
_BEFORE_SENDING = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)


class Exchange:
    """Sends calls over one `HttpClient` and reads what comes.

    Args:
        way: how the server is reached.
        http: the client.
        seen: gets every reply: its version header says what the server can do.
        wall: epoch seconds, for a Retry-After that names a date.

    Attributes:
        pending: the calls whose answers are waited for.
        traffic: what was asked, counted.
    """

    def __init__(
        self,
        way: Way,
        http: HttpClient,
        seen: Callable[[ApiReply], None] = lambda reply: None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._way = way
        self._access = way.access
        self._look = SecondLook(way)
        self._answered = False
        self._http = http
        self._seen = seen
        self._wall = wall
        self.pending = PendingCalls(way.where, wall)
        self.traffic = Traffic()

    async def ask(
        self,
        call: ApiCall,
        shape: type[M],
        *,
        params: Mapping[str, str | int] | None = None,
        json: object = None,
        upload: Multipart | None = None,
    ) -> Outcome[M]:
        """Send `call` and read the reply as a `shape`.

        The one place where a malformed reply becomes an outcome.
        """
        reply = await self.send(call, params=params, json=json, upload=upload)
        if not isinstance(reply, Done):
            return reply
        try:
            return Done(read(shape, reply.value.body))
        except Malformed as fault:
            return errors.malformed(call, reply.value, self._way, str(fault))

    async def tell(self, call: ApiCall, *, json: object = None) -> Outcome[None]:
        """Send `call`, whose success has no content worth reading (docs/dify-api.md 1.3)."""
        reply = await self.send(call, json=json)
        if isinstance(reply, Done) and _web_page(reply.value):
            return errors.malformed(call, reply.value, self._way, "a web page")
        return Done(None) if isinstance(reply, Done) else reply

    async def send(
        self,
        call: ApiCall,
        *,
        params: Mapping[str, str | int] | None = None,
        json: object = None,
        upload: Multipart | None = None,
    ) -> Outcome[ApiReply]:
        """Send `call`, once more if a dropped connection cut a read off, or with a newer key."""
        # A server answers it like a wrong address, and that would stop the whole mirror.
        if call.strange_id is not None:
            return Rejected(messages.BAD_ID(what=call.what, id=call.strange_id))
        try:
            content = await upload.content() if upload else None
            request = self._request(call, params, json, upload, content)
        except PayloadChanged as fault:
            return NotSent(fault.why or messages.PAYLOAD_CHANGED(what=call.what))
        except (ValueError, httpx.InvalidURL):
            return Rejected(messages.UNSENDABLE(what=call.what))
        used = self._access.key.reveal()
        outcome = await self._once(call, request, upload)
        if _refused_key(outcome) and self._access.key.replaced(used):
            if upload is not None:  # its payload can be read only once
                return NotSent(messages.KEY_REPLACED(what=call.what))
            return await self._once(call, self._request(call, params, json, None, None), None)
        if _was_cut_off(outcome) and not call.write:
            # The server closed an idle connection in that moment, or an answer was damaged on its
            # way; the next try opens a new one.
            outcome = await self._once(call, request, upload)
        return outcome if self._answered else await self._look.at(call, outcome)

    def _request(
        self,
        call: ApiCall,
        params: Mapping[str, str | int] | None,
        json: object,
        upload: Multipart | None,
        content: bytes | Multipart | None,
    ) -> httpx.Request:
        size = upload.size if upload else 0
        access = self._access
        headers = {"authorization": f"Bearer {access.key.reveal()}"}
        # Without it httpx sends a stream in chunks, and the server cannot refuse it by its size.
        if upload:
            headers["content-type"] = upload.media_type
            headers["content-length"] = str(upload.length)
        return self._http.request(
            call.method,
            access.url + call.path,
            params=params,
            json=json,
            content=content,
            headers=headers,
            timeout=httpx.Timeout(
                access.read_timeout + size / SLOWEST_STORING,
                connect=access.connect_timeout,
            ),
        )

    async def _once(
        self, call: ApiCall, request: httpx.Request, upload: Multipart | None
    ) -> Outcome[ApiReply]:
        outcome = await self._exchanged(call, request, upload)
        sent = upload.size if upload is not None and upload.complete else 0
        self.traffic.note(call, outcome, sent)
        return outcome

    async def _exchanged(
        self, call: ApiCall, request: httpx.Request, upload: Multipart | None
    ) -> Outcome[ApiReply]:
        limit, began = self._limit(upload), time.monotonic()
        status: int | None = None
        try:
            with self.pending.noted(call.what, limit), anyio.fail_after(limit):
                reply = await self._receive(request)
                status = reply.status if reply else None
        except PayloadChanged as fault:
            return NotSent(fault.why or messages.PAYLOAD_CHANGED(what=call.what))
        except (TimeoutError, ssl.SSLError, httpx.HTTPError) as fault:
            return self.broken(call, fault, upload)
        finally:
            _note(call, status, time.monotonic() - began)
        if reply is None:
            mebibytes = LARGEST_REPLY // 1024**2
            why = messages.REPLY_TOO_LARGE(what=call.what, mebibytes=mebibytes)
            return errors.interrupted(call, why, sent=True, after=errors.WINDOW)
        self._seen(reply)
        sent = upload is None or upload.complete
        if reply.ok:
            # A success that came before the whole file was sent is about another file than ours.
            return (
                Done(reply) if sent else errors.interrupted(call, self._cut_short(call), sent=True)
            )
        return errors.fault(call, reply, self._way, self._wall(), sent=sent)

    def _limit(self, upload: Multipart | None) -> float:
        size = upload.size if upload else 0
        access = self._access
        return access.connect_timeout + PATIENCE * access.read_timeout + size / SLOWEST_UPLOAD

    async def _receive(self, request: httpx.Request) -> ApiReply | None:
        """Return the reply, None when it is too large."""
        response = await self._http.send(request)
        self._answered = True
        try:
            encoding = response.headers.get("content-encoding", "").strip().lower()
            if encoding not in ENCODINGS:
                raise httpx.DecodingError(f"encoded as {encoding[:40]}")
            body = bytearray()
            async for piece in response.aiter_bytes():
                body += piece
                # Counted as it is decompressed: a small reply may become a large one.
                if len(body) > LARGEST_REPLY:
                    return None
        finally:
            await response.aclose()
        headers = {name.lower(): value for name, value in response.headers.items()}
        hide = self._access.hide
        # An error page may show the request it answers, key and all.
        if not response.is_success:
            body = bytearray(hide(body.decode("latin-1")).encode("latin-1"))
        return ApiReply(
            status=response.status_code,
            headers={name: hide(value) for name, value in headers.items()},
            body=bytes(body),
        )

    def broken(self, call: ApiCall, fault: Exception, upload: Multipart | None = None) -> Failure:
        """Return what a connection means that could not be made, broke off or took too long."""
        if upload and upload.changed:
            return NotSent(upload.limit or messages.PAYLOAD_CHANGED(what=call.what))
        if isinstance(fault, _BEFORE_SENDING) or wants_certificate(fault):
            return self._not_sent(call, fault)
        url, sent = self._way.where, upload is None or upload.complete
        if isinstance(fault, (TimeoutError, httpx.TimeoutException)):
            seconds = f"{self._access.read_timeout:g}"
            why = messages.SLOW(what=call.what, url=url, seconds=seconds)
        elif NO_HTTP in str(fault) and not self._answered:
            why = messages.NOT_HTTP(what=call.what, url=url)
        elif sent:
            why = messages.CUT_OFF(what=call.what, url=url)
        else:
            why = self._cut_short(call)
        return errors.interrupted(call, why, sent=sent)

    def _cut_short(self, call: ApiCall) -> Notice:
        return messages.CUT_SHORT(what=call.what, url=self._way.where)

    def _not_sent(self, call: ApiCall, fault: Exception) -> Failure:
        why = why_no_connection(call, fault, self._way)
        # A proxy that refuses does so until it, or the address it is given, is changed.
        return Unauthorized(why) if why.message is messages.PROXY else NotSent(why)


def _note(call: ApiCall, status: int | None, seconds: float) -> None:
    """Log a request, without its query and its body: these hold texts, names and values."""
    if not _LOG.isEnabledFor(logging.DEBUG):
        return
    request = {
        "call": call.what,
        "method": call.method,
        "route": call.path,
        "status": status,
        "ms": round(seconds * 1000),
    }
    _LOG.debug("%s", call.what, extra={"request": request})


def mapped(outcome: Outcome[S], turn: Callable[[S], T]) -> Outcome[T]:
    """Return `outcome` with its value turned; a failure stays as it is."""
    return Done(turn(outcome.value)) if isinstance(outcome, Done) else outcome


def _refused_key(outcome: Outcome[ApiReply]) -> bool:
    return isinstance(outcome, Unauthorized) and outcome.why.message is messages.WRONG_KEY


def _was_cut_off(outcome: Outcome[ApiReply]) -> bool:
    why = getattr(outcome, "why", None)
    return isinstance(why, Notice) and why.message in (messages.CUT_OFF, messages.NOT_HTTP)


def _web_page(reply: ApiReply) -> bool:
    return "html" in reply.headers.get("content-type", "") and bool(reply.body)
