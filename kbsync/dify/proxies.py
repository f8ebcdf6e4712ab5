"""The proxy in front of a server: named by the configuration or the environment, NO_PROXY honoured.

Asked once for each client, as a client talks to one server alone. httpx would read the environment
too, but refuses all of it for one bad value, and does not say which variable a proxy came from.
"""

from __future__ import annotations

import ipaddress
import os
import re
from dataclasses import field
from importlib.util import find_spec
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies

from kbsync.config.extra_packages import installing
from kbsync.dify.access import Access
from kbsync.lazy_dataclass import dataclass
from kbsync.messages import Problem
from kbsync.messages import remote as messages

DECLARED = "server.proxy"
SOCKS = frozenset({"socks5", "socks5h"})
KNOWN = frozenset({"http", "https"}) | SOCKS
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """A proxy that calls go through.

    Args:
        url: its address; may carry a user and a password.
        origin: what names it: `server.proxy` or a variable.
        host: the server's, which NO_PROXY may name.
    """

    url: str = field(repr=False)
    origin: str
    host: str

    @property
    def scheme(self) -> str:
        """How it is spoken to."""
        return urlsplit(self.url).scheme

    @property
    def shown(self) -> str:
        """Its address without user and password."""
        return without_user(self.url)

    @property
    def remedy(self) -> str:
        """What to do where it is the proxy that has to be changed."""
        if self.origin == DECLARED:
            return "correct or remove server.proxy"
        return f"correct or unset {self.origin}, or add {self.host} to NO_PROXY"


def proxy_of(access: Access) -> Proxy | None:
    """Return the proxy that leads to the server of `access`, None where it is reached directly.

    Raises:
        Problem: it cannot be used, by its address or for want of a package.
    """
    server = urlsplit(access.url)
    host = server.hostname or ""
    found = (DECLARED, access.proxy) if access.proxy is not None else None
    if found is None and access.environment:
        found = _of_the_environment(server)
    if found is None:
        return None
    origin, address = found[0], found[1].strip()
    proxy = Proxy(url=_with_scheme(address), origin=origin, host=host)
    _require_usable(proxy)
    return proxy


def _of_the_environment(server: SplitResult) -> tuple[str, str] | None:
    """Return the name and value of the variable that counts for `server`."""
    values = {kind: value.strip() for kind, value in getproxies().items()}
    port = server.port or _PORTS[server.scheme]
    if is_exempt(server.hostname or "", port, values.get("no", "")):
        return None
    kind = next((kind for kind in (server.scheme, "all") if values.get(kind)), None)
    return None if kind is None else (_variable(kind, values[kind]), values[kind])


def _variable(kind: str, value: str) -> str:
    """Return the name of the variable, as it is written, that names the proxy `value`."""
    names = [each for each in os.environ if each.lower() == f"{kind}_proxy"]
    # The one in lower case counts where both are set.
    fitting = sorted((each for each in names if os.environ[each].strip() == value), reverse=True)
    return fitting[0] if fitting else "the proxy of the system's settings"


def _with_scheme(address: str) -> str:
    return address if "://" in address else f"http://{address}"


def without_user(url: str) -> str:
    """Return the address of a proxy without the user and password it may carry."""
    return re.sub(r"//.*@", "//", url)


def _require_usable(proxy: Proxy) -> None:
    words = {"origin": proxy.origin, "proxy": proxy.shown, "remedy": proxy.remedy}
    try:
        parts = urlsplit(proxy.url)
        why = "" if parts.hostname and parts.port != 0 else "it has no host"
    except ValueError:
        why = "it is no address"
    if not why and parts.scheme not in KNOWN:
        why = f"{parts.scheme}:// is no kind of proxy that kbsync knows, which are http://, "
        why += "https:// and socks5://"
    if why:
        raise Problem(messages.PROXY_UNUSABLE(why=why, **words))
    if parts.scheme in SOCKS and find_spec("socksio") is None:
        raise Problem(messages.SOCKS_EXTRA(**words, **installing("socks")))


# -- NO_PROXY


def is_exempt(host: str, port: int, listed: str) -> bool:
    """Whether NO_PROXY names a server.

    Args:
        host: the server's.
        port: the server's.
        listed: hosts, domains, networks such as ``10.0.0.0/8``, or ``*`` for all, with commas or
            blanks between them; each may have a port.
    """
    return any(_names(each.lower(), host.lower(), port) for each in re.split(r"[,\s]+", listed))


def _names(listed: str, host: str, port: int) -> bool:
    listed = listed.partition("://")[2] or listed
    if listed in ("", "*"):
        return listed == "*"
    if (within := _within(listed, host)) is not None:
        return within
    name, colon, number = listed.rpartition(":")
    if colon and number.isdigit() and (":" not in name or name.endswith("]")):
        if int(number) != port:
            return False
        listed = name
    if (within := _within(listed.strip("[]"), host)) is not None:
        return within
    if _within(host, host):  # an address has no domain
        return False
    domain = listed.removeprefix("*").strip(".")
    return host == domain or host.endswith(f".{domain}")


def _within(listed: str, host: str) -> bool | None:
    """Whether `host` is in the network, or is the address, `listed`; None where that is neither."""
    try:
        network = ipaddress.ip_network(listed, strict=False)
    except ValueError:
        return None
    try:
        return ipaddress.ip_address(host) in network
    except ValueError:
        return False
