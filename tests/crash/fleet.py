"""A cluster under everything at once: its workers are killed, stopped, and lose their database.

Three workers mirror a folder that changes all the time. One of them is killed every ten seconds,
PostgreSQL is restarted, and one worker is stopped for a minute. What is at the server at the end is
counted by a stranger, and so are its writes by the server's own log.
"""

from __future__ import annotations

import json
import random
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGCONT, SIGSTOP
from statistics import median
from typing import Any

import warm

from kbsync.ledger.location import find_location
from tests.cluster import Cluster

from .site import Base, Server, serving

WORKERS, MIRRORS, FOREIGN = 3, 8, 20
EVERY = 10.0  # seconds between two kills
STOPPED = 60.0
PER_MINUTE = 200
TIMEOUT, WINDOW = 10, 20  # seconds: a call takes less, whoever waits for it
MINUTE = 60.0
TOO_OFTEN = 30  # processes that ended by themselves: none can work
WRITES = ("POST", "PATCH", "DELETE", "PUT")
LOOK = 0.2  # seconds between two looks, and between two changes of the folder


@dataclass
class Figures:
    """What was seen.

    Args:
        kills: of workers.
        ended: processes that ended by themselves and were started again.
        changes: of files, by kind.
        files: at the end.
        lost: shards whose worker was killed.
        worked_again: seconds until another one took them, in the order of their kills.
        settled: seconds from the last change until both sides were the same.
        writes: the most in any minute, as the server counted.
        wrong: what should not be.
    """

    kills: int = 0
    ended: int = 0
    changes: Counter[str] = field(default_factory=Counter)
    files: int = 0
    lost: int = 0
    worked_again: list[float] = field(default_factory=list)
    settled: float = 0.0
    writes: int = 0
    wrong: list[str] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        """Return them to be read."""
        yield f"kills             {self.kills}, {self.ended} processes ended by themselves"
        yield f"changes           {dict(self.changes)}, {self.files} files at the end"
        again = sorted(self.worked_again)
        if again:
            shown = f"median {median(again):.1f} s, longest {again[-1]:.1f} s"
            yield f"shards lost       {self.lost}, worked again: {shown} ({len(again)} seen)"
        yield f"same after        {self.settled:.1f} s"
        yield f"writes a minute   {self.writes} at most, {PER_MINUTE} allowed"
        yield f"wrong             {len(self.wrong)}"


def under_everything(
    place: Path,
    cluster: Cluster,
    *,
    seconds: float,
    seed: int = 0,
    every: float = EVERY,
    stopped: float = STOPPED,
) -> Figures:
    """Run a fleet for so long, with all that; return what was seen.

    Args:
        place: an empty folder.
        cluster: the database server.
        seconds: how long it is disturbed.
        seed: of what is drawn.
        every: seconds between two kills.
        stopped: seconds that a worker is stopped for.
    """
    with serving(place) as server:
        running = _Run(place, cluster, server, random.Random(seed), every, stopped)
        return running.whole(seconds)


