"""Servers as processes of their own, and what they counted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.knowledge_api import COUNTS
from benchmarks.measure import ROOT, FailedError
from benchmarks.pace import Pace
from benchmarks.suite import Suite, running

KEY = "dataset-benchmark"
LONGEST, LOOK = 300.0, 0.05  # seconds


@dataclass(frozen=True)
class Counted:
    """What a server counted.

    Args:
        by_route: requests by method and route.
        first_upload, last_upload: monotonic seconds: the arrival of the first upload, and the
            answer to the last one.
    """

    by_route: dict[str, int]
    first_upload: float = 0.0
    last_upload: float = 0.0

    @property
    def requests(self) -> int:
        """All requests."""
        return sum(self.by_route.values())

    def of(self, part: str) -> int:
        """Return how many requests have `part` in their method and route."""
        return sum(count for route, count in self.by_route.items() if part in route)


@dataclass(frozen=True)
class Stub:
    """A running stub.

    Args:
        url: without a path.
    """

    url: str

    def counted(self, *, anew: bool = False) -> Counted:
        """Return what it counted; `anew`: it begins at zero then."""
        request = urllib.request.Request(self.url + COUNTS, method="POST" if anew else "GET")
        with urllib.request.urlopen(request, timeout=60) as answer:
            found = json.load(answer)
        return Counted(found["requests"], found["first_upload"], found["last_upload"])

    def until(self, holds: Callable[[Counted], bool]) -> Counted:
        """Wait until it counted what `holds`, and return that.

        Raises:
            FailedError: it did not within minutes.
        """
        end = time.monotonic() + LONGEST
        while not holds(counted := self.counted()):
            if time.monotonic() > end:
                raise FailedError(f"what was waited for did not come: {counted}")
            time.sleep(LOOK)
        return counted


@contextmanager
def stub(
    suite: Suite, pace: Pace | None = None, *, load: Path | None = None, knows_all: bool = False
) -> Iterator[Stub]:
    """Serve the stub.

    Args:
        pace: how long answers take; None: as short as can be.
        load: documents to begin with.
        knows_all: Open WebUI has every file already.
    """
    pace = pace or Pace()
    words = [sys.executable, "-m", "benchmarks.server"]
    words += ["--latency", str(pace.latency), "--locked", str(pace.locked)]
    words += ["--indexing", str(pace.indexing)]
    words += ["--load", str(load)] if load else []
    words += ["--knows-all"] if knows_all else []
    with running(words, cwd=ROOT, log=suite.scratch / "stub.log") as process:
        yield Stub(first_line(process))


@dataclass(frozen=True)
class Embedded:
    """The embedded knowledge base as a running server.

    Args:
        url: with its path.
        log: a JSON line for each request.
    """

    url: str
    log: Path

    def counted(self) -> Counted:
        """Return what it counted."""
        lines = map(json.loads, self.log.read_text("utf-8").splitlines())
        return Counted(dict(Counter(f"{each['method']} {each['route']}" for each in lines)))


@contextmanager
def embedded(suite: Suite, place: Path) -> Iterator[Embedded]:
    """Serve a new embedded knowledge base over TCP, always that of the version measured."""
    log, data = place / "requests.log", place / "base.db"
    log.touch()
    words = [suite.now.command, "serve", "--port", "0", "--data", str(data)]
    words += ["--request-log", str(log)]
    env = {**os.environ, "KBSYNC_SERVE_KEY": KEY}
    with running(words, cwd=place, env=env, log=suite.scratch / "serve.log") as process:
        yield Embedded(first_line(process), log)


def first_line(process: subprocess.Popen[bytes]) -> str:
    """Return the address that a server prints once it answers.

    Raises:
        RuntimeError: it printed none.
    """
    assert process.stdout is not None
    line = process.stdout.readline().decode().strip()
    if not line.startswith("http"):
        raise RuntimeError(f"the server did not start: {line}")
    return line
