"""A first apply: everything is sent, and waited for until it is indexed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from benchmarks import peers
from benchmarks.figures import Cost, Figure, Result, of_values
from benchmarks.measure import cost_of, in_turn
from benchmarks.pace import Pace
from benchmarks.places import Place, new_place
from benchmarks.rows.compared import against, alone, cpu, wall
from benchmarks.servers import Counted, embedded, stub
from benchmarks.suite import BEFORE, NOW, Suite, Version
from benchmarks.trees import Shape

LOOP, OIKB = "bare loop", "oikb sync"
IN_FLIGHT, LATENCY = 4, 0.05
RATE = IN_FLIGHT / LATENCY


def measure(suite: Suite) -> Iterator[Result]:
    """Measure against the embedded server over TCP, then against a stub at a distance."""
    source = suite.tree(Shape(suite.size.first, 6, size=4096))
    yield from _over_tcp(suite, source)
    yield from _beside_oikb(suite, source)
    yield from _at_a_distance(suite)


def applied(suite: Suite, version: Version, url: str, source: Path, in_flight: int | None) -> Cost:
    """Run one first apply into an empty base.

    Args:
        in_flight: requests at once; None: the default.
    """
    place = new_place(suite, source)
    place.configure(url, in_flight=in_flight)
    return cost_in(place, version)


def cost_in(place: Place, version: Version) -> Cost:
    """Run `apply` in a place."""
    return cost_of([version.command, "apply"], place.folder)


def _over_tcp(suite: Suite, source: Path) -> Iterator[Result]:
    contenders: dict[str, Callable[[], Cost]] = {
        version.name: partial(_by_kbsync, suite, version, source) for version in suite.versions
    }
    if not peers.has_loop(suite):
        return
    contenders[LOOP] = partial(_by_loop, suite, source)
    costs = in_turn(contenders, suite.size.runs, warm=False)
    yield against("first-wall", costs, LOOP, wall)
    yield against("first-cpu", costs, LOOP, cpu)
    each = {
        name: [cost.requests / suite.size.first for cost in found] for name, found in costs.items()
    }
    yield alone("first-requests", each)
    suite.tables["first-requests"] = {
        name: {route: float(count) for route, count in found[-1].by_route.items()}
        for name, found in costs.items()
    }


def _by_kbsync(suite: Suite, version: Version, source: Path) -> Cost:
    place = new_place(suite, source)
    with embedded(suite, place.folder) as server:
        place.configure(server.url)
        return _counting(cost_in(place, version), server.counted())


def _by_loop(suite: Suite, source: Path) -> Cost:
    with embedded(suite, new_place(suite, source).folder) as server:
        cost = peers.upload_loop(suite, server.url, source)
        return _counting(cost, server.counted())


def _counting(cost: Cost, counted: Counted) -> Cost:
    return replace(cost, requests=counted.requests, by_route=counted.by_route)


def _beside_oikb(suite: Suite, source: Path) -> Iterator[Result]:
    if peers.found(suite, "oikb") is None:
        return

    def by_oikb() -> Cost:
        with stub(suite) as server:
            run = peers.oikb(suite, source, server)
            assert run is not None
            return run()

    def by_kbsync(version: Version) -> Cost:
        with stub(suite) as server:
            return applied(suite, version, f"{server.url}/v1", source, None)

    contenders: dict[str, Callable[[], Cost]] = {
        version.name: partial(by_kbsync, version) for version in suite.versions
    }
    costs = in_turn({**contenders, OIKB: by_oikb}, suite.size.runs, warm=False)
    yield against("first-oikb", costs, OIKB, cpu)


def _at_a_distance(suite: Suite) -> Iterator[Result]:
    source = suite.tree(Shape(suite.size.hurried, 10, size=4096, seed=1))
    between: dict[str, list[float]] = {version.name: [] for version in suite.versions}

    def run(version: Version) -> Cost:
        with stub(suite, Pace(latency=LATENCY)) as server:
            cost = applied(suite, version, f"{server.url}/v1", source, IN_FLIGHT)
            counted = server.counted()
        between[version.name].append(counted.last_upload - counted.first_upload)
        return _counting(cost, counted)

    contenders = {version.name: partial(run, version) for version in suite.versions}
    costs = in_turn(contenders, suite.size.runs, warm=False)
    whole = {name: [cost.wall for cost in found] for name, found in costs.items()}
    yield _rate("rate", suite, between)
    yield _rate("rate-whole", suite, whole)


def _rate(row: str, suite: Suite, seconds: dict[str, list[float]]) -> Result:
    shares = {
        name: [suite.size.hurried / each / RATE for each in found]
        for name, found in seconds.items()
    }
    figures: dict[str, Figure] = {name: of_values(found) for name, found in shares.items()}
    return Result(row, figures[NOW], figures.get(BEFORE), seconds)
