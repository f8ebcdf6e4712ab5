"""Workers around the queue: hand out keys, decide, carry out, follow until indexed.

What a plan that is applied once and a mirror that is kept in sync do differently is a policy
(policy.py). Everything runs in one event loop, and nothing here blocks it but short ledger
transactions.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping
from contextlib import asynccontextmanager

import anyio

from kbsync.engine.context import Context
from kbsync.engine.execute.executor import carry_out
from kbsync.engine.execute.findability import FindabilityProofs
from kbsync.engine.execute.indexing import IndexingTracker, follow, indexed_event
from kbsync.engine.execute.late_ends import ends_first
from kbsync.engine.execute.mark_request import MarkResult
from kbsync.engine.execute.marking import MarkLoop, MarkWriter, mark_event
from kbsync.engine.execute.results import (
    Again,
    BackOff,
    Closed,
    Event,
    Finished,
    Follow,
    NeedsMark,
    Report,
    Result,
    Stopped,
    kind_of,
    step_event,
    waiting_event,
)
from kbsync.engine.observe.evidence import EvidenceCollector
from kbsync.engine.ports import ObservedListing
from kbsync.engine.workers.admission import Admission
from kbsync.engine.workers.backlog import Backlog
from kbsync.engine.workers.backoff import delay_after
from kbsync.engine.workers.crew import Crew
from kbsync.engine.workers.key_progress import ProgressTable
from kbsync.engine.workers.policy import Policy
from kbsync.engine.workers.queue import KeyQueue
from kbsync.engine.workers.room import Room
from kbsync.engine.workers.room_share import RoomShare
from kbsync.engine.workers.wakeup import Wakeup
from kbsync.engine.workers.work_left import WorkLeft
from kbsync.messages import Notice, Problem
from kbsync.model import (
    Action,
    Capability,
    Cause,
    Create,
    Delete,
    DocKey,
    EntryState,
    Hold,
    Noop,
    Present,
    Resolve,
    SetMetadata,
    Update,
)
from kbsync.planning.answers import is_not_waited_for
from kbsync.planning.case import Case
from kbsync.planning.decide import decide
from kbsync.planning.guard import Risk
from kbsync.planning.guarded_plan import GuardedPlan
from kbsync.planning.plan import name_of

# So many more keys than requests are worked on: the next file is opened, and its intent on disk,
# before a request is through.
AHEAD = 2
TRIES = 6
# So many calls in a row without an answer mean that the server is away, not that a key is bad.
UNREACHED_IN_A_ROW = 12

Observer = Callable[[Event], None]


class WorkerPool(WorkLeft):
    """Works on the keys of one mirror, a few at once.

    Args:
        context: the three sides of the mirror.
        policy: when the work ends, and what a key may do.
        listing: the listing of this pass; believed about keys that nothing was done for since.
        observe: called with every step.
        workers: keys worked on at once; None: as many as keep every request in flight busy.

    Attributes:
        report: what was done, and what could not be.
    """

    def __init__(
        self,
        context: Context,
        policy: Policy,
        *,
        listing: ObservedListing | None,
        observe: Observer,
        workers: int | None = None,
    ) -> None:
        self._context = context
        self._policy = policy
        self._permits = policy.permits
        self._canary = policy.canary
        self._progress = ProgressTable(listed=policy.listed, now=context.clock.now)
        self._listed = EvidenceCollector(context=context, listing=listing)
        self._unlisted = EvidenceCollector(context=context)
        self._observe = observe
        self._workers = workers or context.mirror.server.max_in_flight + AHEAD
        self._queue = KeyQueue()
        self._wakeup = Wakeup()
        proofs = FindabilityProofs(context, reserve=self._queue.reserve, release=self._queue.done)
        self._tracker = IndexingTracker(context, proofs)
        self._share = RoomShare(
            context,
            lambda: self._tracker.keys - self._tracker.overtaken,
            lambda: self._tracker.room,
        )
        self._marks = MarkWriter(context)
        self._mark_loop = MarkLoop(self._marks, self._wakeup, self._marked)
        self._room = Room(self._tracker, self._share)
        self._admission = Admission(context, tries_at_once=policy.listed)
        self._backlog = Backlog(self._room, policy.canary, policy.needs_room)
        self._crew = Crew(
            queue=self._queue,
            wakeup=self._wakeup,
            take=self._next,
            visit=self._visit,
            paused_for=self._paused_for,
            due_in=self._due_in,
        )
        self._unreached, self._sent = 0, {}
        self.report = Report(mirror=context.mirror.name)

    # -- from outside --------------------------------------------------------------------------

    async def run(self, *rounds: Iterable[DocKey]) -> Report:
        """Work until the policy ends it, or a stop.

        Args:
            rounds: keys to work on; a later round begins when the one before is through, so that
                what replaces a document can be found before the document is deleted. None of
                them: work on what is fed.

        Raises:
            Problem: the mirror cannot go on; what was in flight has been brought to its end.
        """
        with self._context.room.joined(self, self._share.taken, self._wakeup.wake):
            for keys in rounds or ((),):
                self._backlog.add(keys)
                await self._work_on_all()
                if self._wakeup.stopping:
                    break
        if self._wakeup.problem is not None:
            raise self._wakeup.problem
        self.note_left(self.report)
        self.report.withheld = len(self._admission)
        overdue = self._canary.overdue(self._context.clock.now(), self.report.mirror)
        self.report.notice = overdue or self._admission.notice or self._room.stands(self._context)
        return self.report

    def stop(self) -> None:
        """Hand out no more keys; calls in flight are brought to their end."""
        self.report.interrupted = True
        self._wakeup.stop()

    def feed(
        self,
        keys: Iterable[DocKey],
        plan: GuardedPlan,
        *,
        listed: bool,
        hashed: Mapping[DocKey, Present],
        first: bool = False,
    ) -> None:
        """Work on `keys` too.

        Args:
            keys: in the order they are to be worked on.
            plan: what they may do.
            listed: the listing of the pass may be believed about them.
            hashed: files as they were when they were hashed for the plan.
            first: before everything that was fed and is not begun yet.
        """
        fed = list(keys)
        self._permits.grant(fed, plan)
        self._progress.begin(fed, listed=listed, hashed=hashed)
        if first:
            self._backlog.put_in_front(reversed(fed))
        else:
            self._backlog.add(fed)
        self._wakeup.wake()

    def renew(self, context: Context, listing: ObservedListing | None) -> None:
        """Go on with what a new comparison of everything found; `listing` may be believed."""
        self._context = context
        self._listed = EvidenceCollector(context=context, listing=listing)
        self._unlisted = EvidenceCollector(context=context)
        self._tracker.renew(context)
        self._share.renew(context)
        self._marks.renew(context)
        self._admission.renew(context)

    @asynccontextmanager
    async def quiet(self) -> AsyncIterator[None]:
        """Begin no call that changes anything; enters when the last one has ended."""
        self._mark_loop.quiet = True
        try:
            while self._queue.out or self._mark_loop.writing:
                await self._wakeup.wait()
            yield
        finally:
            self._mark_loop.quiet = False
            self._wakeup.wake()

    def reserve(self, keys: Collection[DocKey]) -> bool:
        """Keep `keys` from being worked on; False when one is worked on now."""
        return self._queue.reserve(keys)

    def release(self, keys: Collection[DocKey]) -> None:
        """Give reserved keys back."""
        for key in keys:
            self._queue.done(key)
        self._wakeup.wake()

    def follows(self, key: DocKey) -> bool:
        """Whether the document of `key` is being indexed and followed."""
        return key in self._tracker.keys

    # -- what is remembered ---------------------------------------------------------------------

    @property
    def risks(self) -> Mapping[DocKey, Risk]:
        """What was granted of what the guard counts, and has not been made yet."""
        return self._permits.risks

    @property
    def remembered(self) -> Collection[DocKey]:
        """The keys with tries or permits on record."""
        return {*self._progress.keys, *self._permits.keys}

    # -- workers -------------------------------------------------------------------------------

    async def _work_on_all(self) -> None:
        over, wakeup = self._over, self._wakeup
        async with anyio.create_task_group() as group:
            self._crew.start(group, over, workers=self._workers)
            group.start_soon(follow, self._tracker, wakeup, over, self._indexed, self._polled)
            group.start_soon(self._mark_loop.run, over, lambda: self.idle)

    def _over(self) -> bool:
        return self._wakeup.stopping or self._policy.ends(self)

    def _next(self) -> DocKey | None:
        """Hand out a key: what was begun comes first, then the backlog while there is room."""
        if self._mark_loop.quiet:
            return None
        now = self._context.clock.now()
        key = self._queue.take(now)
        if key is None and (begun := self._backlog.take()) is not None:
            self._queue.add(begun)
            key = self._queue.take(now)
        return key

    def _paused_for(self) -> float:
        return self._context.remote.paused_for()

    def _due_in(self) -> float | None:
        """Return the seconds until a waiting key is due, None while none waits."""
        due = None if self._mark_loop.quiet else self._queue.next_due()
        # Never 0: a clock that lags behind the loop by a moment would make this spin.
        return None if due is None else max(0.01, due - self._context.clock.now())

    # -- one key -------------------------------------------------------------------------------

    async def _visit(self, key: DocKey, answered: Callable[[], None]) -> None:
        if self._admission.keeps(key):
            self._room.free(key)
            return
        case = await self._case(key)
        action = ends_first(self._context, case, decide(case))
        why = self._permits.allowed(
            action,
            present=isinstance(case.local, Present),
            unmounted=getattr(case.local, "unmounted", None) is not None,
        )
        if why is not None:
            await self._refuse(case, why)
        elif not (isinstance(action, Create | Update) and self._waits(key, action)):
            await self._act(case, action, answered)

    async def _case(self, key: DocKey) -> Case:
        progress = self._progress.of(key)
        evidence = self._listed if progress.listed else self._unlisted
        hashed = progress.hashed
        if hashed is not None:
            now = self._context.mirror.source.look(key.path)
            # A file that did not change since the plan is not read again to be hashed.
            hashed = hashed if isinstance(now, Present) and now.stat == hashed.stat else None
        probe = self._room.probing(key) and self.follows(key)
        return await evidence.case(key, seen=hashed, ask=progress.ask, probe=probe)

    async def _refuse(self, case: Case, why: Notice) -> None:
        """Report what the plan did not permit as held, or leave it to the next plan."""
        hold = self._policy.refused(case.key, why)
        if hold is None:
            self._let_go(case.key)
        else:
            await self._act(case, hold)

    def _waits(self, key: DocKey, action: Create | Update) -> bool:
        """Whether an upload has to wait; otherwise it takes its room at the server."""
        if self._policy.changing(key):
            self._let_go(key)
            return True
        if not self._admission.passes(key, action):
            self._withheld(key)
            return True
        if self._room.full(key):
            self._room.free(key)  # or what is in line before it would wait for it
            self._backlog.put_in_front((key,))
            return True
        self._room.take(key)
        if action.cause in (Cause.STUCK, Cause.PROBE):  # sent by a create, which proves nothing
            self._backlog.put_in_front(self._canary.dropped(key))
            return False
        now, able = self._context.clock.now(), self._context.remote.capabilities
        if isinstance(action, Create) or self._canary.admits(key, able, now):
            return False
        self._room.free(key)
        return True

    async def _act(
        self, case: Case, action: Action, answered: Callable[[], None] = lambda: None
    ) -> None:
        started, removes = self._context.clock.now(), self._permits.expects_removal(case.key)
        step = await carry_out(self._context, case, action, answered, may_remove=removes)
        if isinstance(step, BackOff):
            await self._policy.after_back_off(self._context)
        if not isinstance(action, Noop | Hold):
            self._progress.of(case.key).listed = False  # the listing is older than this call
        step = self._after(case, action, step)
        took = int((self._context.clock.now() - started) * 1000)
        if not isinstance(action, Noop | SetMetadata) and not isinstance(step, Closed):
            self._observe(step_event(action, step, took))

    # -- what a step leads to ------------------------------------------------------------------

    def _after(self, case: Case, action: Action, step: Result) -> Result:
        """Do what `step` leads to; return it, or that the key was given up."""
        key = case.key
        self._unreached = self._unreached + 1 if isinstance(step, BackOff) else 0
        match step:
            case Finished():
                self._finish(key, action)
            case Follow(document_id=document_id, uploaded=uploaded, replaces=replaces):
                # First: a key that is let go loses its permits.
                made = uploaded is not None and not replaces
                self._tracker.add(key, document_id, replaces=replaces, made=made)
                if uploaded is not None:
                    self._backlog.add(self._admission.uploaded(key, action))
                    self._room.sent(key)
                    self._marks.add(key, uploaded, declared=step.declared)
                self._finish(key, action)
            case NeedsMark():
                self._to_mark(key, action, step)
            case Again(at=None):
                self._queue.add(key)  # first, as above
                self._finish(key, action)
            case Again(at=float(at), ask=ask, why=why, waits=waits, closed=closed):
                self._progress.of(key).ask |= ask
                self._tell(key, waits)
                if closed is not None:
                    self._close(key, closed.why, updates=closed.updates)
                return self._later(key, action, at, why) or step
            case BackOff(why=why):
                return self._back_off(key, action, why) or step
            case Stopped(why=why):
                if is_not_waited_for(case, action):
                    self._tracker.drop(key)
                return self._give_up(key, action, why)
            case Closed(why=why, updates=updates):
                self._close(key, why, updates=updates or isinstance(action, Update))
                self._room.free(key)
        if isinstance(action, Delete) and not isinstance(step, Stopped):
            self._backlog.put_in_front(self._admission.freed())
        return step

    def _close(self, key: DocKey, why: Notice, *, updates: bool) -> None:
        """Hold what the base does not take, and say it once."""
        self._backlog.put_in_front(self._canary.dropped(key))
        if self._admission.closed(key, why, updates=updates):
            self._tell(key, self._admission.notice)

    def _withheld(self, key: DocKey) -> None:
        """Let `key` wait until the base takes uploads: others wait for neither room nor canary."""
        self._room.free(key)
        self._backlog.put_in_front(self._canary.dropped(key))

    def _finish(self, key: DocKey, action: Action) -> None:
        if isinstance(action, Resolve):
            return  # only the earlier call is settled: the key's own work is still to come
        self._note_end(key, action)
        if not isinstance(action, Noop | Hold):
            self._permits.spent(key)
            self.report.done[name_of(action)] += 1
        self._let_go(key)

    def _let_go(self, key: DocKey) -> None:
        """Free the room of `key`. Permits of a key that is still queued or followed are kept."""
        self._room.free(key)
        self._backlog.put_in_front(self._admission.dropped(key))
        followed = self.follows(key)
        if followed or key in self._queue or key in self._backlog:
            self._progress.restart(key)
        else:
            self._permits.drop(key)
            self._progress.drop(key)
        if not followed:
            self._backlog.put_in_front(self._canary.dropped(key))

    def _give_up(self, key: DocKey, action: Action, why: Notice) -> Stopped:
        self._let_go(key)
        self.report.stopped[key] = (kind_of(action), why)
        return Stopped(why)

    def _later(self, key: DocKey, action: Action, at: float, why: Notice | None) -> Stopped | None:
        """Come back at `at`. What may be under way at the server keeps its room there."""
        progress = self._progress.of(key)
        progress.tries += why is not None  # a throttled call costs no try
        if why is not None and progress.tries >= TRIES:
            return self._give_up(key, action, why)
        self._share.rest(key)
        self._queue.add_at(key, at)
        return None

    def _back_off(self, key: DocKey, action: Action, why: Notice) -> Stopped | None:
        progress = self._progress.of(key)
        progress.tries += 1
        self._room.free(key)
        if self._unreached >= UNREACHED_IN_A_ROW:
            raise Problem(why)
        if progress.tries >= TRIES:
            return self._give_up(key, action, why)
        self._queue.add_at(key, self._context.clock.now() + delay_after(progress.tries))
        return None

    # -- marks and indexing --------------------------------------------------------------------

    def _to_mark(self, key: DocKey, action: Action, step: NeedsMark) -> None:
        """Queue the mark. SetMetadata is done when it was read back, other actions now."""
        asked = isinstance(action, SetMetadata)
        if asked:
            self._let_go(key)
        else:
            self._finish(key, action)
        self._marks.add(key, step.document, asked=asked, declared=step.declared, stat=step.stat)

    def _marked(self, marked: MarkResult) -> None:
        self.report.note_metadata(marked.key, marked.why, asked=marked.asked)
        if marked.again:
            self._progress.of(marked.key).listed = False
            self._queue.add(marked.key)
        if marked.asked or marked.why is not None:
            self._observe(mark_event(marked))

    def _indexed(self, key: DocKey) -> None:
        entry = self._context.ledger.entry(key)
        self._progress.of(key).listed = False
        if self._context.ledger.intent(key) is None:
            self._queue.add(key)
        else:  # it is to be enabled again, which takes room like an upload
            self._backlog.put_in_front((key,))
        self._context.room.wake()
        if entry is not None and entry.state is not EntryState.INDEXING:
            self._observe(indexed_event(entry, self._context.clock.now()))
            if self._canary.proves(key, self._context.remote.capabilities):
                self._context.remote.note(Capability.UPDATE_ENDS, able=True)
        self._admission.indexed(entry)
        self._backlog.put_in_front(self._canary.ended(key))

    def _polled(self) -> None:
        """Look after what stands still, once the server was asked."""
        busy = self._mark_loop.quiet or self._queue.active or self._backlog.has_probe
        for key in self._room.to_send_anew(self._canary, probe=not busy):
            self._progress.of(key).listed = False
            self._queue.add(key)
        self._tell(min(self._tracker.keys, default=None), self._room.stands(self._context))

    def _tell(self, key: DocKey | None, why: Notice | None) -> None:
        """Say once what is waited for."""
        if key is None or why is None or self._progress.of(key).shown == why:
            return
        self._progress.of(key).shown = why
        self._observe(waiting_event(key, why))
