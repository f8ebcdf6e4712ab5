"""The HTTP server beside the mirrors, as the section `web` declares it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import anyio
from anyio.abc import TaskGroup
from starlette.types import ASGIApp

from kbsync.config import WebConfig
from kbsync.engine.execute.results import Event
from kbsync.messages import Notice
from kbsync.service.admin import Admin
from kbsync.service.event_log import EventLog
from kbsync.web.answering import answer
from kbsync.web.application import LoadedLater, application
from kbsync.web.metrics import Metrics, of_standby
from kbsync.web.readiness import Unready, UnreadyReason, reasons
from kbsync.web.request_rules import RequestRules

if TYPE_CHECKING:
    from kbsync.web.page_app import PageApp


class WebServer:
    """Answers HTTP until it is cancelled; see `kbsync.service.attached.Attachment`.

    Args:
        admin: the daemon's.
        web: the section in force.
    """

    def __init__(self, admin: Admin, web: WebConfig) -> None:
        self._admin = admin
        self._web = web
        self._metrics = Metrics(admin, away_for=web.unready_after)
        self._pages: PageApp | None = None

    def observe(self, event: Event) -> None:
        """Count one step."""
        self._metrics.observe(event)

    async def run(self) -> None:
        """Take the address, again and again while another program has it, and answer."""
        access = RequestRules(self._web)
        async with anyio.create_task_group() as group:
            app = application(
                access,
                why_not=partial(reasons, self._admin, away_for=self._web.unready_after),
                scrape=self._metrics.scrape,
                pages=LoadedLater(partial(self._made, access, group)),
            )
            try:
                await answer(app, self._web, self._admin.log)
            finally:
                if self._pages is not None:
                    self._pages.streams.ended.set()

    def _made(self, access: RequestRules, group: TaskGroup) -> ASGIApp:
        """Make the pages, whose commands run in `group`."""
        from kbsync.web.page_app import PageApp  # noqa: PLC0415 - most daemons are never looked at
        from kbsync.web.site import Site  # noqa: PLC0415

        site = Site(self._admin, access, group, away_for=self._web.unready_after)
        self._pages = PageApp(site)
        return self._pages.app


async def answer_in_standby(
    web: WebConfig, log: EventLog, why: Callable[[], Notice | None]
) -> None:
    """Answer that the process is alive and not ready, until cancelled.

    Args:
        web: the section in force.
        log: of the process.
        why: returns what is waited for.
    """
    access = RequestRules(web)
    app = application(
        access,
        why_not=lambda: [UnreadyReason(Unready.STANDBY, notice=why())],
        scrape=of_standby,
        pages=LoadedLater(partial(_standby_pages, access, why)),
    )
    await answer(app, web, log)


def _standby_pages(access: RequestRules, why: Callable[[], Notice | None]) -> ASGIApp:
    from kbsync.web.standby_app import standby_app  # noqa: PLC0415

    return standby_app(access, why)
