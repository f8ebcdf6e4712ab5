"""One session of a controller: a worker pool, and the plans that feed it.

A session begins with a comparison of everything; after that, files are planned once they settled
after a change. What a plan may do now goes to the pool. Files that are gone wait for the end of
their grace period, what the guard holds back waits for a release, and the next comparison of
everything finds the rest again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace

import anyio
import anyio.to_thread
from anyio.abc import TaskGroup

from kbsync.engine.context import Context
from kbsync.engine.control.controller_state import ControllerState
from kbsync.engine.control.debounce import PendingPath
from kbsync.engine.control.restlessness import FREE, HOUR, longest_settling, next_upload
from kbsync.engine.execute.renames import apply_renames
from kbsync.engine.execute.results import Stopped, step_event
from kbsync.engine.observe.base_settings import changes_of
from kbsync.engine.observe.planner import Planned
from kbsync.engine.observe.source_check import must_be_there
from kbsync.engine.observe.unmet import noting
from kbsync.engine.reconciler import Reconciler
from kbsync.engine.workers.policy import Continuous
from kbsync.engine.workers.pool import WorkerPool
from kbsync.messages import Problem
from kbsync.model import (
    Action,
    Cause,
    Conflict,
    Delete,
    DocKey,
    EntryState,
    FileState,
    Halted,
    Hold,
    Move,
    Present,
    Trash,
)
from kbsync.planning.guard import Risk
from kbsync.planning.guarded_plan import GuardedPlan, guarded_plan
from kbsync.planning.marks import FIELDS
from kbsync.planning.plan import SET_BASE, keys_of

BASE_HOLDS_FOR = 10.0
COMPARE_EVERY_WITHOUT_WRITING = 10.0
NOT_UPLOADED = frozenset({Cause.UNREADABLE, Cause.SKIPPED, Cause.EXCLUDED})


class Session:
    """Keeps one mirror in sync until it is interrupted or meets a problem.

    Args:
        reconciler: of the mirror.
        state: what the controller remembers from session to session.
        group: where the pool works.
        wake: called when the session has met a problem.
        writes: False when everything is planned and nothing is written.

    Attributes:
        pool: None until something is to be done.
        reached: the base has answered.
        problem: why it cannot go on.
        interrupted: planning was cancelled. What it dropped is known only to a new comparison of
            everything, so that the session ends.
        pool_ended: set when the pool has come to its end.
    """

    def __init__(
        self,
        reconciler: Reconciler,
        state: ControllerState,
        group: TaskGroup,
        *,
        wake: Callable[[], None],
        writes: bool,
    ) -> None:
        self._reconciler = reconciler
        self._state = state
        self._group = group
        self._wake = wake
        self.writes = writes
        self.pool: WorkerPool | None = None
        self.reached = False
        self.problem: Problem | None = None
        self.interrupted = False
        self.pool_ended = anyio.Event()
        self._context: Context | None = None
        self._unsettled = False
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
        began, state = self._now(), self._state
        mirror = self._reconciler.mirror
        await anyio.to_thread.run_sync(must_be_there, mirror.name, mirror.source)
        state.debouncer.compared()
        async with AsyncExitStack() as stack:
            if listing and self.pool is not None:
                await stack.enter_async_context(self.pool.quiet())
            context = self._context
            if context is None or listing or not _complete(context):
                context = await self._reconciler.find_context()
                self._unsettled = True
                self._answered()
            planned = await self._reconciler.comparison.everything(
                context,
                listing=listing,
                asks=False,
                settle=self._settled,
                under_way=self._under_way(),
            )
            self._context = planned.context
            await self._begin_all(planned)
        state.compared(began, self._now(), listing=listing)

    async def _begin_all(self, planned: Planned) -> None:
        """Begin what a plan of everything contains, and note what it says of the other keys."""
        state, plan = self._state, planned.plan
        permitted = guarded_plan(plan.actions, planned.facts, planned.guard)
        for key in state.held.keys if state.held else ():
            if key.path not in state.debouncer:  # its grace period was over when it was held
                state.grace.note(key, float("-inf"), None)
        state.held = permitted.guard if isinstance(permitted.guard, Halted) else None
        state.fault = planned.tally.fault
        state.root = planned.facts.root if state.fault else None
        state.files = planned.tally.files
        state.changes = sum(not isinstance(a, Hold | Conflict) for a in plan.actions)
        planned_keys = {action.key for action in plan.actions}
        state.compared_keys(planned_keys, listing=planned.listing is not None)
        if self._unsettled and planned.context.base is not None:
            planned = await self._settled_base(planned)
        gone = {action.key for action in plan.actions if _removes_file(action)}
        back = [key for key in state.grace.keys if key not in gone]
        state.grace.forget(key for key in back if key.path not in state.debouncer)
        if self.pool is not None:
            self.pool.report.stopped.clear()  # an open pool would collect it for ever
            self.pool.renew(planned.context, planned.listing)
        blocked = {each.why for each in planned.tally.blocked}
        self._note_unmet(a for a in plan.actions if not (isinstance(a, Hold) and a.why in blocked))
        await self._carry_out(planned, permitted, {}, first=False)
        self._reconciler.note_device(planned, permitted.held)

    async def _settled_base(self, planned: Planned) -> Planned:
        """Set what the base was found to have differently, before anything is sent to it."""
        plan = planned.plan.with_base(changes_of(planned.context))
        if not self.writes:
            self._state.changes += plan.counts.get(SET_BASE, 0)
            return planned
        self._context, _ = await self._reconciler.settle(
            planned.context, replace(planned, plan=plan), self._state.record
        )
        self._unsettled = False
        return replace(planned, context=self._context)

    async def process_due(self) -> None:
        """Plan the paths that settled and the files whose grace period is over.

        Raises:
            Problem: as `compare`.
        """
        now, state = self._now(), self._state
        noted = state.debouncer.settled(now)
        gone = state.grace.ended(now)
        if not noted and not gone:
            return
        if not self.writes:
            state.debouncer.note_everything(now + COMPARE_EVERY_WITHOUT_WRITING)
            return
        context = self._context
        if context is None or context.base_id is None:
            await self.compare(listing=False)
            return
        keys = {state.key(path) for path in noted} | gone
        files = self._without_unsettled(await self._look(keys), noted)
        files = await self._read(files, noted)
        keys |= {file.key for file in files}
        sizes = {file.stat.size for file in files if isinstance(file, Present)}
        files += await self._look(state.grace.of_size(sizes) - keys)
        # Files that are gone and still wait are not planned yet, but the guard has to count them.
        waiting = dict.fromkeys(state.grace.keys, Risk.REMOVES)
        planned = await self._reconciler.comparison.some(
            context, files, root=state.root, under_way={**waiting, **self._under_way()}
        )
        halted = planned is not None and isinstance(planned.guard, Halted)
        if planned is None or (halted and state.held is None):
            await self.compare(listing=False)  # the guard judges a plan of everything
        else:
            await self._begin_some(planned, {file.key for file in files}, noted)

    async def _begin_some(
        self, planned: Planned, looked: Collection[DocKey], noted: Mapping[str, PendingPath]
    ) -> None:
        """Begin what a plan of a few keys contains.

        While the guard holds something back, only what it does not count is begun. The rest is put
        off to a comparison of everything, so that one release covers old and new changes.
        """
        state, actions = self._state, planned.plan.actions
        permitted = guarded_plan(actions, planned.facts, planned.guard)
        gone = {action.key for action in actions if _removes_file(action)}
        state.grace.forget(key for key in looked if key not in gone)
        state.resolved(set(looked) - {action.key for action in actions})
        held = state.held.keys if state.held else frozenset[DocKey]()
        if held and (permitted.risks or permitted.held or not held.isdisjoint(looked)):
            state.debouncer.note_everything(self._now())
            state.grace.forget(permitted.risks)
            permitted = permitted.harmless()
        self._note_unmet(a for a in actions if a.cause not in NOT_UPLOADED)
        await self._carry_out(planned, permitted, noted, first=True)

    # -- carrying out --------------------------------------------------------------------------

    async def _carry_out(
        self,
        planned: Planned,
        permitted: GuardedPlan,
        noted: Mapping[str, PendingPath],
        *,
        first: bool,
    ) -> None:
        if not self.writes:
            return
        waiting = self._note_grace(permitted, noted)
        others = [action.key for action in permitted.actions if self._wants_work(action)]
        deletes = [key for key in permitted.deletes if key not in waiting]
        if not (others or deletes or permitted.moves):
            return
        await self._confirm()
        pool = await self._opened_pool(planned)
        with anyio.CancelScope(shield=True):  # between a rename and its feed nothing may end
            others += await self._rename(pool, permitted.moves)
        listed = planned.listing is not None
        pool.feed(others, permitted, listed=listed, hashed=planned.seen, first=first)
        pool.feed(deletes, permitted, listed=listed, hashed=planned.seen)
        self._state.grace.forget(deletes)

    def _note_grace(
        self, permitted: GuardedPlan, noted: Mapping[str, PendingPath]
    ) -> Collection[DocKey]:
        """Return the keys in their grace period; what the guard holds back has none."""
        grace, now, waiting = self._state.grace, self._now(), set[DocKey]()
        grace.forget(permitted.held)
        for action in permitted.actions:
            if not _removes_file(action):
                continue
            key = action.key
            change, entry = noted.get(key.path), self._reconciler.ledger.entry(key)
            size = entry.stat.size if entry is not None and entry.stat else None
            grace.note(key, change.last if change else now, size)
            if not grace.is_over(key, now):
                waiting.add(key)
        return waiting

    def _wants_work(self, action: Action) -> bool:
        match action:
            case Delete() | Trash() | Move():
                return False
            case Hold(cause=cause, key=key) | Conflict(cause=cause, key=key):
                if self.pool is not None and self.pool.follows(key):
                    return cause is Cause.OPERATOR  # it is followed no more
                return cause is Cause.INDEXING or self._ends_late(key)
        return True

    def _ends_late(self, key: DocKey) -> bool:
        """Whether the end of its document matters to others though its file cannot be sent."""
        if self._context is None or not self._context.loses_keywords:
            return False
        entry = self._reconciler.ledger.entry(key)
        return entry is not None and entry.state is EntryState.INDEXING

    async def _opened_pool(self, planned: Planned) -> WorkerPool:
        """Return the pool; open it, and make the base, when something is to be done first."""
        state, context = self._state, planned.context
        if context.base_id is None:
            context = self._context = await self._reconciler.with_base(context, wanted=True)
            context, _ = await self._reconciler.settle(context, planned, self._state.record)
            self._context, self._unsettled = context, False
        if self.pool is None:
            state.canary.restart()
            policy = Continuous(
                canary=state.canary,
                changing=lambda key: state.debouncer.holds(key.path),
            )
            seen = noting(self._reconciler.ledger, self._reconciler.mirror.name, state.record)
            self.pool = WorkerPool(context, policy, listing=planned.listing, observe=seen)
            self._group.start_soon(self._serve, self.pool)
        return self.pool

    async def _serve(self, pool: WorkerPool) -> None:
        try:
            await pool.run()
        except Problem as problem:
            self._fail(problem)
        finally:
            self.pool_ended.set()

    async def _rename(self, pool: WorkerPool, moves: Collection[Move]) -> list[DocKey]:
        """Make `moves`; return the keys that have a document now. The others settle again."""
        if not moves or self._context is None:
            return []
        keys = {key for move in moves for key in keys_of(move)}
        left = keys
        if pool.reserve(keys):
            try:
                made = await apply_renames(self._context, list(moves), self._state.record)
            finally:
                pool.release(keys)
            left = {key for move in moves if move.origin in made.left for key in keys_of(move)}
        self._state.debouncer.note((key.path for key in left), self._now())
        return [move.key for move in moves if move.key not in left]

    def _note_unmet(self, actions: Iterable[Action]) -> None:
        """Record what is not as it should be, and why it stays so."""
        for action in actions:
            if not isinstance(action, Hold | Conflict):
                continue
            if action.cause is not Cause.INDEXING:
                self._state.record(step_event(action, Stopped(action.why), 0))

    # -- the base ------------------------------------------------------------------------------

    def confirm_ahead(self) -> None:
        """Ask for the base while a change settles, so that its upload need not wait for that."""
        bound = self._context is not None and self._context.base_id is not None
        if self.writes and bound and not self._is_confirmed(self._state.config.settle):
            self._group.start_soon(self._confirm_in_time)

    async def _confirm_in_time(self) -> None:
        try:
            await self._confirm(ahead=self._state.config.settle)
        except Problem as problem:
            self._fail(problem)

    async def _confirm(self, *, ahead: float = 0.0) -> None:
        """Ask for the base, unless it answered just now: nothing is sent before it did."""
        async with self._confirming:
            if not self._is_confirmed(ahead):
                await self._reconciler.confirm()
                self._answered()

    def _is_confirmed(self, ahead: float) -> bool:
        """Whether the base's last answer still counts in `ahead` seconds."""
        return self._now() + ahead - self._confirmed < BASE_HOLDS_FOR

    def _answered(self) -> None:
        self.reached = True
        self._confirmed = self._now()

    def _fail(self, problem: Problem) -> None:
        self.problem = self.problem or problem
        self._wake()

    # -- the source ----------------------------------------------------------------------------

    async def _look(self, keys: Collection[DocKey]) -> list[FileState]:
        """Return the files of `keys` as they are now."""
        if not keys:
            return []
        look = self._reconciler.mirror.source.look
        return await anyio.to_thread.run_sync(lambda: [look(key.path) for key in sorted(keys)])

    async def _read(
        self, files: Collection[FileState], noted: Mapping[str, PendingPath]
    ) -> list[FileState]:
        """Return `files` and what shares its content with them; what changed is read.

        A change was reported, so that neither a stat nor a recorded hash is believed. Another name
        of the same file (a hard link) has no event of its own.
        """
        reconciler = self._reconciler
        check, look = reconciler.comparison.content_check, reconciler.mirror.source.look
        changed = [file for file in files if file.key.path in noted]
        inodes = {file.stat.inode for file in changed if isinstance(file, Present)}

        def work() -> list[FileState]:
            links = reconciler.ledger.paths_of(self._state.mirror, inodes)
            keys = {self._state.key(path) for path in links} - {file.key for file in files}
            others = [look(key.path) for key in sorted(keys)]
            known = [file for file in files if file.key.path not in noted]
            return [*known, *(check.read(file) for file in [*changed, *others])]

        return await anyio.to_thread.run_sync(work)

    async def _settled(self, files: list[FileState]) -> list[FileState]:
        return self._without_unsettled(files, {})

    def _without_unsettled(
        self, files: list[FileState], noted: Mapping[str, PendingPath]
    ) -> list[FileState]:
        """Return the files that settled; those that changed just now are planned later."""
        debouncer, now = self._state.debouncer, self._now()
        settle = self._state.config.settle
        settled, unsettled = list[FileState](), list[DocKey]()
        again = self._may_be_sent_again(files)
        for file in files:
            path = file.key.path
            changed = file.stat.mtime_ns / 1e9 if isinstance(file, Present) else float("-inf")
            since = noted[path].first if path in noted else now
            young = 0 <= now - changed < settle  # a time in the future says nothing
            young &= now - since < longest_settling(settle)
            due = max(changed + settle if young else now, again.get(path, now))
            if path in debouncer or due > now:
                unsettled.append(file.key)
            else:
                settled.append(file)
            if due > now:
                debouncer.put_off(path, noted.get(path), now, due)
        self._state.grace.forget(unsettled)
        return settled

    def _may_be_sent_again(self, files: list[FileState]) -> Mapping[str, float]:
        """Return when the files that never rest may be sent again, by path."""
        mirror, ledger = self._reconciler.mirror, self._reconciler.ledger
        interval = mirror.config.update_interval
        if not files or not interval:
            return {}
        since = self._now() - HOUR
        restless = ledger.restless(mirror.name, since=since, least=FREE)
        edited = (file.key for file in files if isinstance(file, Present))
        return {
            key.path: next_upload(restless[key.path], interval)
            for key in edited
            if key.path in restless
        }

    def _under_way(self) -> Mapping[DocKey, Risk]:
        return dict(self.pool.risks) if self.pool else {}

    def _now(self) -> float:
        return self._reconciler.clock.now()


def _complete(context: Context) -> bool:
    """Whether nothing of it is still to be made: the base, and the fields for marks."""
    marked = context.fields is None or context.fields.keys() >= set(FIELDS)
    return context.base_id is not None and marked


def _removes_file(action: Action) -> bool:
    """Whether `action` is there because a file is gone."""
    return isinstance(action, Delete | Trash) and action.cause is Cause.REMOVED
