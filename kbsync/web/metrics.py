"""The metrics of one daemon, in a registry of its own."""

from __future__ import annotations

from collections.abc import Iterator

import anyio
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from kbsync.engine.execute.results import Event
from kbsync.service.admin import Admin
from kbsync.web.families import families
from kbsync.web.snapshot import NOTHING, Counts, Snapshot, snapshot
from kbsync.web.step_times import StepTimes


async def of_standby() -> tuple[bytes, str]:
    """Return the metrics of a process that waits for the ledger: which kbsync it is, no more."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Standby())
    return generate_latest(registry), CONTENT_TYPE_PLAIN_0_0_4


class _Standby(Collector):
    def collect(self) -> Iterator[Metric]:
        # Of a process that is meant to wait nothing else is measured: no alert is about it.
        yield from families(NOTHING)


class Metrics(Collector):
    """Counts events, and collects everything else when it is asked.

    Args:
        admin: the daemon's.
        away_for: as for `reasons`.
    """

    def __init__(self, admin: Admin, *, away_for: float) -> None:
        self._admin = admin
        self._away_for = away_for
        self._counts = Counts(admin.ledger)
        self._snapshot: Snapshot | None = None
        self._one_at_a_time = anyio.Lock()
        self._registry = CollectorRegistry(auto_describe=False)
        self._times = StepTimes(self._registry)
        self._registry.register(self)

    def observe(self, event: Event) -> None:
        """Count one step."""
        self._times.observe(event)

    async def scrape(self) -> tuple[bytes, str]:
        """Return all metrics in Prometheus' text format, and its content type."""
        async with self._one_at_a_time:
            self._snapshot = await snapshot(self._admin, self._counts, away_for=self._away_for)
            return generate_latest(self._registry), CONTENT_TYPE_PLAIN_0_0_4

    def collect(self) -> Iterator[Metric]:
        """Yield what was measured last, as the registry asks for it."""
        if self._snapshot is not None:
            yield from families(self._snapshot)
