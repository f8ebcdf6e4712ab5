"""Commands that have next to nothing to do, against Python itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from benchmarks import peers
from benchmarks.figures import Cost, Result
from benchmarks.measure import cost_of, in_turn
from benchmarks.places import filled_place, new_place
from benchmarks.rows.compared import against, cpu
from benchmarks.servers import stub
from benchmarks.suite import Suite, Version
from benchmarks.trees import Shape

PYTHON = "python -c pass"
CHANGES = 2  # exit code of a plan


def measure(suite: Suite) -> Iterator[Result]:
    """Measure the version, a plan and the status."""
    yield _row("version", suite, lambda version: _version(suite, version))
    with stub(suite) as server:
        yield _row("plan", suite, lambda version: _plan(suite, version, f"{server.url}/v1"))
    yield _row("status", suite, lambda version: _status(suite, version))


def _row(row: str, suite: Suite, run: Callable[[Version], Callable[[], Cost]]) -> Result:
    contenders = {version.name: run(version) for version in suite.versions}
    costs = in_turn({**contenders, PYTHON: partial(peers.nothing, suite)}, suite.size.runs)
    return against(row, costs, PYTHON, cpu)


def _version(suite: Suite, version: Version) -> Callable[[], Cost]:
    return lambda: cost_of([version.command, "--version"], suite.scratch)


def _plan(suite: Suite, version: Version, url: str) -> Callable[[], Cost]:
    place = new_place(suite, suite.tree(Shape(suite.size.planned, 5, size=4096)))
    place.configure(url)
    return lambda: cost_of([version.command, "plan"], place.folder, codes=(CHANGES,))


def _status(suite: Suite, version: Version) -> Callable[[], Cost]:
    place = filled_place(suite, version, suite.size.many)
    place.configure("http://127.0.0.1:9/v1")  # nothing is asked there
    return lambda: cost_of([version.command, "status"], place.folder)
