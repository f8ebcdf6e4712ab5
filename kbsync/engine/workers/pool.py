"""Workers around the queue: hand out keys, decide, carry out, follow until indexed.

`apply` drives the keys of a plan until nothing is left to do; `opendrive` keeps the same machine
going. One control task; nothing here blocks but the small ledger transactions.
"""

from __future__ import annotations

import random
from collections import OrderedDict
from collections.abc import Callable, Iterable

import anyio

from kbsync.engine.context import Context
from kbsync.engine.execute.executor import carry_out
from kbsync.engine.execute.following import MarkLoop, follow
from kbsync.engine.execute.indexing import IndexingTracker
from kbsync.engine.execute.marking import MarkResult, MarkWriter
from kbsync.engine.execute.results import (
    Again,
    BackOff,
    Event,
    Finished,
    Follow,
    NeedsMark,
    Report,
    Result,
    Stopped,
    kind_of,
)
from kbsync.engine.observe.evidence import EvidenceCollector
from kbsync.engine.ports import ObservedListing
from kbsync.engine.workers import events
from kbsync.engine.workers.permits import Charges
from kbsync.engine.workers.queue import KeyQueue
from kbsync.engine.workers.wakeup import Wakeup
from kbsync.messages import Notice, Problem
from kbsync.model import (
    Action,
    Cause,
    Create,
    DocKey,
    EntryState,
    Hold,
    Noop,
    Present,
    RemoteDocument,
    Resolve,
    SetMetadata,
    Update,
)
from kbsync.planning.case import Case
from kbsync.planning.decide import decide
from kbsync.planning.guard import Permit
from kbsync.planning.plan import name_of

WORKERS = 4
TRIES = 6
UNREACHED_IN_A_ROW = 12
FIRST_BACK_OFF, LONGEST_BACK_OFF = 1.0, 600.0
PATIENCE = 1200.0

Observer = Callable[[Event], None]


