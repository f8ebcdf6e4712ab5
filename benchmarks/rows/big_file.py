"""One large file: how much more memory it takes."""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import Result
from benchmarks.measure import peak_of
from benchmarks.places import Place, new_place
from benchmarks.rows.compared import alone
from benchmarks.rows.first_apply import cost_in
from benchmarks.servers import stub
from benchmarks.suite import Suite, Version
from benchmarks.trees import text_of
from benchmarks.watched import daemon

BLOCK = 1024 * 1024
LARGEST = "400MB"


def measure(suite: Suite) -> Iterator[Result]:
    """Measure the daemon, then `apply`."""
    large = _large_file(suite)
    runs = range(suite.size.runs)
    for row, added in {"big-daemon": _in_daemon, "big-apply": _in_apply}.items():
        yield alone(
            row, {each.name: [added(suite, each, large) for _ in runs] for each in suite.versions}
        )


def _large_file(suite: Suite) -> Path:
    """Return a text of the size asked for, which no two blocks of are equal."""
    path = suite.keep / f"large-{suite.size.large}.md"
    if path.exists():
        return path
    unfinished = path.with_suffix(".unfinished")
    unfinished.parent.mkdir(parents=True, exist_ok=True)
    block = text_of(BLOCK, random.Random(0))
    with unfinished.open("wb") as file:
        for number in range(max(1, suite.size.large // BLOCK)):
            file.write(f"# Part {number:06}\n\n".encode() + block[:-17])
    unfinished.rename(path)
    return path


def _in_daemon(suite: Suite, version: Version, large: Path) -> float:
    place = _place(suite)
    ready = place.folder / "large.md"
    shutil.copyfile(large, ready)
    with stub(suite) as server:
        place.configure(f"{server.url}/v1", largest=LARGEST)
        with daemon(suite, version, place) as running:
            running.until_ready()
            server.until(lambda counted: counted.of("create") == 1)
            time.sleep(suite.size.followed)
            idle = peak_of(running.pid)
            ready.rename(place.source / ready.name)
            server.until(lambda counted: counted.of("create") == 2)
            time.sleep(suite.size.followed)
            return peak_of(running.pid) - idle


def _in_apply(suite: Suite, version: Version, large: Path) -> float:
    peaks = []
    for file in (None, large):
        place = _place(suite)
        if file is not None:
            shutil.copyfile(file, place.source / "large.md")
        with stub(suite) as server:
            place.configure(f"{server.url}/v1", largest=LARGEST)
            peaks.append(cost_in(place, version).peak)
    return peaks[1] - peaks[0]


def _place(suite: Suite) -> Place:
    place = new_place(suite, suite.scratch)
    place = Place(place.folder, place.folder / "docs")
    place.source.mkdir()
    (place.source / "small.md").write_bytes(text_of(4096, random.Random(1)))
    return place
