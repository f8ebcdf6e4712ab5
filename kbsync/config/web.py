"""The `web` section: the daemon's own HTTP server, with health, metrics and the status page."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from kbsync.config.config_file import Fault
from kbsync.config.types import FilePath, Section, lasting, wanted
from kbsync.messages import config as messages

_ADDRESS = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<four>[^:\[\]]+)):(?P<port>\d{1,5})")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")


def is_loopback(host: str) -> bool:
    """Whether `host`, an address or a name, is this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost" or host.lower().endswith(".localhost")


def is_address(host: str) -> bool:
    """Whether `host` is an IP address rather than a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def split(listen: str) -> tuple[str, int]:
    """Return host and port of what `listen` says; see `_listen`."""
    found = _ADDRESS.fullmatch(listen)
    assert found is not None  # noqa: S101 - `_listen` refuses everything else
    return found["six"] or found["four"], int(found["port"])


def _listen(value: str) -> str:
    found = _ADDRESS.fullmatch(value)
    sound = found is not None and int(found["port"]) <= 65535
    if found is None or not sound or not _can_be_bound(found["six"] or found["four"]):
        raise wanted('an IP address or localhost and a port is wanted, such as "127.0.0.1:9464"')
    return value


def _can_be_bound(host: str) -> bool:
    return is_address(host) or host == "localhost"


def _host(value: str) -> str:
    if not _HOST.fullmatch(value):
        raise wanted("the name of a host is wanted, without a port")
    return value.lower()


class WebConfig(Section):
    """Where the daemon answers HTTP; without the section it does not."""

    listen: Annotated[str, AfterValidator(_listen)] = Field(
        default="127.0.0.1:9464",
        description="Address and port of /healthz, /readyz, /metrics and the status page; port 0 "
        "takes a free one.",
    )
    token_file: FilePath | None = Field(
        default=None,
        description="File that holds the token for everything but health; needed where other "
        "machines reach the address, and to change anything on the status page.",
    )
    token_for: Literal["everything", "changes"] = Field(
        default="everything",
        description="What the token is asked for: everything but health, or changes alone, which "
        "only an address of this machine can have.",
    )
    hosts: tuple[Annotated[str, AfterValidator(_host)], ...] = Field(
        default=(),
        description="Host names by which requests may come without the token, beside IP addresses "
        "and localhost.",
    )
    unready_after: Annotated[float, lasting(0, 86400)] = Field(
        default=300.0, description="/readyz fails when a server is away for longer."
    )

    @property
    def host(self) -> str:
        """The address that is bound."""
        return split(self.listen)[0]

    @property
    def port(self) -> int:
        """The port that is bound; 0: a free one."""
        return split(self.listen)[1]


def token_disagreements(web: WebConfig) -> Iterator[Fault]:
    """Yield what of the token does not go with an address that other machines reach."""
    if web.token_file is None and not is_loopback(web.host):
        yield Fault(
            message=messages.WEB_TOKEN_NONE, at=("web", "token_file"), words={"listen": web.listen}
        )
    if web.token_for != "everything" and not is_loopback(web.host):  # noqa: S105
        yield Fault(
            message=messages.WEB_READS_OPEN, at=("web", "token_for"), words={"listen": web.listen}
        )
