"""The HTTP client under the API's: timeouts, trust, proxies, and what it must never keep or say."""

from __future__ import annotations

import logging
import ssl
from http.cookiejar import CookieJar, DefaultCookiePolicy
from urllib.request import getproxies

import httpx

from kbsync import __version__
from kbsync.dify.access import Access
from kbsync.dify.bulk import BulkTransport
from kbsync.messages import Problem
from kbsync.messages import remote as messages

# gunicorn drops idle connections after 2 s (docs/dify-api.md 1.1): ours are let go before, so that
# a write does not meet a closing connection and become ambiguous.
KEEPALIVE = 1.5
CONNECTIONS = 16


def open_http(
    access: Access, transport: httpx.AsyncBaseTransport | None = None
) -> httpx.AsyncClient:
    """Return the HTTP client for `access`.

    Args:
        access: timeouts, trust and proxies.
        transport: used instead of the network, e.g. `httpx.ASGITransport` for a server in process.

    Raises:
        Problem: the certificate file cannot be read.
    """
    _keep_headers_out_of_logs()
    trust = _trust(access)
    limits = httpx.Limits(
        max_connections=CONNECTIONS,
        max_keepalive_connections=CONNECTIONS,
        keepalive_expiry=KEEPALIVE,
    )
    if transport is None and not _has_proxy(access):
        own = httpx.AsyncHTTPTransport(verify=trust, limits=limits)
        transport = BulkTransport(own, trust, limits)
    return httpx.AsyncClient(
        transport=transport,
        verify=trust,
        proxy=access.proxy,
        trust_env=access.environment,
        timeout=httpx.Timeout(access.read_timeout, connect=access.connect_timeout),
        limits=limits,
        # Some servers send the key back as a cookie (docs/dify-api.md 1.1): none is ever kept.
        cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=[])),
        follow_redirects=False,
        headers={
            "user-agent": f"kbsync/{__version__}",
            "accept": "application/json",
            "accept-encoding": "gzip, deflate",
        },
    )


def _has_proxy(access: Access) -> bool:
    """Whether a proxy may be in the way: those are httpx's own trade."""
    if access.proxy is not None:
        return True
    return access.environment and not {"http", "https", "all"}.isdisjoint(getproxies())


def _trust(access: Access) -> ssl.SSLContext:
    if not access.verify:
        return httpx.create_ssl_context(verify=False)
    if access.url.startswith("http:") and not _has_proxy(access):
        # Loading the usual authorities takes longer than a call; nobody would ask for them.
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if access.ca_file is None:
        return httpx.create_ssl_context(trust_env=access.environment)
    try:
        return ssl.create_default_context(cafile=access.ca_file)
    except OSError as fault:
        words = fault.strerror or str(fault)
        raise Problem(messages.BAD_CA_FILE(path=access.ca_file, words=words)) from fault


class _NoHeaders(logging.Filter):
    """Drops the records that would write a reply's headers, and with them a cookie, to a log."""

    def filter(self, record: logging.LogRecord) -> bool:
        return "headers" not in record.msg


_no_headers = _NoHeaders()


def _keep_headers_out_of_logs() -> None:
    for name in ("httpcore.http11", "httpcore.http2", "httpcore.proxy"):
        logging.getLogger(name).addFilter(_no_headers)
