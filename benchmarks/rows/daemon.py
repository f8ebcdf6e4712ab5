"""The daemon: until it watches, while nothing happens, and for one edit."""

from __future__ import annotations

import random
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from benchmarks import peers
from benchmarks.figures import Cost, Result
from benchmarks.measure import cpu_of, in_turn
from benchmarks.places import Place, fill, filled_place
from benchmarks.rows.compared import against, alone, wall
from benchmarks.servers import Stub, stub
from benchmarks.suite import Suite, Version
from benchmarks.trees import make_tree, text_of
from benchmarks.watched import Daemon, daemon, folders_in

INOTIFYWAIT = "inotifywait -r"
SETTLE = 1.0  # the default of the configuration, in seconds
RESTED = 5.0
SAVED = 6_000


def measure(suite: Suite) -> Iterator[Result]:
    """Measure until the watches stand, then at rest, then edits."""
    yield from _until_watching(suite)
    found = {each.name: _at_work(suite, each) for each in suite.versions}
    yield alone("daemon-idle", {name: idle for name, (idle, _) in found.items()})
    for row, at in {"edit-cpu": 0, "edit-delay": 1}.items():
        yield alone(row, {name: [each[at] for each in edits] for name, (_, edits) in found.items()})


def _until_watching(suite: Suite) -> Iterator[Result]:
    source = suite.tree(suite.size.many)
    folders = folders_in(source)
    placing: dict[str, list[Cost]] = {version.name: [] for version in suite.versions}
    contenders: dict[str, Callable[[], Cost]] = {}

    def run(version: Version, place: Place) -> Cost:
        with daemon(suite, version, place) as running:
            first, last = running.until_watching(folders)
        placing[version.name].append(Cost(last - first, 0, 0))
        return Cost(last, 0, 0)

    with ExitStack() as stack:
        for version in suite.versions:
            place = filled_place(suite, version, suite.size.many)
            server = stack.enter_context(stub(suite, load=place.documents))
            place.configure(f"{server.url}/v1")
            contenders[version.name] = partial(run, version, place)
        command = peers.found(suite, "inotifywait")
        if command is None:
            return
        contenders[INOTIFYWAIT] = partial(_inotifywait, command, source)
        costs = in_turn(contenders, suite.size.runs)
    yield against("watch-ready", costs, INOTIFYWAIT, wall)
    # The run that warms up is not counted.
    alone_placed = {name: found[-suite.size.runs :] for name, found in placing.items()}
    together = {**alone_placed, INOTIFYWAIT: costs[INOTIFYWAIT]}
    yield against("watch-placed", together, INOTIFYWAIT, wall)


def _inotifywait(command: str, source: Path) -> Cost:
    began = time.monotonic()
    words = [command, "-m", "-r", str(source)]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        while b"established" not in process.stderr.readline():
            pass
        took = time.monotonic() - began
        process.terminate()
    return Cost(took, 0, 0)


def _at_work(suite: Suite, version: Version) -> tuple[list[float], list[tuple[float, float]]]:
    """Return CPU seconds a minute at rest, and what `_edit` returns of each edit."""
    size, place = suite.size, _own_tree(suite, version)
    with stub(suite, load=place.documents) as server:
        place.configure(f"{server.url}/v1")
        with daemon(suite, version, place) as running:
            running.until_ready()
            time.sleep(min(RESTED, size.idle))
            idle = [_cpu_over(running.pid, size.idle) * 60 / size.idle for _ in range(size.runs)]
            paths = sorted(place.source.rglob("*.md"))[:: size.many.files // size.edits]
            edits = [_edit(path, server, running, size.followed) for path in paths[: size.edits]]
    return idle, edits


def _own_tree(suite: Suite, version: Version) -> Place:
    """Return a place with a tree of its own, because edits would spoil one that is kept."""
    folder = suite.scratch / f"edited-{version.tag}"
    place = Place(folder / "place", folder / "docs")
    place.source.mkdir(parents=True)
    make_tree(place.source, suite.size.many)
    return fill(suite, version, place)


def _edit(path: Path, server: Stub, running: Daemon, seconds: float) -> tuple[float, float]:
    """Edit a file; return milliseconds of CPU, and those from the settle window to the request."""
    server.counted(anew=True)
    path.write_bytes(text_of(SAVED, random.Random(str(path))))
    saved, before = time.monotonic(), cpu_of(running.pid)
    counted = server.until(lambda counted: bool(counted.last_upload))
    time.sleep(seconds)
    cpu = cpu_of(running.pid) - before
    return cpu * 1000, (counted.first_upload - saved - SETTLE) * 1000


def _cpu_over(pid: int, seconds: float) -> float:
    before = cpu_of(pid)
    time.sleep(seconds)
    return cpu_of(pid) - before
