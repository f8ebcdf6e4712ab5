"""Keeps one mirror closed: the engine of `apply`, kept going (docs/design.md section 7)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum

import anyio
import anyio.to_thread

from kbsync.engine.control.controller_state import ControllerState
from kbsync.engine.control.session import Session
from kbsync.engine.ports import ChangeSource
from kbsync.engine.reconciler import Reconciler
from kbsync.engine.workers.backoff import LONGEST, delay_after
from kbsync.engine.workers.pool import Observer
from kbsync.engine.workers.wakeup import Wakeup, thread_safe
from kbsync.messages import Notice, Problem
from kbsync.messages import engine as say
from kbsync.messages import remote as remote_say
from kbsync.model import DocKey

DRAIN = 30.0
WORKED_FOR = 60.0
LONGEST_UNREACHED = 60.0
CANARY_WAITS = 600.0
# Nobody is there to answer, which ends by itself.
AWAY = frozenset(
    {
        remote_say.CANNOT_CONNECT,
        remote_say.CONNECT_SLOW,
        remote_say.CUT_OFF,
        remote_say.CUT_SHORT,
        remote_say.SERVER_FAULT,
        remote_say.SLOW,
        remote_say.UNKNOWN_HOST,
    }
)


class Phase(StrEnum):
    """What a keeper is at."""

    STARTING = "starting"
    SYNCING = "syncing"
    WATCHING = "watching"
    PAUSED = "paused"
    LENT = "lent"
    HALTED = "halted"
    UNREACHABLE = "unreachable"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class ControllerStatus:
    """What a keeper is at, as `status` shows it.

    Args:
        mode: how changes are noticed: ``inotify``, ``polling`` or ``inotify+polling``.
        notice: why it is not done by events alone; None when it is.
        why: why the mirror is halted or unreachable, or what the guard held back.
        next_local, next_remote: when everything is compared next, without and with a listing of
            the base, in seconds of the ledger's clock; None while nothing is planned.
        pending: keys that wait: for rest, for their grace, for room or for their time.
        indexing: documents the server is indexing.
        last_pass: when everything was compared last, in seconds of the ledger's clock.
        held: digest of what the guard holds back, None when it holds nothing.
        restless: some paths that have not rested for long, and are not read until they do.
    """

    phase: Phase = Phase.STARTING
    mode: str = ""
    notice: Notice | None = None
    why: Notice | None = None
    next_local: float | None = None
    next_remote: float | None = None
    pending: int = 0
    indexing: int = 0
    last_pass: float | None = None
    held: str | None = None
    restless: tuple[str, ...] = ()


def _nobody(state: ControllerStatus) -> None:
    """Tell nobody."""


class Controller:
    """Keeps one mirror closed until it is stopped. To be made inside the event loop.

    Args:
        engine: the mirror's engine.
        changes: the watch over its source; started and stopped by `run`.
        observe: told of every step, as by `Reconciler.apply`.
        turned: told once whenever the mirror begins or ceases to be halted, unreachable, paused
            or lent, and when the guard begins or ceases to hold something back.

    Attributes:
        read_only: plan and show, write nothing: as configured.
        paused: the same, for as long as somebody wants it.
    """

    def __init__(
        self,
        engine: Reconciler,
        changes: ChangeSource,
        *,
        observe: Observer,
        turned: Callable[[ControllerStatus], None] = _nobody,
    ) -> None:
        self._engine = engine
        self._changes = changes
        self._observe = observe
        self._turned = turned
        self._standing = ControllerState(config=engine.mirror.config, observe=observe)
        self._pulse = Wakeup()
        self._turn = anyio.Lock()
        self._planning: anyio.CancelScope | None = None
        self._upkeep: Session | None = None
        self._problem: Problem | None = None
        self._reached = False
        self._failures = 0
        self._begun_at: float | None = None
        self._watching = False
        self._paused = self._read_only = False
        self._hurry = False
        self._lent = 0
        self._over = False
        self._told = self._where()

    # -- what others see and ask ---------------------------------------------------------------

    @property
    def state(self) -> ControllerStatus:
        """What the keeper is at now."""
        standing, pool = self._standing, self._upkeep.pool if self._upkeep else None
        phase, now = self._phase(), self._engine.clock.now()
        pending = len(standing.settling) + len(standing.grace)
        pending += standing.changes if not self._writes else pool.waiting if pool else 0
        planned = phase not in (Phase.LENT, Phase.STOPPED) and standing.last_pass is not None
        return ControllerStatus(
            phase=phase,
            mode=self._changes.mode,
            notice=self._changes.notice,
            why=self._why(now),
            next_local=min(standing.next_local, standing.next_remote) if planned else None,
            next_remote=standing.next_remote if planned else None,
            pending=pending,
            indexing=pool.indexing if pool else 0,
            last_pass=standing.last_pass,
            held=standing.held.digest if standing.held else None,
            restless=standing.settling.restless(now),
        )

    @property
    def unmet(self) -> Mapping[DocKey, Notice]:
        """Why keys are not what they should be: held, in conflict, or given up until a resync."""
        return self._standing.unmet

    @property
    def paused(self) -> bool:
        """Plan and show, write nothing, for as long as somebody wants it."""
        return self._paused

    @paused.setter
    def paused(self, paused: bool) -> None:
        before, self._paused = self._writes, paused
        if self._writes != before:
            self._interrupt()

    @property
    def read_only(self) -> bool:
        """Plan and show, write nothing: as configured."""
        return self._read_only

    @read_only.setter
    def read_only(self, read_only: bool) -> None:
        before, self._read_only = self._writes, read_only
        if self._writes != before:
            self._interrupt()

    def stop(self) -> None:
        """Begin no more calls; `run` returns when those in flight have ended."""
        self._pulse.stop()
        self._interrupt()

    def nudge(self, *, listing: bool) -> None:
        """Compare everything now, with a listing of the base if `listing`."""
        now = self._engine.clock.now()
        self._standing.next_local = now
        if listing:
            self._standing.next_remote = now
        self._hurry = True
        self._pulse.wake()

    @asynccontextmanager
    async def suspended(self) -> AsyncIterator[Reconciler]:
        """Bring calls in flight to their end and lend the engine.

        Nothing is planned or sent meanwhile; afterwards everything is compared anew, without a
        listing.
        """
        self._lent += 1
        self._interrupt()
        try:
            async with self._turn:
                self._show()
                yield self._engine
        finally:
            self._lent -= 1
            self.nudge(listing=False)

    # -- keeping -------------------------------------------------------------------------------

    async def run(self) -> None:
        """Keep the mirror closed until `stop` is called.

        Returns once calls in flight were brought to their end, in 30 seconds at most; what
        remains is an intent in the ledger. Never raises a `Problem`: it halts this mirror, which
        tries again by itself.
        """
        wake = thread_safe(self._pulse.wake)
        try:
            while not self._pulse.stopping:
                if self._lent:
                    await self._pulse.wait()
                    continue
                async with self._turn:
                    failed = await self._attempt(wake)
                if failed:
                    await self._recover()
        finally:
            with anyio.CancelScope(shield=True):
                if self._watching:
                    await anyio.to_thread.run_sync(self._changes.stop)
            self._over = True
            self._show()

    async def _attempt(self, wake: Callable[[], None]) -> bool:
        """Keep the mirror until something ends it; return whether it could not go on."""
        if self._lent or self._pulse.stopping:
            return False
        group = anyio.create_task_group()
        upkeep = self._upkeep = Session(
            self._engine, self._standing, group, wake=self._pulse.wake, writes=self._writes
        )
        async with group:
            try:
                await self._keep(upkeep, wake)
            except Problem as problem:
                upkeep.problem = upkeep.problem or problem
            await self._drain(upkeep, group)
        self._upkeep = None
        if upkeep.problem is not None:
            self._fail(upkeep.problem, reached=upkeep.reached)
        return upkeep.problem is not None

    async def _keep(self, upkeep: Session, wake: Callable[[], None]) -> None:
        if not self._watching:  # before anything is compared, so that nothing falls between
            await anyio.to_thread.run_sync(self._changes.start, wake)
            self._watching = True
        listing = self._standing.next_remote <= self._engine.clock.now()
        await self._interruptible(upkeep, lambda: upkeep.compare(listing=listing))
        if self._ends(upkeep):
            return
        self._begun_at = self._engine.clock.now()
        self._problem, self._hurry = None, False
        while not self._ends(upkeep):
            self._show()
            await self._next(upkeep)

    async def _next(self, upkeep: Session) -> None:
        """See to what is due, or wait until something is."""
        standing = self._standing
        self._collect(upkeep)
        now = self._engine.clock.now()
        if self._due_soon(upkeep.writes) <= now:
            await self._interruptible(upkeep, upkeep.attend)
        elif standing.everything_due <= now:
            listing = standing.next_remote <= now
            await self._interruptible(upkeep, lambda: upkeep.compare(listing=listing))
        else:
            due = min(self._due_soon(upkeep.writes), standing.everything_due)
            await self._pulse.wait(due - now)

    def _due_soon(self, writes: bool) -> float:
        """Return when the next path may have rested, or the next grace is over."""
        dues = (self._standing.settling.next_due(), self._standing.grace.next_due())
        counting = dues if writes else dues[:1]
        return min((due for due in counting if due is not None), default=float("inf"))

    def _collect(self, upkeep: Session | None) -> None:
        changed = self._changes.take()
        if not changed:
            return
        self._standing.collect(changed, self._engine.clock.now())
        self._hurry |= changed.root
        if upkeep is not None and changed.paths:
            upkeep.expect()

    async def _interruptible(self, upkeep: Session, work: Callable[[], Awaitable[None]]) -> None:
        """Plan, unless somebody wants an end: what is begun at the server is not given up."""
        with anyio.CancelScope() as scope:
            self._planning = scope
            try:
                await work()
            finally:
                self._planning = None
        upkeep.cut = scope.cancelled_caught

    def _interrupt(self) -> None:
        if self._planning is not None:
            self._planning.cancel()
        self._pulse.wake()

    def _ends(self, upkeep: Session) -> bool:
        if upkeep.problem is not None:
            raise upkeep.problem
        if self._pulse.stopping or self._lent:
            return True
        return upkeep.cut or upkeep.writes != self._writes

    async def _drain(self, upkeep: Session, group: anyio.abc.TaskGroup) -> None:
        """Bring what is in flight to its end, or leave it as an intent."""
        if upkeep.pool is not None:
            upkeep.pool.stop()
            with anyio.move_on_after(DRAIN):
                await upkeep.served.wait()
        group.cancel_scope.cancel()

    # -- when it cannot go on ------------------------------------------------------------------

    def _fail(self, problem: Problem, *, reached: bool) -> None:
        begun, now = self._begun_at, self._engine.clock.now()
        if begun is not None and now - begun > WORKED_FOR:
            self._failures = 0
        self._failures += 1
        self._begun_at = None
        self._problem = problem
        self._reached = reached
        if problem.notice.message not in AWAY:
            self._standing.next_remote = now  # who knows what became of the base meanwhile
        self._show()

    async def _recover(self) -> None:
        """Rest before the next try, and forget nothing that changes meanwhile."""
        longest = LONGEST if self._reached else LONGEST_UNREACHED
        clock = self._engine.clock
        until = clock.now() + delay_after(self._failures, longest=longest)
        self._hurry = False
        while not (self._pulse.stopping or self._lent or self._hurry) and clock.now() < until:
            await self._pulse.wait(until - clock.now())
            self._collect(None)

    # -- showing -------------------------------------------------------------------------------

    @property
    def _writes(self) -> bool:
        return not (self._paused or self._read_only)

    def _phase(self) -> Phase:
        if self._over:
            return Phase.STOPPED
        if self._lent:
            return Phase.LENT
        if self._problem is not None:
            away = self._problem.notice.message in AWAY
            return Phase.UNREACHABLE if away else Phase.HALTED
        if self._standing.last_pass is None:
            return Phase.STARTING
        if not self._writes:
            return Phase.PAUSED
        pool = self._upkeep.pool if self._upkeep else None
        working = self._planning is not None or (pool is not None and pool.busy)
        return Phase.SYNCING if working or len(self._standing.settling) else Phase.WATCHING

    def _why(self, now: float) -> Notice | None:
        if self._problem is not None:
            return self._problem.notice
        if self._standing.held is not None:
            return self._standing.held.why[0]
        canary = self._standing.canary
        if canary.since is not None and len(canary) and now - canary.since > CANARY_WAITS:
            minutes = round((now - canary.since) / 60)
            words = {"mirror": self._engine.mirror.name, "version": canary.version or "unknown"}
            return say.UPDATE_UNPROVEN(minutes=minutes, count=len(canary), **words)
        return self._standing.fault

    def _show(self) -> None:
        """Tell of a turn, once."""
        turn = self._where()
        if turn != self._told:
            self._told = turn
            self._turned(self.state)

    def _where(self) -> tuple[Phase, str | None]:
        phase, held = self._phase(), self._standing.held
        usual = phase in (Phase.STARTING, Phase.SYNCING, Phase.WATCHING)
        return Phase.WATCHING if usual else phase, held.digest if held else None
