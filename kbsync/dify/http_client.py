"""Requests over one transport of httpx, without what no server here is asked for.

`httpx.AsyncClient` merges cookies, follows redirects, signs in and calls hooks; none of it is
wanted, and it costs more than the transport itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import httpx


class HttpClient:
    """Makes requests and sends them. It keeps no cookies and follows no redirects.

    Args:
        transport: sends them.
        headers: of every request; of two with one name the later counts.
        timeout: where a request has none of its own.
    """

    def __init__(
        self,
        transport: httpx.AsyncBaseTransport,
        headers: Mapping[str, str],
        timeout: httpx.Timeout,
    ) -> None:
        self._transport = transport
        named = {name.lower(): (name, value) for name, value in headers.items()}
        self._headers = tuple((low, name, value) for low, (name, value) in named.items())
        self._timeout = timeout

    def request(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str | int] | None = None,
        json: object = None,
        content: bytes | httpx.AsyncByteStream | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: httpx.Timeout | None = None,
    ) -> httpx.Request:
        """Return a request.

        Args:
            method, url, params, json, content: as `httpx.Request` takes them.
            headers: beside those of every request, or instead of them; names in lower case.
            timeout: None: as of every request.

        Raises:
            ValueError, httpx.InvalidURL: it cannot be sent.
        """
        own = headers or {}
        whole = {name: value for low, name, value in self._headers if low not in own}
        return httpx.Request(
            method,
            _parsed(url),
            params=dict(params) if params else None,
            json=json,
            content=content,
            headers={**whole, **own},
            extensions={"timeout": (timeout or self._timeout).as_dict()},
        )

    async def send(self, request: httpx.Request) -> httpx.Response:
        """Send a request and return the reply, whose body is still to be read; it has to be closed.

        Raises:
            httpx.HTTPError: the connection could not be made, or broke off.
        """
        response = await self._transport.handle_async_request(request)
        response.request = request
        return response

    async def aclose(self) -> None:
        """Close all connections."""
        await self._transport.aclose()


@lru_cache(maxsize=64)
def _parsed(url: str) -> httpx.URL:
    # Most requests go to a few addresses, and to parse one takes longer than to make a request.
    return httpx.URL(url)
