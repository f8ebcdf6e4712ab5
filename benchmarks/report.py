"""What a run found, as a JSON file: the next run adds to it, the page is written from it."""

from __future__ import annotations

import json
import os
import platform
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure, Point, Result
from benchmarks.suite import Suite
from benchmarks.targets import TARGETS

ABOUT = ("size", "runs", "at", "version", "compared")


@dataclass
class Report:
    """All figures.

    Args:
        results: by row.
        about: of each row when, how large and which versions were measured.
        points: of the plot.
        tables: more than one figure says, by name.
        skipped: what was left out and why.
        machine: where it ran.
    """

    results: dict[str, Result] = field(default_factory=dict)
    about: dict[str, dict[str, str]] = field(default_factory=dict)
    points: list[Point] = field(default_factory=list)
    tables: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)
    machine: str = ""

    @property
    def ordered(self) -> list[Result]:
        """The results in the order of the table."""
        return [self.results[row] for row in TARGETS if row in self.results]

    def add(self, result: Result, about: dict[str, str]) -> None:
        """Take in one row, in place of an earlier one."""
        self.results[result.row] = result
        self.about[result.row] = about

    def close(self, suite: Suite) -> None:
        """Take in what the suite noted beside the rows."""
        self.points = suite.points or self.points
        self.tables |= suite.tables
        self.skipped = suite.skipped
        self.machine = _machine()

    def write(self, path: Path) -> None:
        """Write the file."""
        whole = {
            "machine": self.machine,
            "rows": [
                {**asdict(TARGETS[result.row]), **result.as_json(), **self.about[result.row]}
                for result in self.ordered
            ],
            "points": [asdict(point) for point in self.points],
            "tables": self.tables,
            "skipped": self.skipped,
        }
        path.write_text(json.dumps(_rounded(whole), indent=1, ensure_ascii=False) + "\n")


def read(path: Path) -> Report:
    """Return what a file holds."""
    whole: Any = json.loads(path.read_text("utf-8"))
    report = Report(machine=whole["machine"], tables=whole["tables"], skipped=whole["skipped"])
    report.points = [Point(**each) for each in whole["points"]]
    for each in whole["rows"]:
        now, before = (Figure(**each[name]) if each[name] else None for name in ("now", "before"))
        assert now is not None
        result = Result(each["row"], now, before, each["samples"], each["note"])
        report.add(result, {name: each[name] for name in ABOUT})
    return report


def about(suite: Suite, size: str) -> dict[str, str]:
    """Return what is noted of every row of this run."""
    described = [version.described() for version in suite.versions]
    at = time.strftime("%Y-%m-%d", time.gmtime())
    compared = described[1] if len(described) > 1 else ""
    runs = str(suite.size.runs)
    version = described[0]
    return {"size": size, "runs": runs, "at": at, "version": version, "compared": compared}


def _machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    system = f"{platform.system()} {platform.release()}"
    python = f"Python {platform.python_version()}"
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, {system}, {python}"


def _rounded(value: object) -> object:
    if isinstance(value, float):
        return float(f"{value:.5g}")
    if isinstance(value, dict):
        return {name: _rounded(each) for name, each in value.items()}
    return [_rounded(each) for each in value] if isinstance(value, list) else value
