"""Workers around the queue: hand out keys, decide, carry out, follow until indexed.

`apply` drives the keys of a plan until nothing is left to do; the daemon will drive the same queue
for ever. One control task; nothing here blocks but the small ledger transactions.
"""

from __future__ import annotations

import math
import random
from collections import deque
from collections.abc import Callable, Iterable

import anyio

from kbsync.engine.execute import carry_out
from kbsync.engine.gather import Gatherer
from kbsync.engine.indexing import IndexingWatch
from kbsync.engine.marking import Marked, Marker
from kbsync.engine.mirror import World
from kbsync.engine.ports import Listing
from kbsync.engine.queue import KeyQueue
from kbsync.engine.report import Event, Report, kind_of
from kbsync.engine.step import Again, BackOff, Finished, Follow, Step, Stopped, ToMark
from kbsync.messages import Notice, Problem
from kbsync.model import (
    Action,
    Create,
    DocKey,
    EntryState,
    Hold,
    Noop,
    RemoteDocument,
    Resolve,
    SetMetadata,
    Update,
)
from kbsync.planning.case import Case
from kbsync.planning.decide import decide
from kbsync.planning.guard import Permit
from kbsync.planning.plan import cause_of, name_of

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
        world: World,
        *,
        listing: Listing | None,
        observe: Observer,
        permit: Permit | None = None,
        workers: int = WORKERS,
    ) -> None:
        self._world = world
        self._permit = permit
        self._listed = Gatherer(world=world, listing=listing)
        self._afresh = Gatherer(world=world)
        self._observe = observe
        self._workers = workers
        self._queue = KeyQueue()
        self._backlog: deque[DocKey] = deque()
        self._watch = IndexingWatch(world)
        self._marker = Marker(world)
        self._occupied: set[DocKey] = set()
        self._touched: set[DocKey] = set()
        self._asked: set[DocKey] = set()
        self._tries: dict[DocKey, int] = {}
        self._unreached = 0
        self._changed = anyio.Event()
        self._problem: Problem | None = None
        self._stopping = False
        self._polling = False
        self.report = Report(mirror=world.mirror.name)

    def stop(self) -> None:
        """Hand out no more keys; calls in flight are brought to their end."""
        self._stopping = True
        self.report.interrupted = True
        self._wake()

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
            await self._round(keys, wait)
            if self._stopping:
                break
        if self._problem is not None:
            raise self._problem
        self.report.indexing = len(self._watch)
        self.report.waiting = self._queue.waiting + self._queue.active + len(self._backlog)
        return self.report

    async def _round(self, keys: Iterable[DocKey], wait: bool) -> None:
        self._backlog.extend(keys)
        async with anyio.create_task_group() as group:
            for _ in range(self._workers):
                group.start_soon(self._work, wait)
            group.start_soon(self._follow, wait)
            group.start_soon(self._mark, wait)

    # -- workers -------------------------------------------------------------------------------

    async def _work(self, wait: bool) -> None:
        while not self._over(wait):
            key = self._next()
            if key is None:
                await self._rest()
                continue
            try:
                await self._visit(key)
            except Problem as problem:
                self._problem = self._problem or problem
                self._stopping = True
            finally:
                self._queue.done(key)
                self._wake()
        self._wake()

    def _next(self) -> DocKey | None:
        """Hand out a key: what was begun comes first, then the backlog while there is room."""
        now = self._world.clock.now()
        key = self._queue.take(now)
        if key is not None or not self._backlog or self._full(self._backlog[0]):
            return key
        key = self._backlog.popleft()
        self._occupied.add(key)
        self._queue.add(key)
        return self._queue.take(now)

    def _over(self, wait: bool) -> bool:
        if self._stopping:
            return True
        if self._polling:
            return False  # what it finds is handed out before anybody goes
        if self._stalled:
            return True
        if self._queue.active or self._backlog or len(self._marker):
            return False
        if not wait:
            return True
        return self._queue.idle and not len(self._watch)

    @property
    def _stalled(self) -> bool:
        """Whether the server makes no progress any more with what it was sent."""
        return len(self._watch) > 0 and self._watch.idle_for > PATIENCE

    async def _rest(self) -> None:
        """Sleep until something changes or the next waiting key ripens."""
        due = self._queue.next_due()
        changed = self._changed
        if due is None:
            await changed.wait()
            return
        with anyio.move_on_after(max(0.01, due - self._world.clock.now())):
            await changed.wait()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()

    async def _visit(self, key: DocKey) -> None:
        case = await self._case(key)
        action = self._permitted(decide(case))
        if isinstance(action, Create | Update):
            if self._full(key):
                self._backlog.appendleft(key)
                return
            self._occupied.add(key)
        await self._act(case, action)

    def _permitted(self, action: Action) -> Action:
        """Hold what the world turned into a removal or an upload that the plan did not have."""
        objection = self._permit.objection(action) if self._permit else None
        return action if objection is None else Hold(key=action.key, row="guard", why=objection)

    async def _case(self, key: DocKey) -> Case:
        gatherer = self._afresh if key in self._touched else self._listed
        return await gatherer.case(key, ask=key in self._asked, stuck=self._watch.stuck(key))

    def _full(self, key: DocKey) -> bool:
        """Whether the server indexes as many of ours as it may, `key` not counted."""
        taken = (self._watch.keys | self._occupied) - {key}
        return len(taken) >= self._world.mirror.max_indexing

    async def _act(self, case: Case, action: Action) -> None:
        started = self._world.clock.now()
        step = await carry_out(self._world, case, action)
        if not isinstance(action, Noop | Hold):
            self._touched.add(case.key)
        self._after(case, action, step)
        took = int((self._world.clock.now() - started) * 1000)
        self._tell(case, action, step, took)

    def _after(self, case: Case, action: Action, step: Step) -> None:
        key = case.key
        self._unreached = self._unreached + 1 if isinstance(step, BackOff) else 0
        match step:
            case Finished():
                self._finish(key, action)
            case Follow(document_id=document_id, uploaded=uploaded):
                self._finish(key, action)
                self._watch.add(key, document_id)
                if uploaded is not None:
                    self._marker.add(key, uploaded)
            case ToMark(document=document):
                self._to_mark(key, action, document)
            case Again(at=None):
                self._finish(key, action)
                self._queue.add(key)
            case Again(at=float(at), ask=ask, why=why):
                self._later(key, action, at, why)
                self._asked |= {key} if ask else set()
            case BackOff(why=why):
                self._back_off(key, action, why)
            case Stopped(why=why):
                self._give_up(key, action, why)

    def _finish(self, key: DocKey, action: Action) -> None:
        if isinstance(action, Resolve):
            return  # accounted for, not done: the tries count on
        self._forget(key)
        self.report.stopped.pop(key, None)
        if not isinstance(action, Noop | Hold):
            self.report.done[name_of(action)] += 1

    def _forget(self, key: DocKey) -> None:
        self._tries.pop(key, None)
        self._asked.discard(key)
        self._occupied.discard(key)

    def _give_up(self, key: DocKey, action: Action, why: Notice) -> None:
        self._forget(key)
        self.report.stopped[key] = (kind_of(action), why)

    def _later(self, key: DocKey, action: Action, at: float, why: Notice | None) -> None:
        """Come back at `at`. What may be under way at the server keeps its room there."""
        if why is None:
            self._queue.add_at(key, at)
            return
        tries = self._tries[key] = self._tries.get(key, 0) + 1
        if tries >= TRIES:
            self._give_up(key, action, why)
        else:
            self._queue.add_at(key, at)

    def _back_off(self, key: DocKey, action: Action, why: Notice) -> None:
        tries = self._tries[key] = self._tries.get(key, 0) + 1
        self._occupied.discard(key)
        if self._unreached >= UNREACHED_IN_A_ROW:
            raise Problem(why)
        if tries >= TRIES:
            self._give_up(key, action, why)
            return
        longest = min(LONGEST_BACK_OFF, FIRST_BACK_OFF * 2**tries)
        delay = random.uniform(0.1, longest)  # noqa: S311 - full jitter
        self._queue.add_at(key, self._world.clock.now() + delay)

    # -- marks ---------------------------------------------------------------------------------

    def _to_mark(self, key: DocKey, action: Action, document: RemoteDocument | None) -> None:
        """Hand the key to the marker; an action that is nothing else is done when it says so."""
        asked = isinstance(action, SetMetadata)
        if asked:
            self._forget(key)
        else:
            self._finish(key, action)
        self._marker.add(key, document, asked=asked)

    async def _mark(self, wait: bool) -> None:
        while not self._over(wait):
            idle = not (self._queue.active or self._backlog)
            rest = self._marker.rest(idle=idle)
            if rest == 0:
                await self._mark_some(idle)
                continue
            changed = self._changed
            with anyio.move_on_after(math.inf if rest is None else rest):
                await changed.wait()
        self._wake()

    async def _mark_some(self, idle: bool) -> None:
        try:
            for marked in await self._marker.work(idle=idle):
                self._marked(marked)
        except Problem as problem:
            self._problem = self._problem or problem
            self._stopping = True
        self._wake()

    def _marked(self, marked: Marked) -> None:
        if marked.why is not None:
            self.report.stopped[marked.key] = ("failed", marked.why)
        elif marked.asked:
            self.report.stopped.pop(marked.key, None)
            self.report.done["set_metadata"] += 1
        if marked.asked or marked.why is not None:
            self._observe(
                Event(
                    key=marked.key,
                    action="set_metadata",
                    cause="metadata",
                    outcome="stopped" if marked.why else "done",
                    milliseconds=0,
                    document_id=marked.document_id,
                    why=marked.why,
                )
            )

    # -- indexing ------------------------------------------------------------------------------

    async def _follow(self, wait: bool) -> None:
        while not self._over(wait):
            if not len(self._watch):
                await self._changed.wait()
                continue
            self._polling = True
            try:
                ended = await self._watch.poll()
            except Problem as problem:
                self._problem = self._problem or problem
                self._stopping = True
                break
            finally:
                self._polling = False
            for key in ended:
                self._indexed(key)
            if ended or self._stalled or not wait:
                self._wake()
            await self._world.clock.sleep(self._watch.interval)
        self._wake()

    def _indexed(self, key: DocKey) -> None:
        entry = self._world.ledger.entry(key)
        self._touched.add(key)
        self._queue.add(key)
        if entry is None:
            return
        self._observe(
            Event(
                key=key,
                action="index",
                cause=entry.reason[1] if entry.reason else "",
                outcome="indexed" if entry.state is EntryState.SYNCED else "failed",
                milliseconds=0,
                document_id=entry.document_id,
            )
        )

    def _tell(self, case: Case, action: Action, step: Step, took: int) -> None:
        if isinstance(action, Noop | SetMetadata):
            return
        why = step.why if isinstance(step, Stopped | BackOff) else None
        document = getattr(action, "document_id", None)
        self._observe(
            Event(
                key=case.key,
                action=name_of(action),
                cause=cause_of(action),
                outcome=_outcome(step),
                milliseconds=took,
                document_id=step.document_id if isinstance(step, Follow) else document,
                why=why,
            )
        )


def _outcome(step: Step) -> str:
    match step:
        case Finished() | Follow() | ToMark() | Again(at=None):
            return "done"
        case Again() | BackOff():
            return "waiting"
        case Stopped():
            return "stopped"
