"""The HTTP server of a process of a cluster, as the section `web` declares it."""

from __future__ import annotations

from http import HTTPStatus

from starlette.responses import PlainTextResponse

from kbsync.cluster.process import ClusterProcess
from kbsync.config import WebConfig
from kbsync.engine.execute.results import Event
from kbsync.web.answering import answer
from kbsync.web.application import application
from kbsync.web.cluster_metrics import ClusterMetrics
from kbsync.web.readiness import Unready, UnreadyReason
from kbsync.web.request_rules import RequestRules

_NO_PAGE = (
    "a process of a cluster has no page: it answers /healthz, /readyz and /metrics, and what the "
    "cluster does shows kbsync status\n"
)


class ClusterWebServer:
    """Answers HTTP until it is cancelled; see `kbsync.cluster.process.Beside`.

    Args:
        process: which it is part of.
        web: the section of its configuration.
    """

    def __init__(self, process: ClusterProcess, web: WebConfig) -> None:
        self._process = process
        self._web = web
        self._metrics = ClusterMetrics(process)

    def observe(self, event: Event) -> None:
        """Count one step."""
        self._metrics.observe(event)

    async def run(self) -> None:
        """Take the address, again and again while another program has it, and answer."""
        app = application(
            RequestRules(self._web),
            why_not=lambda: unready(self._process),
            scrape=self._metrics.scrape,
            pages=PlainTextResponse(_NO_PAGE, HTTPStatus.NOT_FOUND),
        )
        await answer(app, self._web, self._process.log)


def unready(process: ClusterProcess) -> list[UnreadyReason]:
    """Return why a process is not ready; empty when it is.

    Args:
        process: of a cluster.
    """
    return [
        UnreadyReason(Unready(trouble), seconds=silence.seconds, notice=silence.notice)
        for trouble, silence in process.troubles().items()
    ]
