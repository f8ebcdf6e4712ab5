"""Parts of kbsync alone: the walk against `find`, a commit of the ledger against the disk."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from tempfile import mkdtemp

from benchmarks import peers
from benchmarks.figures import Cost, Result, of_medians
from benchmarks.measure import ROOT, in_turn
from benchmarks.rows.compared import against, cpu
from benchmarks.suite import NOW, Suite

FIND = "find"
COMMITS = 200


def measure(suite: Suite) -> Iterator[Result]:
    """Measure the walk, then the ledger; both of the version measured alone."""
    source = suite.tree(suite.size.many)
    find = peers.find(suite, suite.size.many)
    if find is not None:
        costs = in_turn({NOW: lambda: _walked(str(source)), FIND: find}, suite.size.runs)
        yield against("walk-find", costs, FIND, cpu)
    rounds = [
        _inside("commits", mkdtemp(dir=suite.scratch), str(COMMITS)) for _ in range(suite.size.runs)
    ]
    samples = {name: [each[name] for each in rounds] for name in ("commits", "syncs")}
    yield Result("commit", of_medians(*samples.values()), None, samples)


def _walked(source: str) -> Cost:
    found = _inside("walk", source)
    return Cost(found["walk"], found["walk_cpu"], 0)


def _inside(*words: str) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.inside", *words]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return dict(json.loads(ran.stdout))
