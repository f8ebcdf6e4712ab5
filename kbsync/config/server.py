"""The `server` section: one Dify server, or the embedded knowledge base."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr

from kbsync.config.headers import Headers
from kbsync.config.types import WHOLE, FilePath, Section, lasting, wanted

EMBEDDED = "embedded"
PROXIES = frozenset({"http", "https", "socks5", "socks5h"})


def _url(value: str) -> str:
    if value == EMBEDDED:
        return value
    if strange := _strange(value):
        raise wanted(strange)
    try:
        parts = urlsplit(value)
        sound = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if not sound:
        raise wanted('"embedded" or a URL that starts with http:// or https:// is wanted')
    if "@" in parts.netloc:
        raise wanted("a URL without user and password is wanted; the key goes into api_key")
    if parts.query or parts.fragment:
        raise wanted("a URL without ? and # is wanted")
    return value.rstrip("/")


def _strange(value: str) -> str | None:
    """Return which character keeps `value` from being a URL, without the URL: it may be secret."""
    for place, end in (("beginning", value[:1]), ("end", value[-1:])):
        if end.isspace():
            return f"a URL without a blank or line end is wanted; there is one at its {place}"
    for ch in value:
        if ch.isspace():
            return "a URL without a blank or line end is wanted; there is one in it"
        if not (ch.isascii() and ch.isprintable()):
            return f"a URL of ASCII characters is wanted; U+{ord(ch):04X} is in it"
    return None


def _proxy(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if _strange(text):
        raise wanted("the URL of a proxy is wanted, without blanks and characters beyond ASCII")
    try:
        parts = urlsplit(text)
        sound = parts.scheme in PROXIES and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if not sound:
        raise wanted("the URL of an http://, https:// or socks5:// proxy is wanted")
    return value


class EmbeddedConfig(Section):
    """The embedded knowledge base's own settings."""

    data: FilePath | None = Field(
        default=None,
        description="File that holds the embedded knowledge base; "
        "by default knowledge.db beside the ledger.",
    )


class ServerConfig(Section):
    """How to reach one server. After loading, `api_key` holds the key wherever it came from."""

    url: Annotated[str, AfterValidator(_url)] = Field(
        description='Address of the knowledge API, up to and with /v1; or "embedded".'
    )
    api_key: SecretStr | None = Field(
        default=None,
        description="Knowledge API key; better taken from the environment: ${DIFY_API_KEY}.",
    )
    api_key_file: FilePath | None = Field(
        default=None, description="File whose only line is the key, such as a mounted secret."
    )
    api_key_env: str | None = Field(
        default=None, description="Name of the environment variable that holds the key."
    )
    timeout: Annotated[float, lasting(1, 3600)] = Field(
        default=60.0, description="Seconds to wait for one answer of the server."
    )
    ca_file: FilePath | None = Field(
        default=None, description="PEM file of certificate authorities to trust for this server."
    )
    verify: bool = Field(
        default=True, description="Check the server's certificate; leave this on, prefer ca_file."
    )
    proxy: Annotated[SecretStr, AfterValidator(_proxy)] | None = Field(
        default=None,
        description="URL of an HTTP or SOCKS proxy; may carry its user and password; "
        "by default that of the environment.",
    )
    headers: Headers = Field(
        default_factory=dict,
        description="Headers that every call carries, for a gateway in front of the server; values "
        "are never shown, and better taken from the environment: ${NAME}.",
    )
    max_in_flight: Annotated[int, Field(ge=1, le=8), WHOLE] = Field(
        default=4, description="Requests in flight at once, reads included; 1 to 8."
    )
    requests_per_minute: Annotated[int, Field(ge=1), WHOLE] | None = Field(
        default=None,
        description="Writes a minute; null: no limit. Dify Cloud allows 10, 100 or 1000, by plan.",
    )
    max_indexing: Annotated[int, Field(ge=1, le=1000), WHOLE] = Field(
        default=20,
        description="Documents uploaded and not yet indexed, at most, for each mirror; one where "
        "the server would lose them from search. Where it is not declared, up to 90 at a server "
        "that indexes more than 20 a second.",
    )
    max_chunk_length: Annotated[int, Field(ge=50, le=1_000_000), WHOLE] = Field(
        default=4000,
        description="Longest chunk the server makes, in characters; "
        "its operator's INDEXING_MAX_SEGMENTATION_TOKENS_LENGTH.",
    )
    embedded: EmbeddedConfig = Field(
        default_factory=EmbeddedConfig, description="Only for url: embedded."
    )

    def __hash__(self) -> int:
        return hash(self.url)

    @property
    def is_embedded(self) -> bool:
        """Whether the knowledge base lives in this process."""
        return self.url == EMBEDDED

    @property
    def data(self) -> Path | None:
        """The embedded knowledge base's file; set for every embedded server once loaded."""
        return self.embedded.data
