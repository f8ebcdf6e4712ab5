"""Who may ask: known host names, no other site, and the token for what is not open."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from http import HTTPStatus

from kbsync.config import WebConfig
from kbsync.config.web import is_address
from kbsync.config.web_token import read_token
from kbsync.lazy_dataclass import dataclass
from kbsync.web.sessions import LoginSession, Sessions

HEALTH = frozenset({"/healthz", "/readyz"})
# What a browser needs to send the token; nothing of the mirrors is in it.
LOGIN, STATIC = "/login", "/static/"
READS = frozenset({"GET", "HEAD"})
CHANGES = "changes"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is not answered."""

    status: HTTPStatus
    text: str


WRONG_HOST = Refusal(
    HTTPStatus.MISDIRECTED_REQUEST,
    "this name is not known here: ask by IP address, or add the name to web.hosts",
)
NO_TOKEN = Refusal(HTTPStatus.UNAUTHORIZED, "this needs the token: Authorization: Bearer TOKEN")
OTHER_SITE = Refusal(HTTPStatus.FORBIDDEN, "this was sent by a page of another site")


class RequestRules:
    """Judges requests by what is declared.

    Args:
        web: the section in force.
    """

    def __init__(self, web: WebConfig) -> None:
        self._web = web
        self.sessions = Sessions()

    @property
    def asks_for_token(self) -> bool:
        """Whether a token is declared: without one nothing can be changed here."""
        return self._web.token_file is not None

    def refusal(self, method: str, path: str, headers: Mapping[str, str]) -> Refusal | None:
        """Return why a request is refused, None for one that is answered.

        Args:
            method: of HTTP.
            path: of the URL.
            headers: by name in lower case.
        """
        if method not in READS and _is_of_another_site(headers):
            return OTHER_SITE
        if self.has_bearer(headers):
            return None
        # A page in a browser can be led here by a name of its own; it never knows the token.
        if not self._is_known(headers.get("host", "")):
            return WRONG_HOST
        if path in HEALTH or path == LOGIN or path.startswith(STATIC):
            return None
        return None if self.is_open(headers) else NO_TOKEN

    def is_open(self, headers: Mapping[str, str]) -> bool:
        """Whether texts may be shown to who asks."""
        reads = not self.asks_for_token or self._web.token_for == CHANGES
        return reads or self.has_bearer(headers) or self.session(headers) is not None

    def has_bearer(self, headers: Mapping[str, str]) -> bool:
        """Whether a request carries the token as its file has it now."""
        scheme, _, sent = headers.get("authorization", "").partition(" ")
        return scheme.lower() == "bearer" and self.is_token(sent.strip())

    def is_token(self, sent: str) -> bool:
        """Whether `sent` is the token as its file has it now."""
        token = self._token()
        return token is not None and hmac.compare_digest(sent.encode(), token.encode())

    def session(self, headers: Mapping[str, str]) -> LoginSession | None:
        """Return the session of who asks, None without one."""
        cookies, token = headers.get("cookie", ""), self._token()
        return self.sessions.of(cookies, token) if cookies and token is not None else None

    def may_change(self, headers: Mapping[str, str], form: str) -> bool:
        """Whether a request may change something.

        Args:
            headers: by name in lower case.
            form: what the form that was sent carries of its session.
        """
        session = self.session(headers)
        return self.has_bearer(headers) or (session is not None and session.sent(form))

    def _token(self) -> str | None:
        if self._web.token_file is None:
            return None
        token = read_token(self._web.token_file)
        return token.get_secret_value() if token is not None else None

    def _is_known(self, host: str) -> bool:
        name = _without_port(host).lower().rstrip(".")
        return is_address(name) or name == "localhost" or name in self._web.hosts


def is_asked_elsewhere(headers: Mapping[str, str]) -> bool:
    """Whether a page of another site has the browser ask; a person does it by a link at most."""
    return headers.get("sec-fetch-site", "none") not in ("same-origin", "none")


def is_of_this_site(headers: Mapping[str, str]) -> bool:
    """Whether it is sure that a page of this site has the browser ask."""
    origin, host = headers.get("origin", ""), headers.get("host", "")
    return headers.get("sec-fetch-site") == "same-origin" or (
        bool(host) and origin.partition("://")[2] == host
    )


def _is_of_another_site(headers: Mapping[str, str]) -> bool:
    if headers.get("sec-fetch-site", "same-origin") != "same-origin":
        return True
    # Browsers write null for pages that send no referrer: then what the form carries decides.
    origin = headers.get("origin", "null")
    return origin != "null" and origin.partition("://")[2] != headers.get("host", "")


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]
