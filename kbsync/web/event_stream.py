"""Server-sent events: parts of the page that changed, once a second at most, while a visitor looks.

All visitors share what is gathered (`LiveOverview`); each is sent what differs from what it has.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import anyio
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from kbsync.web.overview import FRESH, Overview
from kbsync.web.rendering import HEADERS
from kbsync.web.site import Site

# Streams at once; a browser that gets none shows the page as it was loaded.
MOST = 24
# Seconds a stream lasts: the browser asks again, and whoever lost the right to look is refused.
LASTS = 300.0


class EventStreams:
    """Answers `/events`.

    Args:
        site: what is shown.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._open = 0
        self._parts: tuple[Overview | None, dict[str, str]] = (None, {})
        self.ended = anyio.Event()

    async def answer(self, request: Request) -> Response:
        """Answer with a stream, of one mirror where the URL names one."""
        if self._open >= MOST or self.ended.is_set():
            return Response(status_code=204, headers=HEADERS)  # a browser does not try again
        headers = {**HEADERS, "content-type": "text/event-stream; charset=utf-8"}
        only = request.query_params.get("mirror")
        return StreamingResponse(self._events(only), headers=headers)

    async def _events(self, only: str | None) -> AsyncIterator[str]:
        self._open += 1
        try:
            async for event in self._changes(only):
                yield event
        finally:
            self._open -= 1

    async def _changes(self, only: str | None) -> AsyncIterator[str]:
        sent: dict[str, str] = {}
        ends_at = anyio.current_time() + LASTS
        yield "retry: 3000\n\n"
        while not self.ended.is_set() and anyio.current_time() < ends_at:
            parts = await self._now()
            wanted = {key: part for key, part in parts.items() if _concerns(key, only)}
            changed = {key: part for key, part in wanted.items() if sent.get(key) != part}
            if changed:
                sent = wanted
                yield f"data: {json.dumps(changed)}\n\n"
            else:
                yield ": \n\n"  # a connection that is gone is noticed by writing
            with anyio.move_on_after(FRESH):
                await self.ended.wait()

    async def _now(self) -> dict[str, str]:
        """Return the parts of the page by their id."""
        overview = await self._site.live.now()
        if self._parts[0] is not overview:
            self._parts = overview, dict(self._rendered(overview))
        return self._parts[1]

    def _rendered(self, overview: Overview) -> Iterator[tuple[str, str]]:
        html = self._site.renderer.html
        yield "daemon", html("_daemon.html", overview=overview)
        for card in overview.mirrors:
            values: dict[str, Any] = {"card": card, "name": card.name}
            yield f"mirror-{card.name}", html("_card.html", **values)
            given = self._site.commands.of(card.name)
            yield f"given-{card.name}", html("_given.html", given=given)


def _concerns(key: str, only: str | None) -> bool:
    return (only is None and not key.startswith("given-")) or key.partition("-")[2] == only
