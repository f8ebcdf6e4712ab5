"""The HTTP server beside the mirrors, as the section `web` declares it."""

from __future__ import annotations

import anyio

from kbsync.config import WebConfig
from kbsync.engine.execute.results import Event
from kbsync.messages import Problem
from kbsync.service.admin import Admin
from kbsync.web.application import application
from kbsync.web.listener import listen, serve
from kbsync.web.metrics import Metrics
from kbsync.web.request_rules import RequestRules

# Seconds between two attempts to take the address.
RETRY = 10.0


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

    def observe(self, event: Event) -> None:
        """Count one step."""
        self._metrics.observe(event)

    async def run(self) -> None:
        """Take the address, again and again while another program has it, and answer."""
        app = application(
            self._admin,
            RequestRules(self._web),
            away_for=self._web.unready_after,
            scrape=self._metrics.scrape,
        )
        said = False
        while True:
            try:
                listener = listen(self._web.host, self._web.port)
            except Problem as problem:
                if not said:
                    self._admin.log.say("no web", problem.notice)
                said = True
                await anyio.sleep(RETRY)
            else:
                await serve(app, listener, lambda url: self._admin.log.say("web listens", url=url))
