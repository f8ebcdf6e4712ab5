"""Where the CPU of the slow rows goes, by part, for both versions: tables and no rows."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from functools import partial

from benchmarks.figures import Result
from benchmarks.measure import ROOT, FailedError
from benchmarks.places import Place, filled_place, new_place
from benchmarks.servers import stub
from benchmarks.suite import Suite, Version
from benchmarks.trees import Shape

SCRIPT = ROOT / "benchmarks" / "profile_run.py"
LEAST = 0.02  # parts that took less are added up
OTHERS = "everything else"


def measure(suite: Suite) -> Iterator[Result]:
    """Profile a pass with nothing to do, one with refresh, a first apply and a plan."""
    size = suite.size
    cases: dict[str, Callable[[Version], dict[str, float]]] = {
        "nothing to do": partial(_filled, suite, shape=size.many, words=("apply", "--no-refresh")),
        "with refresh": partial(_filled, suite, shape=size.listed, words=("apply",)),
        "first apply": partial(_empty, suite, files=size.first, words=("apply",)),
        "plan": partial(_empty, suite, files=size.planned, words=("plan",)),
    }
    for case in size.profiles:
        suite.tables[f"profile, {case}"] = {
            version.name: _shares(cases[case](version)) for version in suite.versions
        }
    yield from ()


def _filled(
    suite: Suite, version: Version, *, shape: Shape, words: tuple[str, ...]
) -> dict[str, float]:
    place = filled_place(suite, version, shape)
    with stub(suite, load=place.documents) as server:
        return _profiled(suite, version, place, f"{server.url}/v1", words)


def _empty(
    suite: Suite, version: Version, *, files: int, words: tuple[str, ...]
) -> dict[str, float]:
    place = new_place(suite, suite.tree(Shape(files, 5, size=4096)))
    with stub(suite) as server:
        return _profiled(suite, version, place, f"{server.url}/v1", words)


def _profiled(
    suite: Suite, version: Version, place: Place, url: str, words: tuple[str, ...]
) -> dict[str, float]:
    place.configure(url)
    report = suite.scratch / "profile.json"
    report.unlink(missing_ok=True)
    command = [str(version.python), "-I", str(SCRIPT), str(report), *words]
    ran = subprocess.run(command, cwd=place.folder, capture_output=True, text=True, check=False)
    if not report.exists():
        raise FailedError(f"{' '.join(command)} wrote no profile:\n{ran.stderr[-2000:]}")
    return dict(json.loads(report.read_text("utf-8")))


def _shares(seconds: dict[str, float]) -> dict[str, float]:
    """Return percent by part, the largest first; small parts are added up."""
    whole = sum(seconds.values())
    ranked = sorted(seconds.items(), key=lambda item: -item[1])
    large = {name: 100 * took / whole for name, took in ranked if took >= LEAST * whole}
    return {**large, OTHERS: 100 - sum(large.values())}
