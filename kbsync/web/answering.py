"""The address that the section `web` declares is taken, and what comes there is answered."""

from __future__ import annotations

import anyio
from starlette.types import ASGIApp

from kbsync.config import WebConfig
from kbsync.messages import Problem
from kbsync.service.event_log import EventLog
from kbsync.web.listener import listen, serve

# Seconds between two attempts to take the address.
RETRY = 10.0


async def answer(app: ASGIApp, web: WebConfig, log: EventLog) -> None:
    """Answer until cancelled; while another program has the address, try again and again.

    Args:
        app: answers requests.
        web: the section in force.
        log: says where, and why not.
    """
    said = False
    while True:
        try:
            listener = listen(web.host, web.port)
        except Problem as problem:
            if not said:
                log.say("no web", problem.notice)
            said = True
            await anyio.sleep(RETRY)
        else:
            await serve(app, listener, lambda url: log.say("web listens", url=url))
