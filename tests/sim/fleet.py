"""A cluster in a history: workers over one ledger that end, stop and lose their lines; a watch.

The lines to the server, the folder and the judge are those of every history. Real are the leases,
shards, sightings, allowances and the write budget on PostgreSQL, the worker, the scheduler and the
watch. Hints are lost, late and sent twice: an engine of jobs may do all of that.
"""

from __future__ import annotations

import itertools
import random
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import cast
from unittest import mock

import anyio
from anyio.abc import TaskGroup

from kbsync.cluster.drift import Drift
from kbsync.cluster.jobs import Jobs
from kbsync.cluster.members import Members
from kbsync.cluster.partition import Partition, Shard
from kbsync.cluster.scheduler import Scheduler
from kbsync.cluster.watch import MirrorWatch
from kbsync.ledger.clock import LedgerClock
from kbsync.messages import Problem

from . import quiescence, rules, runs
from .disk import Disk
from .fleet_process import LEASE, FleetProcess
from .history import History, play
from .process import Process
from .program import Program
from .shared_disk import DroppingWeather, FaultyClusterDatabase, SharedDisk, database_time
from .watching import Watch
from .weather import Weather

SECONDS_APART = 40.0  # between two looks of the watch, and of the scheduler
AT_LONGEST = 40_000.0
A_MINUTE = 60.0


class FleetHistory(History):
    """A history whose ledger is on PostgreSQL, and mostly written by a cluster."""

    disk: SharedDisk

    def __init__(self, program: Program, place: Path, empty: Path) -> None:
        super().__init__(program, place, empty)
        self.rules = RULES
        self.disk.lose()
        self.own.close()
        self.own = cast("Disk", self.disk)
        self.most_files = self.chance.choice([2, 3, 8])
        self.rests_in_daemon = False
        self.per_minute = 12 if self.chance.random() < 0.3 else None
        self.written: deque[float] = deque()

    async def settle(self) -> None:
        """Let the cluster come to rest, then an ordinary process, which finds what no shard asks.

        A cluster whose folders stand still has every shard compared at last.
        """
        self.note("-- the cluster settles")
        await quiescence.calm(self)
        await run(self, random.Random("rest"), until_clean=True)
        self.check()
        await quiescence.settle(self)

    def sends_write(self) -> None:
        """A write goes out to the server, from whichever process."""
        if self.per_minute is None:
            return
        now = self.time()
        self.written.append(now)
        while self.written[0] <= now - A_MINUTE:
            self.written.popleft()
        if len(self.written) > self.per_minute:
            self.watcher.fault("budget", f"{len(self.written)} writes in a minute")


class Hints:
    """Jobs that may be lost, late, or come twice.

    Args:
        chance: draws what becomes of them.
        group: where late ones wait.
    """

    def __init__(self, chance: random.Random, group: TaskGroup) -> None:
        self._chance = chance
        self._group = group
        self.waiting: deque[int] = deque()

    async def send(self, shards: Iterable[Shard]) -> None:
        """Send a hint for each shard; see `Jobs.send`."""
        for shard in shards:
            fate = self._chance.random()
            if fate < 0.8 and shard.id not in self.waiting:
                self.waiting.append(shard.id)
            if 0.7 < fate < 0.9:
                self._group.start_soon(self._later, self._chance.uniform(1, 400), shard.id)

    async def _later(self, seconds: float, shard: int) -> None:
        await anyio.sleep(seconds)
        self.waiting.append(shard)


async def run(
    history: FleetHistory,
    chance: random.Random,
    *,
    seconds: float = AT_LONGEST,
    until_clean: bool = False,
    weather: Callable[[random.Random], DroppingWeather] = DroppingWeather,
) -> None:
    """Run a cluster for a while.

    Args:
        history: in which.
        chance: draws what it does.
        seconds: how long at most.
        until_clean: end once no shard is to be compared.
        weather: draws that of each worker.
    """
    with history.disk.shared(), ExitStack() as stack:
        calm = DroppingWeather(chance)
        database = FaultyClusterDatabase(history.disk.address, calm)
        stack.callback(database.close)
        history.clock = LedgerClock(history.disk.store, wall=history.wall, steady=history.time)
        async with anyio.create_task_group() as group:
            hints = Hints(chance, group)
            _upkeep(history, database, hints, calm, group)
            for _ in range(chance.choice([1, 2, 2, 3])):
                group.start_soon(_kept_up, history, chance, weather, hints)
            with anyio.move_on_after(seconds) as scope:
                if until_clean:
                    await _until_clean(history, Partition(database))
                else:
                    await anyio.sleep(seconds)
            if until_clean and scope.cancelled_caught and not history.base_was_deleted:
                history.watcher.fault("never clean", "shards are left that are to be compared")
            group.cancel_scope.cancel()
        history.watches.clear()


