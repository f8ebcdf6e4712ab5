"""Families of metrics, made of rows: labels, and a value or None for what is not known."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

Rows = Iterable[tuple[tuple[str, ...], float | None]]


def gauge(name: str, about: str, labels: tuple[str, ...], rows: Rows) -> Metric:
    """Return what goes up and down; rows without a value are left out."""
    return _filled(GaugeMetricFamily(name, about, labels=labels), rows)


def counter(name: str, about: str, labels: tuple[str, ...], rows: Rows) -> Metric:
    """Return what only goes up; `name` without its ``_total``."""
    return _filled(CounterMetricFamily(name, about, labels=labels), rows)


def _filled(family: GaugeMetricFamily | CounterMetricFamily, rows: Rows) -> Metric:
    for labels, value in rows:
        if value is not None:
            family.add_metric(list(labels), value)
    return family
