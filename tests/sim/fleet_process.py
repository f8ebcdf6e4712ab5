"""A worker of a cluster in a history: its lines, its clock and its slots."""

from __future__ import annotations

import random
import traceback
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import anyio
import trio

from kbsync.cluster.budget import Budget
from kbsync.cluster.database_time import DatabaseTime
from kbsync.cluster.heartbeat import Heartbeat
from kbsync.cluster.lease_tenure import LeaseTenure
from kbsync.cluster.leases import Lease
from kbsync.cluster.members import Members
from kbsync.cluster.shared_limiter import SharedLimiter
from kbsync.cluster.slot import Slot
from kbsync.cluster.worker import Worker, WorkerOptions, shared_rows
from kbsync.engine.indexing_room import IndexingRooms
from kbsync.engine.reconciler import Reconciler
from kbsync.engine.workers.pool import WorkerPool
from kbsync.engine.workers.throttle import ThrottledRemote
from kbsync.ledger.clock import LedgerClock
from kbsync.messages import Notice, Problem
from kbsync.messages import ledger as messages
from kbsync.model import Outcome
from kbsync.planning.path_range import PathRange, PathScope

from . import rules
from .line import Line
from .process import IN_FLIGHT
from .shared_disk import DroppingWeather, FaultyClusterDatabase

if TYPE_CHECKING:
    from .fleet import FleetHistory, Hints

SERVER = "http://fake/v1"
LEASE = 200.0


class FleetLine(Line):
    """The line of a worker, which may be stopped between an answer and what follows from it."""

    process: FleetProcess

    async def _read(self, *words: Any, **more: Any) -> Outcome[Any]:
        await self.process.awake()
        found: Outcome[Any] = await super()._read(*words, **more)
        await self.process.is_stopped()
        return found

    async def _write(self, what: str, effect: Callable[[], Outcome[Any]]) -> Outcome[Any]:
        await self.process.is_stopped()
        # One that was stopped just now looks at its lease before it goes on (section 8).
        notice = self.process.fence()
        if notice is not None:
            raise Problem(notice)
        self.process.history.sends_write()
        found = await super()._write(what, effect)
        await self.process.is_stopped()
        return found


class FleetClock(LedgerClock):
    """The clock of a slot, whose sleep lasts for as long as its process is stopped."""

    process: FleetProcess

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds)
        await self.process.awake()


class FleetHeartbeat(Heartbeat):
    """Beats of a process that may be stopped."""

    process: FleetProcess

    def beat(self, held: Any) -> Any:
        if self.process.stopped:
            raise Problem(messages.LOST(place="the database", why="stopped"))
        return super().beat(held)


class FleetSlot(Slot):
    """A slot whose server is the history's."""

    def __init__(self, process: FleetProcess) -> None:
        self._rows = process.rows
        self._process = process
        self._observe = process.observe
        self._pool: WorkerPool | None = None
        self._stopped = False
        history = process.history
        self._tenure = LeaseTenure(history.disk.location)
        self._store = history.disk.slot(self._tenure, process.weather)
        self.clock = FleetClock(self._store, wall=process.time.now, steady=process.steady)
        self.clock.process = process
        self._store.clock = self.clock

    def _engine(self, lease: Lease) -> Reconciler:
        process, history = self._process, self._process.history
        process.fence = self._store.fence
        remote = ThrottledRemote(
            process.line,
            limiter=process.limit,
            clock=self.clock,
            in_flight=IN_FLIGHT,
            fence=self._store.fence,
        )
        scope = PathScope(PathRange(lease.first, lease.end), history.most_files)
        mirror = replace(history.mirror(lease.mirror), scope=scope)
        return Reconciler(mirror, self._store, remote, self.clock, process.rooms)