async def _until_clean(history: FleetHistory, partition: Partition) -> None:
    await anyio.sleep(4 * SECONDS_APART)
    while not history.base_was_deleted and any(  # noqa: ASYNC110 - as another process would look
        shard.dirty_since is not None
        for mirror in history.mirrors
        for shard in partition.shards(mirror)
    ):
        await anyio.sleep(SECONDS_APART)


def _upkeep(
    history: FleetHistory,
    database: FaultyClusterDatabase,
    hints: Hints,
    weather: Weather,
    group: TaskGroup,
) -> None:
    """Begin what the roles `watch` and `schedule` do."""
    partition, jobs = Partition(database), cast("Jobs", hints)
    for mirror in history.mirrors:
        watch = Watch(history.folders[mirror], weather, group)
        history.watches.append(watch)
        watching = MirrorWatch(mirror, watch, partition, jobs, _warned)
        group.start_soon(watching.run)
    mirrors = [history.config(mirror) for mirror in history.mirrors]
    members = Members(database, "schedule")
    drift = Drift(database, partition)
    scheduler = Scheduler(mirrors, partition, drift, members, jobs, history.most_files)
    group.start_soon(_schedule, scheduler)


def _warned(problem: Problem) -> None:
    raise AssertionError(problem)


async def _schedule(scheduler: Scheduler) -> None:
    for number in itertools.count(1):
        await anyio.sleep(SECONDS_APART)
        await scheduler.send_due()
        if number % 10 == 0:
            await scheduler.compare_again()
            await scheduler.tidy()


async def _kept_up(
    history: FleetHistory,
    chance: random.Random,
    weather: Callable[[random.Random], DroppingWeather],
    hints: Hints,
) -> None:
    """Start a worker, and another one whenever it ends."""
    while True:
        drawn = weather(random.Random(chance.random()))
        with ExitStack() as ending:
            try:
                process = FleetProcess(history, drawn.chance, drawn, ending)
                history.processes.append(cast("Process", process))
                ending.callback(history.processes.remove, cast("Process", process))
                await process.run(hints)
            except Problem as problem:  # it lost its line while it began
                history.note(f"problem {problem.notice}")
            except BaseException:
                if not drawn.dead:
                    raise
            finally:
                history.met += drawn.met
        history.note("a worker ends")
        await anyio.sleep(chance.uniform(1, 2 * LEASE))


# -- rules -----------------------------------------------------------------------------------------


async def fleet(history: History, chance: random.Random) -> None:
    """A cluster works for a while, and much goes wrong."""
    assert isinstance(history, FleetHistory)
    history.meddled = True
    seconds = chance.choice([100.0, 600.0, 3000.0])
    await run(history, chance, seconds=seconds, weather=DroppingWeather.of_a_worker)


async def calm_fleet(history: History, chance: random.Random) -> None:
    """A cluster works for a while, and nothing goes wrong."""
    assert isinstance(history, FleetHistory)
    history.meddled = True
    await run(history, chance, seconds=chance.choice([300.0, 1500.0]))


_NOT_HERE = ("lose_ledger", "keep_copy", "roll_back", "clock_jumps", "rival", "keep", "calm_keep")
RULES: dict[str, rules.Rule] = {
    name: rule for name, rule in runs.ORDINARY.items() if name not in _NOT_HERE
} | {each.__name__: each for each in (fleet, calm_fleet)}
WEIGHTS = {name: weight for name, weight in runs.WEIGHTS.items() if name in RULES} | {
    "fleet": 24,
    "calm_fleet": 8,
    "apply": 4,
    "calm_apply": 2,
}


def _numbered(numbers: Iterator[int]) -> Callable[[int], str]:
    return lambda _: str(next(numbers))


@contextmanager
def _deterministic() -> Iterator[None]:
    numbers = itertools.count(1)
    with (
        mock.patch("kbsync.cluster.watch.GATHER", SECONDS_APART),
        mock.patch("kbsync.cluster.members.secrets.token_hex", _numbered(numbers)),
    ):
        yield


def play_fleet(
    disk: SharedDisk,
    program: Program,
    place: Path,
    empty: Path,
    story: Callable[[History], Awaitable[None]] | None = None,
) -> History:
    """Play `program` with a cluster over `disk`; see `play`."""

    def make(program: Program, place: Path, empty: Path) -> FleetHistory:
        FleetHistory.disk = disk
        made = FleetHistory(program, place, empty)
        stack.enter_context(database_time(made.wall))
        stack.enter_context(mock.patch("kbsync.ledger.database._now", made.time))
        return made

    with ExitStack() as stack:
        stack.enter_context(_deterministic())
        return play(program, place, empty, story, make)
