"""How long steps took, counted as they end."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Histogram

from kbsync.engine.execute.results import Event

# Seconds. A small document takes one, a large one on a busy server an hour.
LATENCIES = (0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600)


class StepTimes:
    """The histograms of a process.

    Args:
        registry: shows them.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._indexing = Histogram(
            "kbsync_indexing_seconds",
            "From the answer to an upload until searches find the document.",
            ("mirror",),
            buckets=LATENCIES,
            registry=registry,
        )

    def observe(self, event: Event) -> None:
        """Count one step."""
        if event.outcome == "indexed":
            self._indexing.labels(event.key.mirror).observe(event.milliseconds / 1000)
