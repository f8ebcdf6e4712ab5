"""One process of kbsync: its ledger, its line to the server, the weather it runs in, its end."""

from __future__ import annotations

import random
import traceback
from collections.abc import Awaitable, Callable
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING

import anyio
import trio

from kbsync.commands.retry import forgive
from kbsync.engine.execute.results import Event
from kbsync.engine.indexing_room import IndexingRooms
from kbsync.engine.observe import adoption
from kbsync.engine.reconciler import Planned, Reconciler
from kbsync.engine.workers.pool import WorkerPool
from kbsync.engine.workers.rate_limiter import RateLimiter
from kbsync.engine.workers.throttle import ThrottledRemote
from kbsync.ledger.clock import LedgerClock
from kbsync.messages import Problem
from kbsync.model import Cause, DocKey, Halted
from kbsync.planning.pairing import By, pair

from . import rules, trials
from .disk import Disk
from .line import Line
from .weather import Weather

if TYPE_CHECKING:
    from .history import History

IN_FLIGHT = 4

TOO_LONG = 40 * 3600.0

Job = Callable[["Process"], Awaitable[None]]


class Process:
    """What runs from a start to an end.

    Args:
        disk: where its ledger lives.
        chance: draws what it does.
        weather: what goes wrong.
        releases: whether what the guard holds back is released.

    Attributes:
        busy: whether it may be in the middle of something at the server.
        empties: it was begun to empty the trash, whatever is wished by now.
    """

    def __init__(
        self,
        history: History,
        disk: Disk,
        chance: random.Random,
        weather: Weather,
        *,
        releases: bool,
    ) -> None:
        self.history = history
        self.chance = chance
        self.weather = weather
        self.releases = releases
        self.empties = False
        self.busy: Callable[[], bool] = lambda: True
        self._disk = disk
        self._store = disk.under(weather)
        self.clock = LedgerClock(self._store, wall=history.wall, steady=history.time)
        self.line = Line(history.server, history.watcher, weather, self._meddle, history.note)
        limiter = RateLimiter(history.per_minute)
        self._rooms = IndexingRooms()
        self._gate = ThrottledRemote(
            self.line, limiter=limiter, clock=self.clock, in_flight=IN_FLIGHT
        )

    def _meddle(self) -> None:
        rules.meddle(self.history, self.chance)
        trials.meanwhile(self.history)

    def engine(self, name: str, *, prune_excluded: bool = False) -> Reconciler:
        mirror = self.history.mirror(name, prune_excluded=prune_excluded)
        self.empties |= mirror.empty_trash
        return Reconciler(mirror, self._store, self._gate, self.clock, self._rooms)

    async def run(self, job: Job) -> bool:
        """Do `job`; return false when the process ended in between."""
        history = self.history
        history.processes.append(self)
        try:
            await job(self)
            self.clock.record()
        except BaseException as error:
            if not self.weather.dead:
                self._account(error)
        finally:
            history.processes.remove(self)
            history.met += self.weather.met
            self._disk.under(None)
            if self.weather.dead:
                history.note("the process ends")
                self._disk.close()
        return not self.weather.dead

    def _account(self, error: BaseException) -> None:
        if isinstance(error, Problem):
            self._met(error)
            return
        if isinstance(error, KeyboardInterrupt | trio.Cancelled):
            raise error
        self.history.watcher.fault("bug", "".join(traceback.format_exception(error))[-3000:])

    def _met(self, problem: Problem) -> None:
        self.history.note(f"problem {problem.notice}")
        self.history.met[f"problem {problem.notice.code}"] += 1

    def observe(self, event: Event) -> None:
        why = f" ({event.why})" if event.why else ""
        self.history.note(f"{event.key.path} {event.action} {event.cause} {event.outcome}{why}")
        if event.why is not None and event.why.code == "KB-E014":  # who made it is unknown
            self.history.reported.add(str(event.why.words["document"]))
        self.history.on_event(event)

    # -- one pass --------------------------------------------------------------------------------

    async def once_over(
        self, engine: Reconciler, wanted: Callable[[DocKey], bool] | None = None
    ) -> None:
        """Plan and apply, as `apply` does; with `wanted` only those keys."""
        self.history.passes += 1
        try:
            listing = wanted is not None or self.chance.random() < 0.8
            checksum = self.history.fine and self.history.hidden
            planned = await engine.plan(listing=listing, checksum=checksum)
            if wanted is not None:
                planned = engine.narrow(planned, wanted)
            self.history.note(f"plan {planned.plan.counts} {planned.guard}"[:300])
            if not self.history.fine and self.chance.random() < 0.15:
                for _ in range(self.chance.randint(1, 4)):
                    self._meddle()
                await anyio.sleep(self.chance.uniform(0, 300))
            await self._apply(engine, planned)
        except Problem as problem:
            self._met(problem)

    async def _apply(self, engine: Reconciler, planned: Planned) -> None:
        history, chance = self.history, self.chance
        read: AbstractSet[str] = frozenset()
        if self.releases and isinstance(planned.guard, Halted):
            read = planned.guard.members
            history.agreed[engine.mirror.name] += 1
            history.agreed_once.add(engine.mirror.name)
        stop_at = chance.randint(1, 30) if not history.fine and chance.random() < 0.1 else 0

        def observe(event: Event) -> None:
            nonlocal stop_at
            self.observe(event)
            stop_at -= 1
            if stop_at == 0 and pools:
                history.met["stop"] += 1
                pools[0].stop()

        pools: list[WorkerPool] = []
        wait = history.fine or chance.random() < 0.9
        try:
            with anyio.move_on_after(TOO_LONG) as scope:
                report = await engine.apply(
                    planned, wait=wait, observe=observe, started=pools.append, read=read
                )
                history.note(f"report {dict(report.done)} exit {report.exit.name}")
        finally:
            history.agreed[engine.mirror.name] -= bool(read)
        if read:
            history.watcher.agreed()
        if scope.cancelled_caught:
            history.watcher.fault("endless", "a pass did not end")


