"""One server: its address, its API key, and how long to wait for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from pathlib import Path
from urllib.parse import urlsplit

from kbsync.lazy_dataclass import dataclass
from kbsync.messages import Problem
from kbsync.messages import remote as messages

# A shorter key (an embedded server's, say) is an ordinary word, which texts contain anyway.
SHORTEST_SECRET = 8


class ApiKey:
    """The API key of a server. It cannot be printed by accident: only `reveal` returns it.

    Args:
        secret: the key itself.
        read_again: reads the key file once more (`config.api_key.read_key`), for a key that was
            replaced there; returns None where there is no key to read.
    """

    __slots__ = ("_before", "_read_again", "_secret")

    def __init__(self, secret: str, read_again: Callable[[], str | None] = lambda: None) -> None:
        self._secret = secret
        self._before = ""
        self._read_again = read_again

    def __repr__(self) -> str:
        return "ApiKey(...)"

    __str__ = __repr__

    def __reduce__(self) -> tuple[type[ApiKey], tuple[str]]:
        raise TypeError("a key is never pickled")

    def reveal(self) -> str:
        """Return the secret itself."""
        return self._secret

    def replaced(self, refused: str) -> bool:
        """Read the key again; return whether it is another than `refused` now."""
        found = self._read_again()
        if found and found != self._secret:
            # The old one is hidden on: replies to calls under way may still echo it.
            self._before, self._secret = self._secret, found
        return self._secret != refused

    def hide(self, text: str) -> str:
        """Return `text` with `***` for the key: a server may echo it."""
        for secret in (self._secret, self._before):
            if len(secret) >= SHORTEST_SECRET:
                text = text.replace(secret, "***")
        return text

    @property
    def sendable(self) -> bool:
        """Whether a header line can carry it."""
        return self._secret.isascii() and self._secret.isprintable() and " " not in self._secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """One server and key.

    Args:
        url: base address, usually ending with ``/v1``; a trailing slash does not matter.
        connect_timeout: seconds for address look-up, connection and TLS.
        read_timeout: seconds without a byte of the answer; uploads get more by their size.
        ca_file: PEM file of certificate authorities to trust instead of the usual ones.
        verify: whether the server's certificate is checked.
        proxy: address of a proxy; None leaves the choice to the environment.
        environment: whether HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY, SSL_CERT_FILE and
            SSL_CERT_DIR count.
        headers: sent with every call, for a gateway in front of the server; values are secrets.

    Raises:
        Problem: the address is not http(s), has no host, or carries a user name; the key has
            characters that no header can carry.
    """

    url: str
    key: ApiKey
    connect_timeout: float = 10.0
    read_timeout: float = 60.0
    ca_file: Path | None = None
    verify: bool = True
    proxy: str | None = field(default=None, repr=False)
    environment: bool = True
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        # A user name or a query would end up in messages and logs.
        if not _plain_address(self.url):
            raise Problem(messages.BAD_ADDRESS(url=_without_user(self.url)))
        if not self.key.sendable:
            raise Problem(messages.BAD_KEY())
        object.__setattr__(self, "url", self.url.rstrip("/"))

    def hide(self, text: str) -> str:
        """Return `text` with `***` for the key and the headers' values: a server may echo them."""
        for _, value in self.headers:
            if len(value) >= SHORTEST_SECRET:
                text = text.replace(value, "***")
        return self.key.hide(text)


def _plain_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError:
        return False
    plain = not (parts.username or parts.password or parts.query or parts.fragment)
    return parts.scheme in ("http", "https") and bool(parts.hostname) and plain and port_is_fine


def _without_user(url: str) -> str:
    head, at, tail = url.rpartition("@")
    return f"{head.partition('://')[0]}://...@{tail}" if at else url
