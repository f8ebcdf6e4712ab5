"""A second look at a port that did not answer as it should: what a first one does not tell.

Made only before a server has ever answered, and only where it is reached directly.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TypeVar
from urllib.parse import urlsplit

import anyio
from anyio.streams.tls import TLSAttribute, TLSStream

from kbsync.dify.access import Access
from kbsync.dify.gateways import with_tls
from kbsync.dify.request import ApiCall
from kbsync.dify.trust import trust_of
from kbsync.dify.way import Way
from kbsync.messages import Notice
from kbsync.messages import remote as messages
from kbsync.model import Ambiguous, NotReady, NotSent, Outcome

T = TypeVar("T")

SECONDS = 3.0
MOST_NAMES = 5
_UNANSWERED = frozenset(each.code for each in (messages.CUT_OFF, messages.NOT_HTTP))


async def looked_again(call: ApiCall, outcome: Outcome[T], way: Way) -> Outcome[T]:
    """Return `outcome` with what a second look tells of its cause."""
    if not isinstance(outcome, NotSent | NotReady | Ambiguous) or way.proxy or not way.network:
        return outcome
    why, url = outcome.why, way.access.url
    if why.message is messages.OTHER_NAME:
        names = await names_at(way.access)
        return replace(outcome, why=_named(why, names)) if names else outcome
    if why.code in _UNANSWERED and url.startswith("http:") and await speaks_tls(url):
        why = messages.SPEAKS_TLS(what=call.what, url=url, address=with_tls(url))
        return replace(outcome, why=why)
    return outcome


def _named(why: Notice, names: list[str]) -> Notice:
    more = len(names) - MOST_NAMES
    shown = ", ".join(names[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
    return why.message(**{**why.words, "names": shown})


async def speaks_tls(url: str) -> bool:
    """Whether the port of `url` speaks TLS, whatever its certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    stream = await _greeted(url, context)
    if stream is None:
        return False
    await anyio.aclose_forcefully(stream)
    return True


async def names_at(access: Access) -> list[str]:
    """Return the names that the server's certificate is for; none where it is not trusted."""
    # A context of its own: that of the client goes on to check names.
    context = trust_of(access, needed=True).context
    context.check_hostname = False
    stream = await _greeted(access.url, context)
    if stream is None:
        return []
    certificate = stream.extra(TLSAttribute.peer_certificate)  # noqa: S610 - no database here
    await anyio.aclose_forcefully(stream)
    return list(_names(certificate or {}))


def _names(certificate: Mapping[str, object]) -> Iterator[str]:
    listed = certificate.get("subjectAltName", ())
    assert isinstance(listed, tuple)  # noqa: S101 - the shape is the ssl module's
    yield from (value for kind, value in listed if kind in ("DNS", "IP Address"))


async def _greeted(url: str, context: ssl.SSLContext) -> TLSStream | None:
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    try:
        with anyio.fail_after(SECONDS):
            return await anyio.connect_tcp(
                host, port, tls=True, ssl_context=context, tls_hostname=host
            )
    except (OSError, anyio.BrokenResourceError, anyio.EndOfStream, ValueError):
        return None
