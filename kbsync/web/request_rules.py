"""Who may ask: a known host name against DNS rebinding, and the token for all but health."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from http import HTTPStatus

from kbsync.config import WebConfig
from kbsync.config.web import is_address
from kbsync.config.web_token import read_token
from kbsync.lazy_dataclass import dataclass

HEALTH = frozenset({"/healthz", "/readyz"})


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


class RequestRules:
    """Judges requests by what is declared.

    Args:
        web: the section in force.
    """

    def __init__(self, web: WebConfig) -> None:
        self._web = web

    def refusal(self, path: str, headers: Mapping[str, str]) -> Refusal | None:
        """Return why a request is refused, None for one that is answered.

        Args:
            path: of the URL.
            headers: by name in lower case.
        """
        if self.has_token(headers):
            return None
        # A page in a browser can be led here by a name of its own; it never knows the token.
        if not self._is_known(headers.get("host", "")):
            return WRONG_HOST
        return NO_TOKEN if self._web.token_file is not None and path not in HEALTH else None

    def is_open(self, headers: Mapping[str, str]) -> bool:
        """Whether texts may be shown to who asks: no token is declared, or it was sent."""
        return self._web.token_file is None or self.has_token(headers)

    def has_token(self, headers: Mapping[str, str]) -> bool:
        """Whether a request carries the token as its file has it now."""
        scheme, _, sent = headers.get("authorization", "").partition(" ")
        if self._web.token_file is None or scheme.lower() != "bearer":
            return False
        token = read_token(self._web.token_file)
        if token is None:
            return False
        return hmac.compare_digest(sent.strip().encode(), token.get_secret_value().encode())

    def _is_known(self, host: str) -> bool:
        name = _without_port(host).lower().rstrip(".")
        return is_address(name) or name == "localhost" or name in self._web.hosts


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]
