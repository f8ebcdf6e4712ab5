"""A pass with nothing to do, from the fewest files to the most, beside peers on the same tree."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from statistics import median

from benchmarks import peers
from benchmarks.figures import Cost, Point, Result
from benchmarks.measure import FailedError, cost_of, in_turn
from benchmarks.places import Place, filled_place
from benchmarks.rows.compared import against, cpu, own_against_own, peak, wall
from benchmarks.servers import Stub, stub
from benchmarks.suite import NOW, Suite, Version
from benchmarks.trees import Shape

RSYNC, RCLONE, OIKB = "rsync -a", "rclone sync", "oikb sync"
Costs = dict[str, list[Cost]]


def measure(suite: Suite) -> Iterator[Result]:
    """Measure all sizes, the fewest files first; one tree is measured once."""
    size = suite.size
    shapes = dict.fromkeys(each for each in (size.tiny, size.few, size.many, size.most) if each)
    costs = {each: _costs(suite, each, beside_oikb=each == size.few) for each in shapes}
    few, many = costs[size.few], costs[size.many]
    yield from _rows(few, {"unchanged-few-rsync": RSYNC, "unchanged-few-oikb": OIKB})
    yield from _rows(many, {"unchanged-rsync": RSYNC, "unchanged-rclone": RCLONE})
    if size.most is None:
        suite.skip("1,000,000 files are left out. Next: make bench SIZE=full")
        return
    most = costs[size.most]
    yield own_against_own("million-memory", most, few, peak)
    yield own_against_own("million-time", most, many, wall)
    yield from _rows(most, {"million-rsync": RSYNC})


def _rows(costs: Costs, rows: dict[str, str]) -> Iterator[Result]:
    for row, peer in rows.items():
        if peer in costs:
            yield against(row, costs, peer, cpu)


def _costs(suite: Suite, shape: Shape, *, beside_oikb: bool) -> Costs:
    """Measure one tree, and note its points of the plot."""
    contenders: dict[str, Callable[[], Cost]] = {}
    with ExitStack() as stack:
        for version in suite.versions:
            place = filled_place(suite, version, shape)
            server = stack.enter_context(stub(suite, load=place.documents))
            contenders[version.name] = _pass(version, place, server)
        contenders |= _peers(suite, shape)
        if beside_oikb:
            knowing = stack.enter_context(stub(suite, knows_all=True))
            run = peers.oikb(suite, suite.tree(shape), knowing)
            contenders |= {OIKB: run} if run else {}
        costs = in_turn(contenders, suite.size.runs)
    for name, found in costs.items():
        middle = [median(map(measured, found)) for measured in (cpu, wall, peak)]
        suite.points.append(Point(name, shape.files, *middle))
    return costs


def _peers(suite: Suite, shape: Shape) -> dict[str, Callable[[], Cost]]:
    runs = {RSYNC: peers.rsync(suite, shape), RCLONE: peers.rclone(suite, shape)}
    return {name: run for name, run in runs.items() if run is not None}


def _pass(version: Version, place: Place, server: Stub) -> Callable[[], Cost]:
    """Return a run of `apply --no-refresh` that sends nothing, or fails."""
    place.configure(f"{server.url}/v1")
    words = [version.command, "apply", "--no-refresh"]

    def run() -> Cost:
        server.counted(anew=True)
        cost = cost_of(words, place.folder)
        counted = server.counted()
        if version.name == NOW and counted.of("/document") > 0:
            raise FailedError(f"{place.folder} does not fit its ledger any more: remove it")
        return Cost(cost.wall, cost.cpu, cost.peak, counted.requests, counted.by_route)

    return run
