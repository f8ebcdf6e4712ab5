"""A connection that could not be made → why, and what has to be changed for it.

The innermost cause knows most: libraries wrap it in exceptions that have its type or its words,
seldom both. A text is never shown as it is, as one about a header would show the key.
"""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx

from kbsync.dify.proxies import Proxy
from kbsync.dify.request import ApiCall
from kbsync.dify.way import Way
from kbsync.messages import Notice
from kbsync.messages import remote as messages
from kbsync.messages.machine_limits import machine_limit

# What OpenSSL says of an answer that is no TLS at all.
_NO_TLS = frozenset(
    {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE"}
)
_EXPIRED, _NOT_YET, _OTHER_HOST, _OTHER_ADDRESS = 10, 9, 62, 64
_AUTHORITY = frozenset({2, 18, 19, 20, 21})
# TLS 1.3 says so after the greeting, when a request is under way already; before 1.3 a server ends
# the greeting, with words that have other causes too.
_CLIENT_CERTIFICATE = "TLSV13_ALERT_CERTIFICATE_REQUIRED"
_GREETING_ENDED = "SSLV3_ALERT_HANDSHAKE_FAILURE"


def why_no_connection(call: ApiCall, fault: Exception, way: Way) -> Notice:
    """Return why `call` could not be sent.

    Args:
        call: what was asked.
        fault: as the HTTP library raised it.
        way: how the server is reached.
    """
    causes = list(causes_of(fault))
    for cause in reversed(causes):
        if isinstance(cause, OSError) and (limit := machine_limit(cause)):
            return limit
        if isinstance(cause, ssl.SSLError):
            return _no_trust(call, cause, way)
    if way.proxy is not None:
        return _no_proxy(call, fault, causes, way.proxy)
    return _no_server(call, fault, causes, way)


def wants_certificate(fault: Exception) -> bool:
    """Whether a server let nothing in, because the client showed no certificate."""
    causes = causes_of(fault)
    return any(isinstance(c, ssl.SSLError) and c.reason == _CLIENT_CERTIFICATE for c in causes)


def causes_of(fault: BaseException) -> Iterator[BaseException]:
    """Walk an exception and everything behind it."""
    pending, seen = [fault], set[int]()
    while pending:
        one = pending.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        pending += [link for link in (one.__cause__, one.__context__) if link is not None]
        if isinstance(one, BaseExceptionGroup):
            pending += one.exceptions


def _no_server(call: ApiCall, fault: Exception, causes: list[BaseException], way: Way) -> Notice:
    url = way.access.url
    if (unknown := _unknown_host(causes)) is not None:
        return messages.UNKNOWN_HOST(what=call.what, url=url, words=unknown)
    if isinstance(fault, httpx.TimeoutException):
        seconds = f"{way.access.connect_timeout:g}"
        return messages.CONNECT_SLOW(what=call.what, url=url, seconds=seconds)
    return messages.CANNOT_CONNECT(what=call.what, url=url, words=_words(fault, causes))


def _no_proxy(call: ApiCall, fault: Exception, causes: list[BaseException], proxy: Proxy) -> Notice:
    words = {"what": call.what, "proxy": proxy.shown, "origin": proxy.origin}
    if isinstance(fault, httpx.ProxyError):
        said = next((str(each) for each in causes if str(each)), "")[:200]
        # A server behind it that is away comes back; what it forbids stays forbidden.
        message = messages.PROXY_AWAY if said.startswith("5") else messages.PROXY
        return message(words=said, remedy=proxy.remedy, **words)
    why = _unknown_host(causes)
    if why is None and isinstance(fault, httpx.TimeoutException):
        why = "it did not accept the connection in time"
    why = why or _words(fault, causes)
    return messages.PROXY_AWAY(words=why, remedy=proxy.remedy, **words)


def _unknown_host(causes: list[BaseException]) -> str | None:
    return next((c.strerror or "" for c in causes if isinstance(c, socket.gaierror)), None)


def _words(fault: Exception, causes: list[BaseException]) -> str:
    numbers = [c.errno for c in causes if isinstance(c, OSError) and c.errno]
    return os.strerror(numbers[0]) if numbers else type(fault).__name__


def _no_trust(call: ApiCall, fault: ssl.SSLError, way: Way) -> Notice:
    words = {"what": call.what, "url": way.where}
    reason = fault.reason or ""
    secured = way.proxy is not None and way.proxy.scheme == "https"
    if reason in _NO_TLS or (secured and isinstance(fault, ssl.SSLEOFError)):
        return _no_tls(call, way)
    if not isinstance(fault, ssl.SSLCertVerificationError):
        return not_let_in(call, way, reason)
    said, code = fault.verify_message or reason, fault.verify_code
    if code in (_OTHER_HOST, _OTHER_ADDRESS):
        host = urlsplit(way.access.url).hostname or ""
        return messages.OTHER_NAME(host=host, names="other names", **words)
    if code in (_EXPIRED, _NOT_YET):
        return messages.OUT_OF_DATE(words=said, **words)
    remedy = way.trust.remedy if code in _AUTHORITY else "mend the certificate at the server"
    return messages.NO_TRUST(words=said, remedy=remedy, **words)


def not_let_in(call: ApiCall, way: Way, reason: str) -> Notice:
    """Return what to change where a server ended the greeting of TLS for `reason`."""
    words = {"what": call.what, "url": way.where, "words": reason or "TLS"}
    return messages.NO_TRUST(remedy=_of_tls(reason), **words)


def _of_tls(reason: str) -> str:
    if reason == _CLIENT_CERTIFICATE:
        return (
            "have kbsync let in by its key, or by server.headers: the server wants a certificate "
            "of the client, and kbsync shows none"
        )
    if reason == _GREETING_ENDED:
        return (
            "see what the server's log says of it: it may want a certificate of the client, and "
            "kbsync shows none"
        )
    return "see what the server's log says of it"


def _no_tls(call: ApiCall, way: Way) -> Notice:
    """Return what to change where TLS was spoken to what does not speak it."""
    proxy = way.proxy
    if proxy is not None and proxy.scheme == "https":
        # The address of a plain proxy is often written like those it is for.
        words = {"proxy": proxy.shown, "origin": proxy.origin, "words": "it does not speak TLS"}
        remedy = f"write http:// in {proxy.origin}"
        return messages.PROXY_AWAY(what=call.what, remedy=remedy, **words)
    plain = way.access.url.replace("https:", "http:", 1)
    return messages.NOT_TLS(what=call.what, url=way.where, address=plain)
