"""Whether the default of `max_in_flight` is near the best one, for servers of three kinds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks import peers
from benchmarks.figures import Cost, Result, of_medians
from benchmarks.measure import in_turn
from benchmarks.pace import Pace
from benchmarks.rows.first_apply import applied
from benchmarks.servers import stub
from benchmarks.suite import NOW, Suite
from benchmarks.trees import Shape


def measure(suite: Suite) -> Iterator[Result]:
    """Measure each kind of server."""
    size = suite.size
    kinds = {
        "concurrency-fast": (Pace(latency=0.01), size.fast),
        "concurrency-slow": (Pace(latency=0.01, indexing=1.0), size.slow),
        "concurrency-locked": (Pace(latency=0.01, locked=0.05), size.locked),
    }
    if not peers.has_loop(suite):
        return
    for row, (pace, documents) in kinds.items():
        yield _row(row, suite, pace, suite.tree(Shape(documents, 3, size=4096, seed=2)))


def _row(row: str, suite: Suite, pace: Pace, source: Path) -> Result:
    fixed = {f"kbsync, {number}": number for number in suite.size.in_flight}
    contenders: dict[str, Callable[[], Cost]] = {
        NOW: partial(_by_kbsync, suite, pace, source, None),
        **{name: partial(_by_kbsync, suite, pace, source, each) for name, each in fixed.items()},
    }
    for number in suite.size.loops:
        contenders[f"bare loop, {number}"] = partial(_by_loop, suite, pace, source, number)
    costs = in_turn(contenders, suite.size.runs, warm=False)
    samples = {name: [cost.wall for cost in found] for name, found in costs.items()}
    suite.tables[row] = {name: {"wall": median(found)} for name, found in samples.items()}
    best = min((*fixed, NOW), key=lambda name: median(samples[name]))
    note = f"best: {fixed.get(best, 'the default')}"
    return Result(row, of_medians(samples[NOW], samples[best]), None, samples, note)


def _by_kbsync(suite: Suite, pace: Pace, source: Path, in_flight: int | None) -> Cost:
    with stub(suite, pace) as server:
        return applied(suite, suite.now, f"{server.url}/v1", source, in_flight)


def _by_loop(suite: Suite, pace: Pace, source: Path, connections: int) -> Cost:
    with stub(suite, pace) as server:
        return peers.upload_loop(suite, f"{server.url}/v1", source, connections=connections)