class _Run:
    def __init__(
        self,
        place: Path,
        cluster: Cluster,
        server: Server,
        chance: random.Random,
        every: float,
        stopped: float,
    ) -> None:
        from cluster_fleet import Fleet  # noqa: PLC0415 - beside the tests that type commands

        self._place, self._cluster, self._chance = place, cluster, chance
        self._every, self._stopped = every, stopped
        # More is removed and edited in minutes than a guard lets go in an hour.
        free = "{least: 100000}"
        more = f"settle: 0.2s, delete_grace: 1s, ambiguity_window: {WINDOW}s, "
        more += f"guard: {{removals: {free}, reembeddings: {free}}}"
        ledger = cluster.fresh()
        self._schema = find_location(ledger).schema
        self._fleet = Fleet(place, server.url, ledger)
        head, _, _ = self._fleet.config.read_text().partition("}\nmirrors")
        mirrors = "".join(
            f"  - {{name: m{n}, source: {self._fleet.docs / str(n)}, prefix: m{n}, "
            f"knowledge_base: {{name: Docs}}, {more}}}\n"
            for n in range(MIRRORS)
        )
        limit = f", timeout: {TIMEOUT}s, requests_per_minute: {PER_MINUTE}}}\nmirrors:\n"
        self._fleet.config.write_text(head + limit + mirrors)
        self._base = Base(server.url)
        self._workers: list[warm.Running] = []
        self._seen = Figures()
        self._waiting: dict[int, tuple[int, float]] = {}
        self._number = 0
        self._sleeper: warm.Running | None = None
        self._wakes = float("inf")

    def whole(self, seconds: float) -> Figures:
        foreign = {f"by hand {n}.md": f"a stranger's page {n}" for n in range(FOREIGN)}
        for name, text in foreign.items():
            self._base.add(name, text)
        for _ in range(60):
            self._change(only=self._write)
        self._watch = self._fleet.start("watch", "schedule")
        self._workers = [self._fleet.start("work") for _ in range(WORKERS)]
        try:
            self._disturb(seconds)
            self._settle(2 * seconds + 240)
        finally:
            self._fleet.end()
        self._judge(foreign)
        return self._seen

    # -- what happens ------------------------------------------------------------------------------

    def _disturb(self, seconds: float) -> None:
        began = time.monotonic()
        plan = [
            (seconds / 3, self._restart_database),
            (seconds * 0.6, self._stop_one),
            *((self._every * n, self._kill_one) for n in range(1, int(seconds / self._every))),
        ]
        due = deque(sorted(plan, key=lambda each: each[0]))
        while (passed := time.monotonic() - began) < seconds:
            if due and passed >= due[0][0]:
                due.popleft()[1]()
            self._change()
            self._look()
            self._wake()
            self._keep_up()
            time.sleep(LOOK)

    def _kill_one(self) -> None:
        at = self._chance.randrange(WORKERS)
        victim = self._workers[at]
        if victim is self._sleeper:
            return
        held = self._held_by(victim.pid)
        victim.kill()
        victim.wait()
        self._seen.kills += 1
        self._seen.lost += len(held)
        now = time.monotonic()
        self._waiting |= {shard: (epoch, now) for shard, epoch in held.items()}
        self._workers[at] = self._fleet.start("work")

    def _restart_database(self) -> None:
        self._cluster.stop()
        self._cluster.start()

    def _stop_one(self) -> None:
        self._sleeper = self._workers[0]
        self._sleeper.send_signal(SIGSTOP)
        self._wakes = time.monotonic() + self._stopped

    def _wake(self) -> None:
        if self._sleeper is not None and time.monotonic() >= self._wakes:
            self._sleeper.send_signal(SIGCONT)
            self._sleeper = None

    def _change(self, only: Callable[[], None] | None = None) -> None:
        kinds = [self._write, self._edit, self._edit, self._delete, self._rename]
        (only or self._chance.choice(kinds))()

    def _paths(self) -> list[Path]:
        return sorted(each for each in self._fleet.docs.rglob("*") if each.is_file())

    def _some_path(self) -> str:
        self._number += 1
        return f"{self._chance.randrange(MIRRORS)}/{self._chance.randrange(4)}/{self._number:05}.md"

    def _write(self) -> None:
        path = self._some_path()
        self._fleet.write(path, f"page {path}, number {self._number}")
        self._seen.changes["written"] += 1

    def _edit(self) -> None:
        self._number += 1
        if paths := self._paths():
            path = self._chance.choice(paths)
            path.write_text(f"page {path.name}, edited, number {self._number}")
            self._seen.changes["edited"] += 1

    def _delete(self) -> None:
        if len(paths := self._paths()) > 60:
            self._chance.choice(paths).unlink()
            self._seen.changes["deleted"] += 1

    def _rename(self) -> None:
        if paths := self._paths():
            to = self._fleet.docs / self._some_path()
            to.parent.mkdir(parents=True, exist_ok=True)
            self._chance.choice(paths).rename(to)
            self._seen.changes["renamed"] += 1

    def _keep_up(self) -> None:
        """Start again what ended by itself, as a supervisor does."""
        if self._watch.poll() is not None:
            self._seen.ended += 1
            self._watch = self._fleet.start("watch", "schedule")
        for n, each in enumerate(self._workers):
            if each.poll() is not None:
                self._seen.ended += 1
                self._workers[n] = self._fleet.start("work")

    # -- what is seen ------------------------------------------------------------------------------

    def _rows(self, sql: str) -> list[tuple[object, ...]]:
        try:
            return self._cluster.query(sql.format(shard=f'"{self._schema}".shard'))
        except Exception:
            return []

    def _held_by(self, pid: int) -> dict[int, int]:
        mine = f"holder LIKE 'work {pid} on %' AND until > clock_timestamp()"
        rows = self._rows(f"SELECT id, epoch FROM {{shard}} WHERE {mine}")
        return {int(str(shard)): int(str(epoch)) for shard, epoch in rows}

    def _look(self) -> None:
        """Note which of the lost shards another worker has taken."""
        if not self._waiting:
            return
        rows = self._rows("SELECT id, epoch FROM {shard}")
        epochs = {int(str(shard)): int(str(epoch)) for shard, epoch in rows}
        for shard, (epoch, since) in list(self._waiting.items()):
            if epochs and epochs.get(shard, epoch + 1) > epoch:
                self._seen.worked_again.append(time.monotonic() - since)
                del self._waiting[shard]

    def _texts(self) -> list[str]:
        rows = [row for row in self._base.rows() if not str(row["name"]).startswith("by hand")]
        return sorted(self._base.text(row).strip() for row in rows)

    def _settle(self, longest: float) -> None:
        began = time.monotonic()
        wanted = sorted(each.read_text() for each in self._paths())
        self._seen.files = len(wanted)
        while self._texts() != wanted:
            self._look()
            self._wake()
            self._keep_up()
            if time.monotonic() - began > longest or self._seen.ended > TOO_OFTEN:
                self._seen.wrong.append("both sides are not the same")
                break
            time.sleep(1)
        self._seen.settled = time.monotonic() - began

    def _judge(self, foreign: dict[str, str]) -> None:
        wrong, rows = self._seen.wrong, self._base.rows()
        names = Counter(str(row["name"]) for row in rows)
        wrong += [f"{name}: {n} documents" for name, n in names.items() if n > 1]
        found = {str(row["name"]): self._base.text(row).strip() for row in rows}
        wrong += [f"{name} was touched" for name in foreign if found.get(name) != foreign[name]]
        expected = {str(p.relative_to(self._fleet.docs)).replace("/", "∕") for p in self._paths()}
        # A document keeps its name when its file is renamed, so that names are counted alone.
        if len(rows) != len(expected) + len(foreign):
            wrong.append(f"{len(rows)} documents for {len(expected)} files")
        self._seen.writes = _most_in_a_minute(self._place / "requests.jsonl")
        if self._seen.writes > PER_MINUTE:
            wrong.append(f"{self._seen.writes} writes in a minute")
        wrong += faults_of(self._fleet.logs())