# -- jobs ----------------------------------------------------------------------------------------


async def apply(process: Process) -> None:
    """Every mirror once."""
    for name in process.history.mirrors:
        await process.once_over(process.engine(name))


async def prune(process: Process) -> None:
    """The same, and documents of files that are left out go."""
    process.history.prunes_excluded = True
    try:
        for name in process.history.mirrors:
            await process.once_over(process.engine(name, prune_excluded=True))
    finally:
        process.history.prunes_excluded = False


async def retry(process: Process) -> None:
    """What failed or was refused, once more."""
    for name in process.history.mirrors:
        engine = process.engine(name)
        chosen = set(forgive(engine.ledger, name, ()))
        if chosen:
            process.history.met["retried"] += len(chosen)
            await process.once_over(engine, chosen.__contains__)


async def adopt(process: Process) -> None:
    """Documents that were made by hand become ours, where names say which."""
    history = process.history
    trust = _sizes_tell(history) and process.chance.random() < 0.5
    try:
        for name in history.mirrors:
            offered = await process.engine(name).offer(
                lambda files, documents: pair(files, documents, By.NAME),
                cause=Cause.NAME,
                trust=adoption.Trust.SIZE if trust else adoption.Trust.NONE,
            )
            history.note(f"adopt {[str(each) for each in offered.actions]}")
            history.met["adopted"] += len(offered.actions)
            await adoption.take(offered)
    finally:
        history.taken_in()


def _sizes_tell(history: History) -> bool:
    """Return whether contents of one size are equal, so that sizes can be trusted."""
    contents = {each.content for each in history.server.documents.values()}
    for folder in history.folders.values():
        for file in folder.files.values():
            contents |= {file.content, folder.text_of(file.content)}
    return len({len(content) for content in contents}) == len(contents)
