"""The way to a server: its address, the proxy in front of it, and whom its certificate needs."""

from __future__ import annotations

from dataclasses import field

from kbsync.dify.access import Access
from kbsync.dify.proxies import Proxy, proxy_of
from kbsync.dify.trust import Authorities, trust_of
from kbsync.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How a server is reached.

    Args:
        access: the server.
        proxy: what stands in front of it, None where it is reached directly.
        trust: what its certificate is checked by.
        network: whether it is reached over the network, and is no application in this process.
    """

    access: Access
    proxy: Proxy | None
    trust: Authorities = field(repr=False)
    network: bool = True

    @property
    def where(self) -> str:
        """The server's address, with the proxy that leads to it, for messages."""
        if self.proxy is None:
            return self.access.url
        return f"{self.access.url} (through the proxy {self.proxy.shown} of {self.proxy.origin})"


def way_to(access: Access, *, network: bool = True) -> Way:
    """Return the way to the server of `access`.

    Raises:
        Problem: the proxy or the certificate authorities on it cannot be used.
    """
    proxy = proxy_of(access) if network else None
    asked = {access.url.partition(":")[0], proxy.scheme if proxy else ""}
    secure = network and "https" in asked
    return Way(access=access, proxy=proxy, trust=trust_of(access, needed=secure), network=network)
