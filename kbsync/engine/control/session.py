"""One stretch of keeping a mirror: a pool that stays open, and what is planned for it.

Everything is compared first; then only what rested after a change. What a plan may do now goes to
the pool; files that are gone wait for the end of their grace, what the guard holds back waits for
somebody, and everything else is met again by the next comparison of everything.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import AsyncExitStack

import anyio
import anyio.to_thread
from anyio.abc import TaskGroup

from kbsync.engine.context import Context
from kbsync.engine.control.controller_state import ControllerState
from kbsync.engine.control.debounce import PendingPath
from kbsync.engine.execute.renames import apply_renames
from kbsync.engine.execute.results import Stopped
from kbsync.engine.observe.planner import Planned
from kbsync.engine.ports import Blocked, Seen
from kbsync.engine.reconciler import Reconciler
from kbsync.engine.workers import events
from kbsync.engine.workers.policy import Continuous
from kbsync.engine.workers.pool import WorkerPool
from kbsync.messages import Problem
from kbsync.messages import engine as say
from kbsync.model import (
    Action,
    Cause,
    Conflict,
    Delete,
    DocKey,
    FileState,
    Halted,
    Hold,
    Move,
    Present,
)
from kbsync.planning.guard import Risk
from kbsync.planning.guarded_plan import GuardedPlan, guarded_plan
from kbsync.planning.marks import FIELDS
from kbsync.planning.plan import keys_of

BASE_HOLDS_FOR = 10.0
WITHOUT_WRITING = 10.0
NOT_UPLOADED = frozenset({Cause.UNREADABLE, Cause.SKIPPED, Cause.EXCLUDED})


class Session:
    """Keeps one mirror closed until something ends it.

    Args:
        engine: the mirror's engine.
        standing: what outlives this stretch.
        group: where the pool works.
        wake: called when there is something to do, or an end.
        writes: False when everything is planned and nothing is written.

    Attributes:
        pool: None until something is to be done.
        reached: the base has answered.
        problem: why it cannot go on.
        cut: planning was broken off; only a new comparison of everything knows what was dropped.
        served: set when the pool has come to its end.
    """

    def __init__(
        self,
        engine: Reconciler,
        standing: ControllerState,
        group: TaskGroup,
        *,
        wake: Callable[[], None],
        writes: bool,
    ) -> None:
        self._engine = engine
        self._standing = standing
        self._group = group
        self._wake = wake
        self.writes = writes
        self.pool: WorkerPool | None = None
        self.reached = False
        self.problem: Problem | None = None
        self.cut = False
        self.served = anyio.Event()
        self._world: Context | None = None
        self._confirming = anyio.Lock()
        self._confirmed = float("-inf")

    # -- comparing -----------------------------------------------------------------------------

    async def compare(self, *, listing: bool) -> None:
        """Compare everything and begin what is to be done.

        Args:
            listing: list the base first; no call is under way meanwhile.

        Raises:
            Problem: the source is not there, or base or server cannot be used.
        """
        began, standing = self._now(), self._standing
        await anyio.to_thread.run_sync(self._source_must_be_there)
        standing.debouncer.compared()
        async with AsyncExitStack() as stack:
            if listing and self.pool is not None:
                await stack.enter_async_context(self.pool.quiet())
            world = self._world
            if world is None or listing or not _whole(world):
                world = await self._engine.find_context()
                self._answered()
            planned = await self._engine.comparison.everything(
                world,
                listing=listing,
                asks=False,
                settle=self._sifted,
                under_way=self._under_way(),
            )
            _must_be_listed(planned, standing.mirror)
            self._world = planned.context
            await self._begin(planned)
        standing.compared(began, self._now(), listing=listing)

    async def _begin(self, planned: Planned) -> None:
        """Begin what a plan of everything wants; it knows too what stays as it is."""
        standing, plan = self._standing, planned.plan
        free = guarded_plan(plan.actions, planned.facts, planned.guard)
        for key in standing.held.keys if standing.held else ():
            if key.path not in standing.debouncer:  # its grace was over when it was held
                standing.grace.note(key, float("-inf"), None)
        standing.held = free.guard if isinstance(free.guard, Halted) else None
        standing.fault = planned.tally.fault
        standing.root = planned.facts.root if standing.fault else None
        standing.changes = sum(not isinstance(a, Hold | Conflict) for a in plan.actions)
        if planned.listing is not None:  # without one nobody knows what stands at the server
            met = {action.key for action in plan.actions}
            standing.mended(key for key in list(standing.unmet) if key not in met)
        gone = {action.key for action in plan.actions if _removes_file(action)}
        back = [key for key in standing.grace.keys if key not in gone]
        standing.grace.forget(key for key in back if key.path not in standing.debouncer)
        if self.pool is not None:
            self.pool.report.stopped.clear()
            self.pool.renew(planned.context, planned.listing)
        blocked = {each.why for each in planned.tally.blocked}
        self._note_unmet(a for a in plan.actions if not (isinstance(a, Hold) and a.why in blocked))
        await self._carry(planned, free, {}, first=False)
        self._engine.note_device(planned, free.held)

    async def attend(self) -> None:
        """See to the paths that rested and the files whose grace is over.

        Raises:
            Problem: as `compare`.
        """
        now, standing = self._now(), self._standing
        noted = standing.debouncer.rested(now)
        ripe = standing.grace.ripe(now)
        if not noted and not ripe:
            return
        if not self.writes:
            standing.debouncer.everything(now + WITHOUT_WRITING)
            return
        world = self._world
        if world is None or world.base_id is None:
            await self.compare(listing=False)
            return
        keys = {standing.key(path) for path in noted} | ripe
        states = self._sift(await self._look(keys), noted)
        sizes = {state.stat.size for state in states if isinstance(state, Present)}
        states += await self._look(standing.grace.of_size(sizes) - keys)
        # What is gone too and waits is no part of the plan, and the guard has to know of it.
        waiting = dict.fromkeys(standing.grace.keys, Risk.REMOVES)
        planned = await self._engine.comparison.some(
            world, states, root=standing.root, under_way={**waiting, **self._under_way()}
        )
        halted = planned is not None and isinstance(planned.guard, Halted)
        if planned is None or (halted and standing.held is None):
            await self.compare(listing=False)  # to be judged as a whole
        else:
            await self._go_on(planned, {state.key for state in states}, noted)

    async def _go_on(
        self, planned: Planned, looked: Collection[DocKey], noted: Mapping[str, PendingPath]
    ) -> None:
        """Begin what a plan of a few keys wants, unless it has to be judged with what is held."""
        standing, actions = self._standing, planned.plan.actions
        free = guarded_plan(actions, planned.facts, planned.guard)
        gone = {action.key for action in actions if _removes_file(action)}
        standing.grace.forget(key for key in looked if key not in gone)
        standing.mended(set(looked) - {action.key for action in actions})
        held = standing.held.keys if standing.held else frozenset[DocKey]()
        if held and (free.risks or free.held or not held.isdisjoint(looked)):
            standing.debouncer.everything(self._now())
            standing.grace.forget(free.risks)
            free = free.harmless()
        self._note_unmet(a for a in actions if a.cause not in NOT_UPLOADED)
        await self._carry(planned, free, noted, first=True)

    # -- carrying out --------------------------------------------------------------------------

    async def _carry(
        self, planned: Planned, free: GuardedPlan, noted: Mapping[str, PendingPath], *, first: bool
    ) -> None:
        if not self.writes:
            return
        waiting = self._in_grace(free, noted)
        others = [action.key for action in free.actions if self._wants_work(action)]
        deletes = [key for key in free.deletes if key not in waiting]
        if not (others or deletes or free.moves):
            return
        await self._confirm()
        pool = await self._opened(planned)
        with anyio.CancelScope(shield=True):
            others += await self._moved(pool, free.moves)
        listed = planned.listing is not None
        pool.feed(others, free, listed=listed, hashed=planned.seen, first=first)
        pool.feed(deletes, free, listed=listed, hashed=planned.seen)
        self._standing.grace.forget(deletes)

    def _in_grace(self, free: GuardedPlan, noted: Mapping[str, PendingPath]) -> Collection[DocKey]:
        """Return the keys whose files are not gone for long enough; what is held stays held."""
        grace, now, waiting = self._standing.grace, self._now(), set[DocKey]()
        grace.forget(free.held)
        for action in free.actions:
            if not _removes_file(action):
                continue
            key = action.key
            change, entry = noted.get(key.path), self._engine.ledger.entry(key)
            size = entry.stat.size if entry is not None and entry.stat else None
            grace.note(key, change.last if change else now, size)
            if not grace.over(key, now):
                waiting.add(key)
        return waiting

    def _wants_work(self, action: Action) -> bool:
        match action:
            case Delete() | Move() | Conflict():
                return False
            case Hold(why=why, key=key):
                follows = self.pool is not None and self.pool.follows(key)
                return why.message is say.HELD_INDEXING and not follows
        return True

    async def _opened(self, planned: Planned) -> WorkerPool:
        """Return the pool, opened, and the base made, now that something is to be done."""
        standing, context = self._standing, planned.context
        if context.base_id is None:
            context = self._world = await self._engine.with_base(context, wanted=True)
        if self.pool is None:
            standing.canary.anew()
            policy = Continuous(
                canary=standing.canary,
                changing=lambda key: key.path in standing.debouncer,
            )
            self.pool = WorkerPool(context, policy, listing=planned.listing, observe=standing.tell)
            self._group.start_soon(self._serve, self.pool)
        return self.pool

    async def _serve(self, pool: WorkerPool) -> None:
        try:
            await pool.run()
        except Problem as problem:
            self._fail(problem)
        finally:
            self.served.set()

    async def _moved(self, pool: WorkerPool, moves: Collection[Move]) -> list[DocKey]:
        """Make `moves`; return the keys that have a document now, and settle the others again."""
        if not moves or self._world is None:
            return []
        keys = {key for move in moves for key in keys_of(move)}
        left = keys
        if pool.reserve(keys):
            try:
                made = await apply_renames(self._world, list(moves), self._standing.tell)
            finally:
                pool.release(keys)
            left = {key for move in moves if move.origin in made.left for key in keys_of(move)}
        self._standing.debouncer.note((key.path for key in left), self._now())
        return [move.key for move in moves if move.key not in left]

    def _note_unmet(self, actions: Iterable[Action]) -> None:
        """Tell, once, of what is not as it should be and stays so."""
        for action in actions:
            if not isinstance(action, Hold | Conflict):
                continue
            if action.why.message is not say.HELD_INDEXING:
                self._standing.tell(events.step_taken(action, Stopped(action.why), 0))

    # -- the base ------------------------------------------------------------------------------

    def expect(self) -> None:
        """Something changed: ask for the base while it settles, so that nobody waits for it."""
        bound = self._world is not None and self._world.base_id is not None
        if self.writes and bound and not self._holds(self._standing.config.settle):
            self._group.start_soon(self._confirm_early)

    async def _confirm_early(self) -> None:
        try:
            await self._confirm(ahead=self._standing.config.settle)
        except Problem as problem:
            self._fail(problem)

    async def _confirm(self, *, ahead: float = 0.0) -> None:
        """First the base: nothing is sent that was not preceded by its answer."""
        async with self._confirming:
            if not self._holds(ahead):
                await self._engine.confirm()
                self._answered()

    def _holds(self, ahead: float) -> bool:
        """Whether the base's last answer is still believed in `ahead` seconds."""
        return self._now() + ahead - self._confirmed < BASE_HOLDS_FOR

    def _answered(self) -> None:
        self.reached = True
        self._confirmed = self._now()

    def _fail(self, problem: Problem) -> None:
        self.problem = self.problem or problem
        self._wake()

    # -- the source ----------------------------------------------------------------------------

    async def _look(self, keys: Collection[DocKey]) -> list[FileState]:
        """Say what stands at `keys` now."""
        if not keys:
            return []
        look = self._engine.mirror.source.look
        return await anyio.to_thread.run_sync(lambda: [look(key.path) for key in sorted(keys)])

    async def _sifted(self, states: list[FileState]) -> list[FileState]:
        return self._sift(states, {})

    def _sift(self, states: list[FileState], noted: Mapping[str, PendingPath]) -> list[FileState]:
        """Return what rested; put off what is too young, and leave what changed again."""
        settling, now = self._standing.debouncer, self._now()
        settle = self._standing.config.settle
        kept, left = list[FileState](), list[DocKey]()
        for state in states:
            path = state.key.path
            changed = state.stat.mtime_ns / 1e9 if isinstance(state, Present) else float("-inf")
            young = 0 <= now - changed < settle
            if path in settling or young:
                left.append(state.key)
            else:
                kept.append(state)
            if young:
                settling.put_off(path, noted.get(path), now, changed + settle)
        self._standing.grace.forget(left)
        return kept

    def _source_must_be_there(self) -> None:
        source = self._engine.mirror.source
        if source.device() is None:
            _must_be_open(next(source.scan(), None), self._standing.mirror)

    def _under_way(self) -> Mapping[DocKey, Risk]:
        return dict(self.pool.risks) if self.pool else {}

    def _now(self) -> float:
        return self._engine.clock.now()


def _whole(world: Context) -> bool:
    """Whether nothing of it is still to be made: the base, and the fields for marks."""
    marked = world.fields is None or world.fields.keys() >= set(FIELDS)
    return world.base_id is not None and marked


def _removes_file(action: Action) -> bool:
    """Whether `action` is there because a file is gone."""
    return isinstance(action, Delete) and action.cause is Cause.REMOVED


def _must_be_listed(planned: Planned, mirror: str) -> None:
    for blocked in planned.tally.blocked:
        _must_be_open(blocked, mirror)


def _must_be_open(seen: Seen | None, mirror: str) -> None:
    if isinstance(seen, Blocked) and not seen.prefix:
        raise Problem(say.SOURCE_BLOCKED(mirror=mirror, reason=seen.why.text))
