"""The HTTP server of a process of a cluster, as the section `web` declares it."""

from __future__ import annotations

from functools import partial

from kbsync.cluster.process import ClusterProcess
from kbsync.config import WebConfig
from kbsync.engine.execute.results import Event
from kbsync.web.answering import answer
from kbsync.web.application import LoadedLater, application
from kbsync.web.cluster_metrics import ClusterMetrics
from kbsync.web.fleet_app import fleet_app
from kbsync.web.readiness import Unready, UnreadyReason
from kbsync.web.request_rules import RequestRules


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
        rules = RequestRules(self._web)
        app = application(
            rules,
            why_not=lambda: unready(self._process),
            scrape=self._metrics.scrape,
            pages=LoadedLater(partial(fleet_app, rules, self._process)),
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
