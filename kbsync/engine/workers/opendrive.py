"""A drive that stays open: it is fed until it is stopped, and remembers only what is under way."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping
from contextlib import asynccontextmanager

from kbsync.engine.context import Context
from kbsync.engine.execute.results import BackOff, Result
from kbsync.engine.observe.evidence import EvidenceCollector
from kbsync.engine.observe.knowledge_base import base_must_answer
from kbsync.engine.ports import ObservedListing
from kbsync.engine.workers.canary import Canary
from kbsync.engine.workers.permits import Charges, Grant
from kbsync.engine.workers.pool import Drive, Observer
from kbsync.messages import Notice
from kbsync.model import Action, Create, DocKey, Update
from kbsync.planning.case import Case
from kbsync.planning.guard import Permit, Risk

NOTHING = Permit(removals=frozenset(), uploads=frozenset())


class OpenDrive(Drive):
    """Drives the keys of one mirror until it is stopped. They may do what they were fed with.

    Args:
        world: the three sides of the mirror.
        observe: told of every step.
        canary: keeps updates back until one was seen to end.
        restless: whether the file of a key changed and has not rested since: it will be fed again.
    """

    def __init__(
        self,
        world: Context,
        *,
        observe: Observer,
        canary: Canary,
        restless: Callable[[DocKey], bool],
    ) -> None:
        super().__init__(world, listing=None, observe=observe)
        self._charges = Charges(NOTHING, listed=False)
        self._canary = canary
        self._restless = restless

    async def serve(self) -> None:
        """Work on what is fed until stopped.

        Raises:
            Problem: the mirror cannot go on; what was in flight has been brought to its end.
        """
        await self._together(wait=True)
        if self._pulse.problem is not None:
            raise self._pulse.problem

    def feed(self, keys: Iterable[DocKey], grant: Grant, *, first: bool = False) -> None:
        """Work on `keys` too.

        Args:
            keys: in the order they are to be worked on.
            grant: what they may do.
            first: before everything that was fed and is not begun yet.
        """
        fed = list(keys)
        self._charges.give(fed, grant)
        if first:
            self._put_in_front(reversed(fed))
        else:
            self._backlog.update(dict.fromkeys(fed))
        self._pulse.beat()

    @asynccontextmanager
    async def quiet(self) -> AsyncIterator[None]:
        """Begin no call that changes anything; enters when the last one has ended."""
        self._marking.quiet = True
        try:
            while self._queue.out or self._marking.writing:
                await self._pulse.wait()
            yield
        finally:
            self._marking.quiet = False
            self._pulse.beat()

    def reserve(self, keys: Collection[DocKey]) -> bool:
        """Keep `keys` from being worked on; False when one is worked on now."""
        return self._queue.reserve(keys)

    def release(self, keys: Collection[DocKey]) -> None:
        """Give reserved keys back."""
        for key in keys:
            self._queue.done(key)
        self._pulse.beat()

    def renew(self, world: Context, listing: ObservedListing | None) -> None:
        """Go on with what a pass over everything found; what it feeds may believe `listing`."""
        self._world = world
        self._listed = EvidenceCollector(world=world, listing=listing)
        self._afresh = EvidenceCollector(world=world)
        self._watch.renew(world)
        self._marker.renew(world)

    def follows(self, key: DocKey) -> bool:
        """Whether the document of `key` is being indexed and followed."""
        return key in self._watch.keys

    @property
    def risks(self) -> Mapping[DocKey, Risk]:
        """What was allowed of what the guard counts, and has not been made yet."""
        return self._charges.risks

    @property
    def remembered(self) -> int:
        """How many keys something is remembered of until they come to rest."""
        return len(self._charges)

    @property
    def busy(self) -> bool:
        """Whether anything is worked on, waits for its turn, is indexed or to be marked."""
        return bool(self.waiting or self.indexing or len(self._marker))

    @property
    def waiting(self) -> int:
        """How many keys are worked on or wait for their turn."""
        return super().waiting + len(self._canary)

    # -- what is different while it stays open -------------------------------------------------

    def _over(self, wait: bool) -> bool:
        return self._pulse.stopping

    def _gated(self, key: DocKey) -> bool:
        return self._full(key) and not self._charges.removes(key)

    async def _object(self, case: Case, objection: Notice) -> None:
        """Leave it: it is planned, and judged, when its change is noticed."""
        self._let_go(case.key)

    def _waits(self, key: DocKey, action: Create | Update) -> bool:
        if self._restless(key):
            self._let_go(key)
            return True
        if super()._waits(key, action):
            return True
        now, able = self._world.clock.now(), self._world.remote.capabilities
        if isinstance(action, Create) or self._canary.admits(key, able, now):
            return False
        self._occupied.discard(key)
        return True

    async def _carry_out(self, case: Case, action: Action) -> Result:
        step = await super()._carry_out(case, action)
        if isinstance(step, BackOff):
            await base_must_answer(self._world)  # or is it the server that is away?
        return step

    def _let_go(self, key: DocKey) -> None:
        super()._let_go(key)
        if not self.follows(key):
            self._put_in_front(self._canary.dropped(key))

    def _indexed(self, key: DocKey) -> None:
        super()._indexed(key)
        self._put_in_front(self._canary.ended(key))