class FleetProcess:
    """One worker.

    Args:
        history: which it is in.
        chance: draws what it does.
        weather: what goes wrong.
        ending: closes its lines when it ends.

    Attributes:
        empties: as `Process.empties`.
    """

    empties = False
    fence: Callable[[], Notice | None]

    def __init__(
        self,
        history: FleetHistory,
        chance: random.Random,
        weather: DroppingWeather,
        ending: ExitStack,
    ) -> None:
        self.history, self.chance, self.weather = history, chance, weather
        self._fast, self._ahead = 1 + chance.uniform(-1e-3, 1e-3), chance.uniform(-1e6, 1e6)
        self.fence = lambda: None
        self.database = FaultyClusterDatabase(history.disk.address, weather)
        ending.callback(self.database.close)
        members, self.time = Members(self.database, "work"), DatabaseTime(self.steady)
        self.time.measure(members.seen)
        self.rows = shared_rows(self.database, members.holder, LEASE)
        self.rooms = IndexingRooms()
        self.limit = SharedLimiter(
            Budget(self.database, server=SERVER, key="key", per_minute=history.per_minute)
        )
        self.line = FleetLine(history.server, history.watcher, weather, self._meddle, history.note)
        self.line.process = self
        self.slots: list[FleetSlot] = []
        for _ in range(chance.choice([1, 1, 2])):
            self.slots.append(FleetSlot(self))
            ending.callback(self.slots[-1].close)
        beats = FleetHeartbeat(self.database, members, self.rows.leases, self.time)
        beats.process = self
        options = WorkerOptions(most=history.most_files, lease_seconds=LEASE)
        slots = cast("list[Slot]", list(self.slots))
        servers = dict.fromkeys(history.mirrors, SERVER)
        self.worker = Worker(self.database, self.rows, beats, slots, servers, options)

    def steady(self) -> float:
        """Seconds as this machine counts them."""
        return self._ahead + self._fast * self.history.time()

    def busy(self) -> bool:
        """Whether it may be in the middle of something at the server."""
        return self.worker.held > 0 or self.line.in_the_air > 0

    @property
    def stopped(self) -> bool:
        """Whether it does not run, as after a SIGSTOP."""
        return self.history.time() < self.weather.stopped_until

    async def awake(self) -> None:
        """Wait for as long as it is stopped."""
        while self.stopped:  # noqa: ASYNC110 - it may be stopped again meanwhile
            await anyio.sleep(self.weather.stopped_until - self.history.time())

    async def is_stopped(self) -> None:
        """Stop it for a while, if that is drawn."""
        if not self.stopped and self.chance.random() < self.weather.stops:
            self.weather.met["stopped"] += 1
            self.history.note("a worker is stopped")
            seconds = self.chance.uniform(1, 3 * LEASE)
            self.weather.stopped_until = self.history.time() + seconds
        await self.awake()

    def observe(self, event: Any) -> None:
        why = f" ({event.why})" if event.why else ""
        self.history.note(f"{event.key.path} {event.action} {event.cause} {event.outcome}{why}")
        if event.why is not None and event.why.code == "KB-E014":
            self.history.reported.add(str(event.why.words["document"]))

    def _meddle(self) -> None:
        rules.meddle(self.history, self.chance)

    async def run(self, hints: Hints) -> None:
        """Work on hints until it ends."""
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(self.worker.beat)
                for _ in range(len(self.slots)):
                    group.start_soon(self._work, hints)
        except BaseException as error:
            if not self.weather.dead:
                self._account(error)

    async def _work(self, hints: Hints) -> None:
        while True:
            await self.awake()
            if not hints.waiting:
                await anyio.sleep(self.chance.uniform(1, 20))
                continue
            shard = hints.waiting.popleft()
            try:
                self.history.passes += 1
                done = await self.worker.work(shard)
            except Problem as problem:
                self.history.note(f"problem {problem.notice}")
                self.history.met[f"problem {problem.notice.code}"] += 1
                await anyio.sleep(self.chance.uniform(1, 20))
                continue
            if done is not None and done.report is not None:
                self.history.met["shard compared"] += 1
                self.history.note(f"{done.lease.shown} {dict(done.report.done)}")

    def _account(self, error: BaseException) -> None:
        if isinstance(error, BaseExceptionGroup):
            for each in error.exceptions:
                self._account(each)
        elif isinstance(error, KeyboardInterrupt | trio.Cancelled):
            raise error
        else:
            words = "".join(traceback.format_exception(error))
            self.history.watcher.fault("bug", words[-3000:])
