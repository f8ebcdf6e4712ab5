"""The metrics of a process of a cluster: what it does itself, and what the database says of all."""

from __future__ import annotations

from collections.abc import Iterator

import anyio
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from kbsync.cluster.fleet import DOING, WAITING, by_role
from kbsync.cluster.process import ClusterProcess, FleetSeen
from kbsync.engine.execute.results import Event
from kbsync.web.families import of_every_process, of_guard, of_servers
from kbsync.web.metric_rows import counter, gauge
from kbsync.web.step_times import StepTimes

_JOBS = {WAITING: "waiting", DOING: "doing"}


class ClusterMetrics(Collector):
    """Counts events, and collects everything else when it is asked.

    Args:
        process: whose they are.
    """

    def __init__(self, process: ClusterProcess) -> None:
        self._process = process
        self._seen: FleetSeen | None = None
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
            self._seen = await self._process.look()
            return generate_latest(self._registry), CONTENT_TYPE_PLAIN_0_0_4

    def collect(self) -> Iterator[Metric]:
        """Yield what was measured last, as the registry asks for it."""
        yield from of_every_process(not self._process.troubles())
        yield gauge(
            "kbsync_leases",
            "Leases that this process has: shards that it works on.",
            (),
            [((), float(self._process.held))],
        )
        about = "Leases that another process took from this one, since it was stopped too long."
        yield counter("kbsync_leases_lost", about, (), [((), float(self._process.lost))])
        yield from of_servers(self._process.loads())
        if self._seen is not None:
            yield from of_the_fleet(self._seen)


def of_the_fleet(seen: FleetSeen) -> Iterator[Metric]:
    """Yield what is the same for every process of a cluster.

    Args:
        seen: what the database told.
    """
    mirrors = seen.fleet.mirrors.items()
    yield gauge(
        "kbsync_shards",
        "Shards by state: clean, dirty (to be compared), leased (a process works on it).",
        ("mirror", "state"),
        (
            ((name, state), float(number))
            for name, each in mirrors
            for state, number in (
                ("clean", each.clean),
                ("dirty", each.dirty),
                ("leased", each.leased),
            )
        ),
    )
    yield gauge(
        "kbsync_oldest_dirty_seconds",
        "How long ago the shard was marked that has to be compared longest; 0 when none has to.",
        ("mirror",),
        (((name,), max(0.0, each.dirty_for or 0.0)) for name, each in mirrors),
    )
    yield of_guard((name, each.held > 0) for name, each in mirrors)
    yield gauge(
        "kbsync_processes",
        "Processes of the cluster that were heard of in the last minute, by role.",
        ("role",),
        (((role,), float(number)) for role, number in by_role(seen.fleet.processes).items()),
    )
    yield gauge(
        "kbsync_jobs",
        "Jobs of the cluster: waiting, and worked on.",
        ("state",),
        (((_JOBS[state],), float(number)) for state, number in seen.jobs.items()),
    )