def faults_of(logs: str) -> list[str]:
    """Return what processes did not expect; the engine of jobs says so of a database that ended."""
    lines = [json.loads(line) for line in logs.splitlines() if line.startswith("{")]
    faults = [each for each in lines if "exception" in each and not _is_of_the_database(each)]
    loose = [line for line in logs.splitlines() if line.startswith("Traceback")]
    said = [f"{each['event']} {each.get('library', '')}: {each['exception']}" for each in faults]
    return [f"a fault: {each[:100]} … {each[-500:]}" for each in said] + loose


def _is_of_the_database(line: dict[str, Any]) -> bool:
    # By the engine itself, or by the event loop of a task that the engine has left.
    by_a_library = line["event"] == "library"
    return by_a_library and "procrastinate.exceptions.ConnectorException" in line["exception"]


def _most_in_a_minute(log: Path) -> int:
    """Return the most writes of kbsync in any minute, by the server's log."""
    lines = map(json.loads, log.read_text("utf-8").splitlines())
    calls = (each for each in lines if each["method"] in WRITES)
    # Searches are sent as POST, and are no writes; what a stranger made was made by text.
    no_writes = ("retrieve", "create-by-text")
    moments = sorted(each["at"] for each in calls if not str(each["path"]).endswith(no_writes))
    most, window = 0, deque[float]()
    for moment in moments:
        window.append(moment)
        while window[0] <= moment - MINUTE:
            window.popleft()
        most = max(most, len(window))
    return most
