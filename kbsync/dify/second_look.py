"""A second look at a port that did not answer as it should: what a first one does not tell.

Made only before a server has ever answered, and only where it is reached directly.
"""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import NamedTuple, TypeVar
from urllib.parse import urlsplit

import anyio
from anyio.streams.tls import TLSAttribute, TLSStream

from kbsync.dify.access import Access
from kbsync.dify.gateways import with_tls
from kbsync.dify.no_connection import not_let_in, wants_certificate
from kbsync.dify.request import ApiCall
from kbsync.dify.trust import trust_of
from kbsync.dify.way import Way
from kbsync.messages import Notice
from kbsync.messages import remote as messages
from kbsync.model import Ambiguous, NotReady, NotSent, Outcome

T = TypeVar("T")

SECONDS = 3.0
KEPT = 60.0
_HTTP = b"HTTP/"
MOST_NAMES = 5
_UNANSWERED = frozenset(each.code for each in (messages.CUT_OFF, messages.NOT_HTTP))


class Glimpse(NamedTuple):
    """What a second look found, and when."""

    at: float
    words: Sequence[str]


class SecondLook:
    """Second looks at one server; each is made once a minute at most.

    Args:
        way: how the server is reached.
    """

    def __init__(self, way: Way) -> None:
        self._way = way
        self._seen: dict[Callable[[Access], Awaitable[Sequence[str]]], Glimpse] = {}

    async def at(self, call: ApiCall, outcome: Outcome[T]) -> Outcome[T]:
        """Return `outcome` with what a second look tells of its cause."""
        way, url = self._way, self._way.access.url
        if not isinstance(outcome, NotSent | NotReady | Ambiguous) or way.proxy or not way.network:
            return outcome
        why = outcome.why
        if why.message is messages.OTHER_NAME and (names := await self._told(names_at)):
            return replace(outcome, why=_named(why, names))
        if why.code in _UNANSWERED and url.startswith("https:"):
            words = await self._told(certificate_wanted_at)
            return replace(outcome, why=not_let_in(call, way, words[0])) if words else outcome
        if why.code in _UNANSWERED and url.startswith("http:"):
            return replace(outcome, why=await self._unanswered(call, why))
        return outcome

    async def _unanswered(self, call: ApiCall, why: Notice) -> Notice:
        url = self._way.access.url
        if await self._told(tls_at):
            return messages.SPEAKS_TLS(what=call.what, url=url, address=with_tls(url))
        if await self._told(no_http_at):
            return messages.NOT_HTTP(what=call.what, url=url)
        return why

    async def _told(self, look: Callable[[Access], Awaitable[Sequence[str]]]) -> Sequence[str]:
        seen = self._seen.get(look)
        if seen is None or anyio.current_time() > seen.at + KEPT:
            seen = self._seen[look] = Glimpse(anyio.current_time(), await look(self._way.access))
        return seen.words


def _named(why: Notice, names: Sequence[str]) -> Notice:
    more = len(names) - MOST_NAMES
    shown = ", ".join(names[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
    return why.message(**{**why.words, "names": shown})


async def tls_at(access: Access) -> Sequence[str]:
    """Return the version of TLS that the port of a plain address speaks; nothing if it does not."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    stream = await _greeted(access, context)
    if stream is None:
        return []
    version = stream.extra(TLSAttribute.tls_version)  # noqa: S610 - no database here
    await anyio.aclose_forcefully(stream)
    return [version]


async def no_http_at(access: Access) -> Sequence[str]:
    """Return the beginning of an answer that is no HTTP; nothing where it is, or none comes."""
    host, port = _port(access.url)
    with suppress(OSError, anyio.BrokenResourceError, anyio.EndOfStream):
        with anyio.fail_after(min(SECONDS, access.read_timeout)):
            async with await anyio.connect_tcp(host, port) as stream:
                await stream.send(b"GET / HTTP/1.0\r\n\r\n")
                said = await stream.receive(len(_HTTP))
        return [] if said.startswith(_HTTP) else [said.decode("latin-1")]
    return []


async def names_at(access: Access) -> Sequence[str]:
    """Return the names that the server's certificate is for; none where it is not trusted."""
    # A context of its own: that of the client goes on to check names.
    context = trust_of(access, needed=True).context
    context.check_hostname = False
    stream = await _greeted(access, context)
    if stream is None:
        return []
    certificate = stream.extra(TLSAttribute.peer_certificate)  # noqa: S610 - no database here
    await anyio.aclose_forcefully(stream)
    return list(_names(certificate or {}))


async def certificate_wanted_at(access: Access) -> Sequence[str]:
    """Return what a server says that wants a certificate of the client; nothing of others.

    A request that is under way may be answered with an end that overtakes these words.
    """
    stream = await _greeted(access, trust_of(access, needed=True).context)
    if stream is None:
        return []
    try:
        with anyio.move_on_after(min(SECONDS, access.read_timeout)):
            await stream.receive(1)
    except ssl.SSLError as fault:
        return [fault.reason or ""] if wants_certificate(fault) else []
    except (OSError, anyio.BrokenResourceError, anyio.EndOfStream):
        return []
    finally:
        await anyio.aclose_forcefully(stream)
    return []


def _names(certificate: Mapping[str, object]) -> Iterator[str]:
    listed = certificate.get("subjectAltName", ())
    assert isinstance(listed, tuple)  # noqa: S101 - the shape is the ssl module's
    yield from (value for kind, value in listed if kind in ("DNS", "IP Address"))


def _port(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


async def _greeted(access: Access, context: ssl.SSLContext) -> TLSStream | None:
    host, port = _port(access.url)
    try:
        with anyio.fail_after(min(SECONDS, access.read_timeout)):
            return await anyio.connect_tcp(
                host, port, tls=True, ssl_context=context, tls_hostname=host
            )
    except (OSError, anyio.BrokenResourceError, anyio.EndOfStream, ValueError):
        return None
