"""Two servers behind one cluster, and one of them is away: what the edits of the other one take."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median

from typing_commands import KEY

from tests.cluster import Cluster

from .fleet import faults_of
from .site import Base, Server, serving

WATCHERS, WORKERS = 2, 4
FILES, FOLDERS = 40, 8
LONGEST = 60.0  # seconds that anything may take
EVERY = 1.0  # seconds between two edits


@dataclass
class Away:
    """What was seen.

    Args:
        before: seconds from an edit until it was found at its server, with both servers there.
        during: the same while the other server was away.
        back: seconds from the other server's return until it had all its edits.
        wrong: what should not be.
    """

    before: list[float] = field(default_factory=list)
    during: list[float] = field(default_factory=list)
    back: float = 0.0
    wrong: list[str] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        """Return them to be read."""
        for name, found in (("both there", self.before), ("one away", self.during)):
            shown = f"median {median(found):.1f} s, longest {max(found):.1f} s"
            yield f"{name:18}{len(found)} edits: {shown}"
        yield f"back              same after {self.back:.1f} s"
        yield f"wrong             {len(self.wrong)}"


class _Side:
    """A mirror and its server."""

    def __init__(self, place: Path, name: str, server: Server) -> None:
        self.name, self.server = name, server
        self.docs = place / name
        for n in range(FILES):
            self.write(f"{n % FOLDERS}/{n:02}.md", f"page {n} of {name}")
        self.base = Base(server.url, name)

    def write(self, path: str, text: str) -> None:
        file = self.docs / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def texts(self) -> list[str]:
        return sorted(self.base.text(row).strip() for row in self.base.rows())

    def is_exact(self) -> bool:
        files = (each for each in self.docs.rglob("*") if each.is_file())
        return self.texts() == sorted(each.read_text() for each in files)

    def has(self, path: str, text: str) -> bool:
        rows = (row for row in self.base.rows() if row["name"] == path.replace("/", "∕"))
        return any(self.base.text(row).strip() == text for row in rows)


def one_away(place: Path, cluster: Cluster, *, seconds: float) -> Away:
    """Let the second server be away for so long; return what was seen of the first one."""
    from cluster_fleet import Fleet  # noqa: PLC0415 - beside the tests that type commands

    seen = Away()
    with ExitStack() as stack:
        sides = []
        for name in ("here", "there"):
            folder = place / f"server-{name}"
            folder.mkdir()
            sides.append(_Side(place, name, stack.enter_context(serving(folder))))
        fleet = Fleet(place, sides[0].server.url, cluster.fresh())
        stack.callback(fleet.end)
        fleet.config.write_text(_config(sides, fleet.config.read_text()))
        for _ in range(WATCHERS):
            fleet.start("watch", "schedule")
        for _ in range(WORKERS):
            fleet.start("work")
        here, there = sides
        _wait(lambda: here.is_exact() and there.is_exact(), between=1.0)
        seen.before = list(_edits(here, there, int(min(seconds, 20) / EVERY), "before"))
        there.server.end()
        seen.during = list(_edits(here, there, int(seconds / EVERY), "during"))
        there.server.start()
        began = time.monotonic()
        if not _wait(there.is_exact, 400.0, between=0.5):
            seen.wrong.append("the server that was away is not the same as its folder")
        seen.back = time.monotonic() - began
        if not here.is_exact():
            seen.wrong.append("the server that was there is not the same as its folder")
        seen.wrong += faults_of(fleet.logs())
    return seen


def _edits(here: _Side, there: _Side, count: int, word: str) -> Iterator[float]:
    """Edit on both sides again and again; yield how long each took to be found here."""
    for n in range(count):
        path = f"{n % FOLDERS}/{n % FILES:02}.md"
        text = f"page {n % FILES} of here, edit {word} {n}"
        there.write(path, f"page {n % FILES} of there, edit {word} {n}")
        here.write(path, text)
        began = time.monotonic()
        if not _wait(partial(here.has, path, text)):
            raise AssertionError(f"{path} was not found within {LONGEST} s")
        took = time.monotonic() - began
        yield took
        time.sleep(max(0.0, EVERY - took))


def _wait(holds: Callable[[], bool], longest: float = LONGEST, *, between: float = 0.1) -> bool:
    end = time.monotonic() + longest
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(between)
    return True


def _config(sides: list[_Side], text: str) -> str:
    head, _, _ = text.partition("server:")
    servers = "".join(
        f"  {s.name}: {{url: '{s.server.url}', api_key: {KEY}, timeout: 5s}}\n" for s in sides
    )
    mirrors = "".join(
        f"  - {{name: {s.name}, source: {s.docs}, server: {s.name}, knowledge_base: {s.name},"
        " settle: 0.2s, delete_grace: 1s, ambiguity_window: 10s}\n"
        for s in sides
    )
    return f"{head}servers:\n{servers}mirrors:\n{mirrors}"
