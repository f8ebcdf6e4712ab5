"""Keeps one mirror in sync until it is stopped (docs/design.md section 7).

It runs sessions one after the other. A session ends when the controller is stopped, suspended or
paused, or when a problem halts the mirror; after a problem the next one begins with a delay.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from collections.abc import Set as AbstractSet
from contextlib import asynccontextmanager
from enum import StrEnum

import anyio
import anyio.to_thread

from kbsync.engine.change_source import ChangeSource
from kbsync.engine.control.controller_state import ControllerState
from kbsync.engine.control.rehash import RollingRehash
from kbsync.engine.control.session import Session
from kbsync.engine.reconciler import Reconciler
from kbsync.engine.workers.backoff import LONGEST, delay_after
from kbsync.engine.workers.pool import Observer
from kbsync.engine.workers.wakeup import Wakeup, thread_safe
from kbsync.lazy_dataclass import dataclass
from kbsync.messages import Notice, Problem
from kbsync.messages import remote as remote_say
from kbsync.model import DocKey, Halted

DRAIN = 30.0
# A session that worked for so long ended the trouble before: the back-off begins anew.
WORKED_FOR = 60.0
LONGEST_UNREACHED = 60.0
# The server cannot be reached, which ends by itself: the mirror is not halted.
UNREACHED = frozenset(
    {
        remote_say.CANNOT_CONNECT,
        remote_say.CONNECT_SLOW,
        remote_say.CUT_OFF,
        remote_say.CUT_SHORT,
        remote_say.PROXY_AWAY,
        remote_say.SERVER_FAULT,
        remote_say.SLOW,
        remote_say.UNKNOWN_HOST,
    }
)


class Phase(StrEnum):
    """What a controller is doing."""

    STARTING = "starting"
    SYNCING = "syncing"
    WATCHING = "watching"
    PAUSED = "paused"
    SUSPENDED = "lent"  # the word that `status` shows
    HALTED = "halted"
    UNREACHABLE = "unreachable"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class ControllerStatus:
    """What a controller is doing, as `status` shows it.

    Args:
        mode: how changes are noticed: ``inotify``, ``polling`` or ``inotify+polling``.
        notice: why changes are not noticed by events alone; None when they are.
        why: why the mirror is halted or unreachable, or what the guard holds back.
        next_local, next_remote: when everything is compared next, without and with a listing of
            the base, in seconds of the ledger's clock; None while nothing is planned.
        pending: keys that wait: to settle, for their grace period, for room, for their time.
        oldest: when the oldest change was noted that is not done yet, indexed included, in seconds
            of the ledger's clock; None when nothing is under way.
        indexing: documents the server is indexing.
        stale: documents that hold what their file held before.
        last_pass: when everything was compared last, in seconds of the ledger's clock.
        files: how many the source had then.
        held: digest of what the guard holds back, None when it holds nothing.
        held_keys: how many keys that are.
        held_changes: names each of these changes, so that a release can be compared with them.
        unsettled: some paths that have kept changing for long, and are not read until they settle.
    """

    phase: Phase = Phase.STARTING
    mode: str = ""
    notice: Notice | None = None
    why: Notice | None = None
    next_local: float | None = None
    next_remote: float | None = None
    pending: int = 0
    oldest: float | None = None
    indexing: int = 0
    stale: int = 0
    last_pass: float | None = None
    files: int = 0
    held: str | None = None
    held_keys: int = 0
    held_changes: AbstractSet[str] = frozenset()
    unsettled: tuple[str, ...] = ()


def _ignore(status: ControllerStatus) -> None:
    """Do nothing."""


class Controller:
    """Keeps one mirror in sync until it is stopped. To be made inside the event loop.

    Args:
        reconciler: of the mirror.
        changes: of its source; started and stopped by `run`.
        observe: called with every step, as by `Reconciler.apply`.
        on_change: called once whenever the mirror begins or ceases to be halted, unreachable,
            paused or suspended, and when the guard begins or ceases to hold something back.

    Attributes:
        read_only: plan and show, write nothing: as configured.
        paused: the same, until it is resumed.
    """

    def __init__(
        self,
        reconciler: Reconciler,
        changes: ChangeSource,
        *,
        observe: Observer,
        on_change: Callable[[ControllerStatus], None] = _ignore,
    ) -> None:
        self._reconciler = reconciler
        self._changes = changes
        self._observe = observe
        self._on_change = on_change
        self._state = ControllerState(config=reconciler.mirror.config, observe=observe)
        self._rehash = RollingRehash(reconciler)
        self._wakeup = Wakeup()
        self._exclusive = anyio.Lock()
        self._planning: anyio.CancelScope | None = None
        self._session: Session | None = None
        self._problem: Problem | None = None
        self._reached = False
        self._failures = 0
        self._begun_at: float | None = None
        self._watching = False
        self._paused = self._read_only = False
        self._retry_now = False
        self._suspensions = 0
        self._ended = False
        self._shown = self._summary()

    # -- from outside --------------------------------------------------------------------------

    @property
    def status(self) -> ControllerStatus:
        """What the controller is doing now."""
        state, pool = self._state, self._session.pool if self._session else None
        phase, now = self._phase(), self._reconciler.clock.now()
        pending = len(state.debouncer) + len(state.grace)
        pending += state.changes if not self._writes else pool.waiting if pool else 0
        planned = phase not in (Phase.SUSPENDED, Phase.STOPPED) and state.last_pass is not None
        return ControllerStatus(
            phase=phase,
            mode=self._changes.mode,
            notice=self._changes.notice,
            why=self._why(now),
            next_local=min(state.next_local, state.next_remote) if planned else None,
            next_remote=state.next_remote if planned else None,
            pending=pending,
            oldest=self._oldest(),
            indexing=pool.indexing if pool else 0,
            stale=state.stale,
            last_pass=state.last_pass,
            files=state.files,
            held=state.held.digest if state.held else None,
            held_keys=len(state.held.keys) if state.held else 0,
            held_changes=state.held.members if state.held else frozenset(),
            unsettled=state.debouncer.unsettled(now),
        )

    def _oldest(self) -> float | None:
        pool = self._session.pool if self._session else None
        known = (self._state.debouncer.oldest, pool.oldest if pool else None)
        return min((since for since in known if since is not None), default=None)

    @property
    def unmet(self) -> Mapping[DocKey, Notice]:
        """Why keys are not what they should be: held, in conflict, or given up until a resync.

        What the guard holds back is among them, with the guard's reason.
        """
        held = self._state.held
        return {**self._state.unmet, **(dict.fromkeys(held.keys, held.why[0]) if held else {})}

    @property
    def held(self) -> Halted | None:
        """What the guard holds back, None when it holds nothing."""
        return self._state.held

    @property
    def paused(self) -> bool:
        """Plan and show, write nothing, until it is resumed."""
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
        self._wakeup.stop()
        self._interrupt()

    def nudge(self, *, listing: bool) -> None:
        """Compare everything now, with a listing of the base if `listing`."""
        now = self._reconciler.clock.now()
        self._state.next_local = now
        if listing:
            self._state.next_remote = now
        self._retry_now = True
        self._wakeup.wake()

    @asynccontextmanager
    async def suspended(self) -> AsyncIterator[Reconciler]:
        """Bring calls in flight to their end, and leave the reconciler to the caller.

        Nothing is planned or sent meanwhile; afterwards everything is compared anew, without a
        listing.
        """
        self._suspensions += 1
        self._interrupt()
        try:
            async with self._exclusive:
                self._show()
                yield self._reconciler
        finally:
            self._suspensions -= 1
            self.nudge(listing=False)

    # -- sessions ------------------------------------------------------------------------------

    async def run(self) -> None:
        """Keep the mirror in sync until `stop` is called.

        Returns once calls in flight were brought to their end, in 30 seconds at most; what
        remains is an intent in the ledger. Never raises a `Problem`: it halts this mirror, which
        is tried again later.
        """
        wake = thread_safe(self._wakeup.wake)
        try:
            while not self._wakeup.stopping:
                if self._suspensions:
                    await self._wakeup.wait()
                    continue
                async with self._exclusive:
                    failed = await self._run_session(wake)
                if failed:
                    await self._back_off()
        finally:
            with anyio.CancelScope(shield=True):  # its threads end in any case
                if self._watching:
                    await anyio.to_thread.run_sync(self._changes.stop)
            self._ended = True
            self._show()

    async def _run_session(self, wake: Callable[[], None]) -> bool:
        """Run one session to its end; return whether a problem ended it."""
        if self._suspensions or self._wakeup.stopping:
            return False
        group = anyio.create_task_group()
        session = self._session = Session(
            self._reconciler, self._state, group, wake=self._wakeup.wake, writes=self._writes
        )
        async with group:
            try:
                await self._serve(session, wake)
            except Problem as problem:
                session.problem = session.problem or problem
            await self._drain(session, group)
        self._session = None
        if session.problem is not None:
            self._fail(session.problem, reached=session.reached)
        return session.problem is not None

    async def _serve(self, session: Session, wake: Callable[[], None]) -> None:
        if not self._watching:  # before the comparison, so that no change falls between
            await anyio.to_thread.run_sync(self._changes.start, wake)
            self._watching = True
        listing = self._state.next_remote <= self._reconciler.clock.now()
        await self._interruptible(session, lambda: session.compare(listing=listing))
        if self._ends(session):
            return
        self._begun_at = self._reconciler.clock.now()
        self._problem, self._retry_now = None, False
        while not self._ends(session):
            self._show()
            await self._step(session)

    async def _step(self, session: Session) -> None:
        """Do what is due, or wait until something is."""
        state = self._state
        self._collect(session)
        now = self._reconciler.clock.now()
        if self._due_soon(session.writes) <= now:
            await self._interruptible(session, session.process_due)
        elif state.everything_due <= now:
            listing = state.next_remote <= now
            await self._interruptible(session, lambda: session.compare(listing=listing))
        elif session.writes and self._rehash.due <= now:
            state.debouncer.note(await self._rehash.go_on(), now)
        else:
            due = min(self._due_soon(session.writes), state.everything_due)
            rehash = self._rehash.due if session.writes else float("inf")
            await self._wakeup.wait(min(due, rehash) - now)

    def _due_soon(self, writes: bool) -> float:
        """Return when the next path may have settled, or the next grace period is over."""
        dues = (self._state.debouncer.next_due(), self._state.grace.next_due())
        counting = dues if writes else dues[:1]  # without writes no grace period matters
        return min((due for due in counting if due is not None), default=float("inf"))

    def _collect(self, session: Session | None) -> None:
        changed = self._changes.take()
        if not changed:
            return
        self._state.collect(changed, self._reconciler.clock.now())
        self._retry_now |= changed.root
        if session is not None and changed.paths:
            session.confirm_ahead()

    async def _interruptible(self, session: Session, work: Callable[[], Awaitable[None]]) -> None:
        """Plan until a stop, a pause or a suspension; calls of the pool are not cancelled."""
        with anyio.CancelScope() as scope:
            self._planning = scope
            try:
                await work()
            finally:
                self._planning = None
        session.interrupted = scope.cancelled_caught

    def _interrupt(self) -> None:
        if self._planning is not None:
            self._planning.cancel()
        self._wakeup.wake()

    def _ends(self, session: Session) -> bool:
        if session.problem is not None:
            raise session.problem
        if self._wakeup.stopping or self._suspensions:
            return True
        return session.interrupted or session.writes != self._writes

    async def _drain(self, session: Session, group: anyio.abc.TaskGroup) -> None:
        """Bring what is in flight to its end, or leave it as an intent."""
        if session.pool is not None:
            session.pool.stop()
            with anyio.move_on_after(DRAIN):  # what is cut off then is an intent in the ledger
                await session.pool_ended.wait()
        group.cancel_scope.cancel()

    # -- when it cannot go on ------------------------------------------------------------------

    def _fail(self, problem: Problem, *, reached: bool) -> None:
        begun, now = self._begun_at, self._reconciler.clock.now()
        if begun is not None and now - begun > WORKED_FOR:
            self._failures = 0
        self._failures += 1
        self._begun_at = None
        self._problem = problem
        self._reached = reached
        if problem.notice.message not in UNREACHED:
            self._state.next_remote = now  # the base may have changed: the ledger is not believed
        self._show()

    async def _back_off(self) -> None:
        """Wait before the next session, and note what changes meanwhile."""
        longest = LONGEST if self._reached else LONGEST_UNREACHED
        clock = self._reconciler.clock
        until = clock.now() + delay_after(self._failures, longest=longest)
        self._retry_now = False

        def over() -> bool:
            interrupted = self._wakeup.stopping or self._suspensions or self._retry_now
            return bool(interrupted) or clock.now() >= until

        while not over():
            await self._wakeup.wait(until - clock.now())
            self._collect(None)

    # -- showing -------------------------------------------------------------------------------

    @property
    def _writes(self) -> bool:
        return not (self._paused or self._read_only)

    def _phase(self) -> Phase:
        if self._ended:
            return Phase.STOPPED
        if self._suspensions:
            return Phase.SUSPENDED
        if self._problem is not None:
            away = self._problem.notice.message in UNREACHED
            return Phase.UNREACHABLE if away else Phase.HALTED
        if self._state.last_pass is None:
            return Phase.STARTING
        if not self._writes:
            return Phase.PAUSED
        pool = self._session.pool if self._session else None
        working = self._planning is not None or (pool is not None and pool.busy)
        return Phase.SYNCING if working or len(self._state.debouncer) else Phase.WATCHING

    def _why(self, now: float) -> Notice | None:
        if self._problem is not None:
            return self._problem.notice
        if self._state.held is not None:
            return self._state.held.why[0]
        unproven = self._state.canary.overdue(now, self._reconciler.mirror.name)
        return unproven or self._state.fault

    def _show(self) -> None:
        """Call `on_change`, once for each change."""
        summary = self._summary()
        if summary != self._shown:
            self._shown = summary
            self._on_change(self.status)

    def _summary(self) -> tuple[Phase, str | None]:
        phase, held = self._phase(), self._state.held
        usual = phase in (Phase.STARTING, Phase.SYNCING, Phase.WATCHING)
        return Phase.WATCHING if usual else phase, held.digest if held else None