class Drive:
    """Drives the keys of one mirror.

    Args:
        world: the three sides of the mirror.
        listing: the listing of this pass; trusted for keys that were not changed since.
        observe: told of every step.
        permit: what may be removed and embedded again; everything when None.
        workers: keys worked on at once.
    """

    def __init__(
        self,
        world: Context,
        *,
        listing: ObservedListing | None,
        observe: Observer,
        permit: Permit | None = None,
        workers: int = WORKERS,
    ) -> None:
        self._world = world
        self._charges = Charges(permit, listed=True)
        self._listed = EvidenceCollector(world=world, listing=listing)
        self._afresh = EvidenceCollector(world=world)
        self._observe = observe
        self._workers = workers
        self._queue = KeyQueue()
        self._backlog: OrderedDict[DocKey, None] = OrderedDict()
        self._pulse = Wakeup()
        self._watch = IndexingTracker(world)
        self._marker = MarkWriter(world)
        self._marking = MarkLoop(self._marker, self._pulse, self._marked)
        self._occupied: set[DocKey] = set()
        self._unreached = 0
        self.report = Report(mirror=world.mirror.name)

    def stop(self) -> None:
        """Hand out no more keys; calls in flight are brought to their end."""
        self.report.interrupted = True
        self._pulse.stop()

    async def run(self, *rounds: Iterable[DocKey], wait: bool) -> Report:
        """Work until nothing is left to do, or, without `wait`, until all calls are made.

        Args:
            rounds: keys to work on; a later round begins when the one before is through, so that
                what replaces a document can be found before the document is deleted.
            wait: until everything uploaded is indexed.

        Raises:
            Problem: the mirror cannot go on; what was in flight has been brought to its end.
        """
        for keys in rounds:
            self._backlog.update(dict.fromkeys(keys))
            await self._together(wait)
            if self._pulse.stopping:
                break
        if self._pulse.problem is not None:
            raise self._pulse.problem
        self.report.indexing = self.indexing
        self.report.waiting = self.waiting
        return self.report

    async def _together(self, wait: bool) -> None:
        def over() -> bool:
            return self._over(wait)

        async with anyio.create_task_group() as group:
            for _ in range(self._workers):
                group.start_soon(self._work, over)
            group.start_soon(self._follow, over)
            group.start_soon(self._marking.run, over, self._idle)

    async def _follow(self, over: Callable[[], bool]) -> None:
        await follow(self._watch, self._pulse, over=over, indexed=self._indexed)

    @property
    def indexing(self) -> int:
        """How many documents are followed."""
        return len(self._watch)

    @property
    def waiting(self) -> int:
        """How many keys are worked on or wait for their turn."""
        return self._queue.waiting + self._queue.active + len(self._backlog)

    # -- workers -------------------------------------------------------------------------------

    async def _work(self, over: Callable[[], bool]) -> None:
        while not over():
            if (pause := self._world.remote.resting()) > 0:
                await self._pulse.rest(pause)  # here, where no call is begun, a stop ends it
                continue
            key = self._next()
            if key is None:
                await self._rest()
                continue
            try:
                await self._visit(key)
            except Problem as problem:
                self._pulse.fail(problem)
            finally:
                self._queue.done(key)
                self._pulse.beat()
        self._pulse.beat()

    def _next(self) -> DocKey | None:
        """Hand out a key: what was begun comes first, then the backlog while there is room."""
        if self._marking.quiet:
            return None
        now = self._world.clock.now()
        key = self._queue.take(now)
        if key is not None or not self._backlog:
            return key
        key = next(iter(self._backlog))
        if self._gated(key):
            return None
        del self._backlog[key]
        self._occupied.add(key)
        self._queue.add(key)
        return self._queue.take(now)

    def _gated(self, key: DocKey) -> bool:
        """Whether `key` has to wait until the server has room."""
        return self._full(key)

    def _over(self, wait: bool) -> bool:
        if self._pulse.stopping:
            return True
        if self._watch.polling:
            return False  # what it finds is handed out before anybody goes
        if self._stalled:
            return True
        if not self._idle() or len(self._marker):
            return False
        return not wait or (self._queue.idle and not len(self._watch))

    def _idle(self) -> bool:
        return not (self._queue.active or self._backlog)

    @property
    def _stalled(self) -> bool:
        """Whether the server makes no progress any more with what it was sent."""
        return len(self._watch) > 0 and self._watch.idle_for > PATIENCE

    async def _rest(self) -> None:
        """Sleep until something changes or the next waiting key ripens."""
        due = None if self._marking.quiet else self._queue.next_due()
        now = self._world.clock.now()
        await self._pulse.wait(None if due is None else max(0.01, due - now))

    async def _visit(self, key: DocKey) -> None:
        case = await self._case(key)
        action = decide(case)
        objection = self._charges.objection(action, standing=isinstance(case.local, Present))
        if objection is not None:
            await self._object(case, objection)
        elif not (isinstance(action, Create | Update) and self._waits(key, action)):
            await self._act(case, action)

    async def _object(self, case: Case, objection: Notice) -> None:
        """Hold what the world turned into a removal or an upload that the plan did not have."""
        hold = Hold(key=case.key, row="guard", cause=Cause.GUARDED, why=objection)
        await self._act(case, hold)

    def _waits(self, key: DocKey, action: Create | Update) -> bool:
        """Whether an upload has to wait; otherwise it takes its room at the server."""
        if self._full(key):
            self._put_in_front((key,))
            return True
        self._occupied.add(key)
        return False

    def _put_in_front(self, keys: Iterable[DocKey]) -> None:
        for key in keys:
            self._backlog[key] = None
            self._backlog.move_to_end(key, last=False)

    async def _case(self, key: DocKey) -> Case:
        charge = self._charges.of(key)
        gatherer = self._listed if charge.listed else self._afresh
        seen = charge.seen
        if seen is not None:
            now = self._world.mirror.source.look(key.path)
            seen = seen if isinstance(now, Present) and now.stat == seen.stat else None
        stuck = self._watch.stuck(key)
        return await gatherer.case(key, seen=seen, ask=charge.asked, stuck=stuck)

    def _full(self, key: DocKey) -> bool:
        """Whether the server indexes as many of ours as it may, `key` not counted."""
        taken = (self._watch.keys | self._occupied) - {key}
        most = self._world.mirror.config.max_indexing
        assert most is not None  # noqa: S101 - loading fills it in
        return len(taken) >= most

    async def _act(self, case: Case, action: Action) -> None:
        started = self._world.clock.now()
        step = await self._carry_out(case, action)
        if not isinstance(action, Noop | Hold):
            self._charges.of(case.key).listed = False
        step = self._after(case, action, step)
        took = int((self._world.clock.now() - started) * 1000)
        if not isinstance(action, Noop | SetMetadata):
            self._observe(events.step_taken(action, step, took))

    async def _carry_out(self, case: Case, action: Action) -> Result:
        return await carry_out(self._world, case, action)

    def _after(self, case: Case, action: Action, step: Result) -> Result:
        """Do what `step` leads to; return it, or that the key was given up."""
        key = case.key
        self._unreached = self._unreached + 1 if isinstance(step, BackOff) else 0
        match step:
            case Finished():
                self._finish(key, action)
            case Follow(document_id=document_id, uploaded=uploaded):
                self._watch.add(key, document_id)
                self._finish(key, action)
                if uploaded is not None:
                    self._marker.add(key, uploaded)
            case NeedsMark(document=document):
                self._to_mark(key, action, document)
            case Again(at=None):
                self._queue.add(key)
                self._finish(key, action)
            case Again(at=float(at), ask=ask, why=why):
                self._charges.of(key).asked |= ask
                return self._later(key, action, at, why) or step
            case BackOff(why=why):
                return self._back_off(key, action, why) or step
            case Stopped(why=why):
                return self._give_up(key, action, why)
        return step

    def _finish(self, key: DocKey, action: Action) -> None:
        if isinstance(action, Resolve):
            return  # accounted for, not done: the tries count on
        self.report.stopped.pop(key, None)
        if not isinstance(action, Noop | Hold):
            self._charges.spent(key)
            self.report.done[name_of(action)] += 1
        self._let_go(key)

    def _let_go(self, key: DocKey) -> None:
        """Forget what is behind `key`; of one that comes back keep what it may do."""
        self._occupied.discard(key)
        if key in self._queue or key in self._backlog or key in self._watch.keys:
            self._charges.rest(key)
        else:
            self._charges.drop(key)

    def _give_up(self, key: DocKey, action: Action, why: Notice) -> Stopped:
        self._let_go(key)
        self.report.stopped[key] = (kind_of(action), why)
        return Stopped(why)

    def _later(self, key: DocKey, action: Action, at: float, why: Notice | None) -> Stopped | None:
        """Come back at `at`. What may be under way at the server keeps its room there."""
        charge = self._charges.of(key)
        charge.tries += why is not None
        if why is not None and charge.tries >= TRIES:
            return self._give_up(key, action, why)
        self._queue.add_at(key, at)
        return None

    def _back_off(self, key: DocKey, action: Action, why: Notice) -> Stopped | None:
        charge = self._charges.of(key)
        charge.tries += 1
        self._occupied.discard(key)
        if self._unreached >= UNREACHED_IN_A_ROW:
            raise Problem(why)
        if charge.tries >= TRIES:
            return self._give_up(key, action, why)
        longest = min(LONGEST_BACK_OFF, FIRST_BACK_OFF * 2**charge.tries)
        delay = random.uniform(0.1, longest)  # noqa: S311 - full jitter
        self._queue.add_at(key, self._world.clock.now() + delay)
        return None

    # -- marks and indexing --------------------------------------------------------------------

    def _to_mark(self, key: DocKey, action: Action, document: RemoteDocument | None) -> None:
        """Hand the key to the marker; an action that is nothing else is done when it says so."""
        asked = isinstance(action, SetMetadata)
        if asked:
            self._let_go(key)
        else:
            self._finish(key, action)
        self._marker.add(key, document, asked=asked)

    def _marked(self, marked: MarkResult) -> None:
        if marked.why is not None:
            self.report.stopped[marked.key] = ("failed", marked.why)
        elif marked.asked:
            self.report.stopped.pop(marked.key, None)
            self.report.done["set_metadata"] += 1
        if marked.asked or marked.why is not None:
            self._observe(events.mark_written(marked))

    def _indexed(self, key: DocKey) -> None:
        entry = self._world.ledger.entry(key)
        self._charges.of(key).listed = False
        self._queue.add(key)
        if entry is not None and entry.state is not EntryState.INDEXING:
            self._observe(events.indexed(entry))
