"""A pass with nothing to do that lists the base first, against the same list pages alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial

from benchmarks import peers
from benchmarks.figures import Cost, Result
from benchmarks.measure import cost_of, in_turn
from benchmarks.places import filled_place
from benchmarks.rows.compared import against, cpu, wall
from benchmarks.servers import stub
from benchmarks.suite import NOW, Suite

LOOP = "list pages by a bare loop"


def measure(suite: Suite) -> Iterator[Result]:
    """Measure one listing."""
    contenders: dict[str, Callable[[], Cost]] = {}
    if not peers.has_loop(suite):
        return
    with ExitStack() as stack:
        for version in suite.versions:
            place = filled_place(suite, version, suite.size.listed)
            server = stack.enter_context(stub(suite, load=place.documents))
            place.configure(f"{server.url}/v1")
            contenders[version.name] = partial(cost_of, [version.command, "apply"], place.folder)
            if version.name == NOW:
                contenders[LOOP] = partial(peers.list_loop, suite, f"{server.url}/v1")
        costs = in_turn(contenders, suite.size.runs)
    yield against("refresh-wall", costs, LOOP, wall)
    yield against("refresh-cpu", costs, LOOP, cpu)
