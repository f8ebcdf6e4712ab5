"""What stands in front of a server and answers in its place, known by its replies. Pure.

A knowledge API refuses a key in its own envelope. A page, a challenge that names another scheme, or
a redirect to somewhere else is the answer of a gateway, of a login, or of another port.
"""

from __future__ import annotations

import html
import re
from urllib.parse import SplitResult, urljoin, urlsplit

from kbsync.dify.request import ApiCall, ApiReply
from kbsync.messages import Notice
from kbsync.messages import remote as messages

LONGEST_SHOWN = 200
_TITLE = re.compile(rb"<title[^>]*>\s*([^<]{1,200})", re.IGNORECASE)
_LOGIN = re.compile(
    r"type=[\"']?password|<title[^>]*>[^<]*\b(log ?in|sign ?in|sso|anmeld\w*|connexion|"
    r"just a moment|attention required|access denied)\b",
    re.IGNORECASE,
)
_LOGIN_PATH = re.compile(
    r"log-?in|sign-?in|/sso\b|oauth|saml|authoriz|openid|/auth\b", re.IGNORECASE
)
# What servers answer to plain HTTP on a port for TLS.
_WANTS_TLS = re.compile(
    rb"plain HTTP request was sent to HTTPS port|HTTP request to an HTTPS server|"
    rb"speaking plain HTTP to an SSL|requires TLS",
    re.IGNORECASE,
)
# What they answer to a client without a certificate, once it is let in to be answered at all.
_WANTS_CERTIFICATE = re.compile(
    rb"no required SSL certificate was sent|the SSL certificate error", re.IGNORECASE
)
_GUARDS = frozenset({401, 403, 511})


def wants_login(call: ApiCall, reply: ApiReply, where: str, *, spoke: bool) -> Notice | None:
    """Return a notice where something in front of the server wants a login of its own.

    Args:
        call: what was asked.
        reply: what came.
        where: the server, for messages.
        spoke: whether the body is the API's own.
    """
    challenge = reply.headers.get("www-authenticate", "")
    foreign = bool(challenge) and not challenge.lower().startswith("bearer")
    refused = not spoke and (
        reply.status in _GUARDS or bool(not reply.ok and _WANTS_CERTIFICATE.search(reply.body))
    )
    if refused or (reply.status == 401 and foreign):
        how = _challenge(challenge) if foreign else _signature(reply)
        return messages.GATEWAY(what=call.what, url=where, how=f"{reply.status}, {how}")
    if reply.ok and _LOGIN.search(reply.body.decode("latin-1")):
        return messages.GATEWAY(what=call.what, url=where, how=f"the page {_title(reply)}")
    return None


def wants_tls(call: ApiCall, reply: ApiReply, url: str, where: str) -> Notice | None:
    """Return a notice where plain HTTP reached a port for TLS."""
    if url.startswith("http:") and reply.status in (400, 426) and _WANTS_TLS.search(reply.body):
        return messages.SPEAKS_TLS(what=call.what, url=where, address=with_tls(url))
    return None


def with_tls(url: str) -> str:
    """Return the same address for TLS."""
    return url.replace("http:", "https:", 1)


def redirected(call: ApiCall, reply: ApiReply, url: str, where: str) -> Notice:
    """Return where a redirect leads, and what to write for it."""
    target = _target(url + call.path, reply.headers.get("location", ""))
    if target is None:
        words = {"what": call.what, "url": where, "target": "nowhere"}
        return messages.REDIRECTED(remedy=hint(url), **words)
    host, shown = target.hostname, _address(target)
    if _LOGIN_PATH.search(f"{host}{target.path}"):
        return messages.GATEWAY(what=call.what, url=where, how=f"{reply.status} to {shown}")
    path = target.path.rstrip("/")
    if path.endswith(call.path):
        address = _address(target._replace(path=path.removesuffix(call.path)))
        remedy = f"write {address} as server.url"
    else:
        remedy = hint(url)
    return messages.REDIRECTED(what=call.what, url=where, target=shown, remedy=remedy)


def _target(asked: str, location: str) -> SplitResult | None:
    try:
        target = urlsplit(urljoin(asked, location))
        return target if location and target.hostname else None
    except ValueError:
        return None


def hint(url: str) -> str:
    """Return what to look at in an address that leads to no knowledge API."""
    if not urlsplit(url).path.endswith("/v1"):
        return "check server.url: it usually ends with /v1"
    return "check the host and port of server.url: something else answers there"


def page(reply: ApiReply) -> str:
    """Return what came in place of JSON: its type, and the title of a page."""
    kind = reply.headers.get("content-type", "").partition(";")[0].strip()[:60] or "no type"
    title = _title(reply)
    return f"{kind} {title}" if title else kind


def _title(reply: ApiReply) -> str:
    found = _TITLE.search(reply.body)
    words = html.unescape(found[1].decode("utf-8", "replace")) if found else ""
    return f'"{" ".join(words.split())[:60]}"' if words.strip() else ""


def _challenge(challenge: str) -> str:
    scheme = challenge.partition(" ")[0][:20]
    realm = re.search(r'realm="?([^",]{1,60})', challenge, re.IGNORECASE)
    return f"{scheme} for {realm[1]}" if realm else scheme


def _signature(reply: ApiReply) -> str:
    server = reply.headers.get("server", "").partition("/")[0].strip()[:40]
    return f"{page(reply)} of {server}" if server else page(reply)


def _address(parts: SplitResult) -> str:
    """Return an address without what may be a secret in it: a user, a query."""
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    try:
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        port = ""
    return f"{parts.scheme}://{host}{port}{parts.path}"[:LONGEST_SHOWN]
