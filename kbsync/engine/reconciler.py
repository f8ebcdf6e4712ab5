"""The reconciler of one mirror: plans once, applies once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import TYPE_CHECKING

import anyio.to_thread

from kbsync.engine.context import Context, Mirror
from kbsync.engine.execute.base_settings import (
    Settled,
    held_keys,
    settle_base,
    settle_made,
)
from kbsync.engine.execute.renames import apply_renames
from kbsync.engine.execute.results import Report
from kbsync.engine.indexing_room import IndexingRooms
from kbsync.engine.observe.base_settings import changes_of, hidden
from kbsync.engine.observe.evidence import EvidenceCollector
from kbsync.engine.observe.held_back import note_release
from kbsync.engine.observe.knowledge_base import (
    bind,
    ensure_base,
    find_base,
    models_must_be_there,
    pipeline_decides,
)
from kbsync.engine.observe.planner import Planned, Planner, UnderWay
from kbsync.engine.observe.remote_state import metadata_fields
from kbsync.engine.observe.server_age import losses, too_old, undone
from kbsync.engine.observe.source_check import must_be_there
from kbsync.engine.observe.unmet import noting
from kbsync.engine.ports import Clock, Ledger, ObservedListing, Remote
from kbsync.engine.workers.admission import held_notice
from kbsync.engine.workers.permits import Permits
from kbsync.engine.workers.policy import OneShot
from kbsync.engine.workers.throttle import ThrottledRemote
from kbsync.messages import Notice, Problem
from kbsync.messages import command as say
from kbsync.messages import engine as engine_say
from kbsync.model import UNDECLARED, Action, Base, Cause, Create, DocKey, Halted, Hold
from kbsync.planning.case import Case
from kbsync.planning.decide import decide
from kbsync.planning.guarded_plan import guarded_plan
from kbsync.planning.plan import SET_BASE, keys_of

if TYPE_CHECKING:
    from kbsync.engine.observe import adoption
    from kbsync.engine.workers.pool import Observer, WorkerPool

__all__ = ["Planned", "Reconciler"]


class Reconciler:
    """Plans and applies for one mirror.

    Args:
        mirror: folder, base and settings.
        ledger: what was done.
        remote: the server, throttled.
        clock: the ledger's clock.
        rooms: those of all bases this process fills.

    Attributes:
        comparison: the planner.
    """

    def __init__(
        self,
        mirror: Mirror,
        ledger: Ledger,
        remote: Remote,
        clock: Clock,
        rooms: IndexingRooms | None = None,
    ) -> None:
        self.mirror = mirror
        self.clock = clock
        self.ledger = ledger
        self.comparison = Planner(mirror, ledger, clock)
        self._remote = remote
        self._pipeline: Notice | None = None
        self._hidden: Notice | None = None
        self._rooms = rooms or IndexingRooms()

    async def plan(
        self,
        *,
        listing: bool = True,
        listed: ObservedListing | None = None,
        asks: bool = True,
        checksum: bool = False,
    ) -> Planned:
        """Return what would be done now. Changes nothing at the server.

        Args:
            listing: list the base first, which finds drift, the missing and the foreign; without
                it the ledger is believed about documents that were not changed.
            listed: the ledger's newest listing, which another process made: it is complete, and
                nothing was written for this part of the mirror since it was begun.
            asks: ask the server for each name that no listing tells of; otherwise it is presumed
                to be free, and looked up before it is used.
            checksum: read every file, whatever its stat.

        Raises:
            Problem: the source is not there, or the base or the server cannot be used.
        """
        await anyio.to_thread.run_sync(must_be_there, self.mirror.name, self.mirror.source)
        context = await self.find_context()
        planned = await self.comparison.everything(
            context, listing=listing, listed=listed, asks=asks, checksum=checksum
        )
        if context.base_id is None and planned.plan.changes:
            await models_must_be_there(self.mirror, self._remote)
        base = changes_of(planned.context)
        return replace(planned, plan=planned.plan.with_base(base))

    async def apply(
        self,
        planned: Planned,
        *,
        wait: bool = True,
        observe: Observer,
        started: Callable[[WorkerPool], None] = lambda pool: None,
        read: AbstractSet[str] = frozenset(),
    ) -> Report:
        """Carry `planned` out, and what follows from it, until both sides are the same.

        Args:
            planned: what `plan` returned.
            wait: until everything uploaded is indexed; otherwise only until it is sent.
            observe: called with the event of every step.
            started: called with the worker pool, so that a signal can stop it.
            read: the held-back changes that a person agreed to.

        Raises:
            Problem: the mirror cannot go on.
        """
        from kbsync.engine.workers.pool import WorkerPool  # noqa: PLC0415 - a plan needs none

        permitted = guarded_plan(planned.plan.actions, planned.facts, planned.guard, read)
        context = await self.with_base(planned.context, wanted=bool(permitted.actions))
        context = replace(context, promised=planned.promised)
        context, settled = await self.settle(context, planned, observe)
        self.note_device(planned, permitted.held)
        permits = Permits(
            removals=permitted.removals, uploads=permitted.uploads, overwrites=permitted.overwrites
        )
        policy = OneShot(permits, wait=wait)
        seen = noting(self.ledger, self.mirror.name, observe)
        pool = WorkerPool(context, policy, listing=planned.listing, observe=seen)
        started(pool)
        try:
            renamed = await apply_renames(context, permitted.moves, observe)
            pool.report.moved = frozenset(renamed.arrived)
            report = await pool.run(permitted.others, [*permitted.deletes, *renamed.left])
        finally:
            if (
                permitted.guard != planned.guard
            ):  # what was agreed to is not counted in the next hour
                self.ledger.agree(self.mirror.name, self.clock.now())
                note_release(self.ledger, self.mirror.name, read)
        report.waited = wait
        report.skipped = planned.plan.skipped
        report.unchanged = planned.plan.unchanged
        report.done += Counter({"move": len(renamed.arrived), SET_BASE: settled.done})
        report.stopped |= held_keys(settled.held)
        report.halted = permitted.guard if isinstance(permitted.guard, Halted) else None
        self._keep_capabilities()
        if context.base_id is not None and context.fields is None and report.done:
            report.notice = report.notice or engine_say.MARKS_UNSUPPORTED(mirror=self.mirror.name)
        return report

    async def settle(
        self, context: Context, planned: Planned, observe: Observer
    ) -> tuple[Context, Settled]:
        """Set what `planned` says of the base itself, or what its making left to be set.

        Args:
            context: with the base as it is now.
            planned: before the base was made, if it was.
            observe: called with the event of every setting.

        Returns:
            The context with the base as it is afterwards, and what became of its settings.
        """
        if context.base is None or self.mirror.config.declared_base == UNDECLARED:
            return context, Settled(base=context.base)
        if planned.context.base_id is None:
            settled = await settle_made(context, observe)
        else:
            settled = await settle_base(context, planned.plan.base, observe)
        if not settled.done or settled.base is None:
            return context, settled
        context = replace(context, base=settled.base, technique=settled.base.technique)
        return replace(context, fields=await metadata_fields(context)), settled

    def narrow(
        self,
        planned: Planned,
        wanted: Callable[[DocKey], bool],
        *,
        base: bool = False,
        under_way: UnderWay | None = None,
    ) -> Planned:
        """Return `planned` cut down to the keys that are wanted, guarded afresh.

        Args:
            planned: what `plan` returned.
            wanted: tells whether a key stays in; a move stays in with either of its ends.
            base: keep the settings of the base.
            under_way: what was allowed before and is not done yet, for the guard.
        """
        plan = planned.plan
        actions = [a for a in plan.actions if any(map(wanted, keys_of(a)))]
        skipped = [each for each in plan.skipped if wanted(each.key)]
        found = (actions, skipped, plan.unchanged, planned.facts)
        cut = self.comparison.plan(*found, under_way or {})
        return replace(planned, plan=cut.with_base(plan.base) if base else cut)

    async def find_context(self) -> Context:
        """Return the three sides as they are now, beginning with the base.

        Raises:
            Problem: the base or the server cannot be used.
        """
        base = await self._find_base()
        if base is not None:  # the ledger finds its documents by their marks in the bound base
            bind(self.mirror, base, self.ledger)
        return await self._context(base)

    def losses(self) -> list[Notice]:
        """Return what is lost for this mirror, by its server or its base, as far as it is known."""
        lost = list(losses(self.mirror.server.url, self._remote.capabilities))
        lost += undone(self.mirror.config, self._remote.capabilities)
        held = self.ledger.held_creates(self.mirror.name)
        lost += [held_notice(self.mirror.name, held)] if held else []
        return [*lost, *filter(None, (self._pipeline, self._hidden))]

    def waits(self) -> Notice | None:
        """Return which answer of the server is waited for; None while no call is made."""
        if not isinstance(self._remote, ThrottledRemote):
            return None
        return self._remote.waits(self.mirror.server.url)

    async def confirm(self) -> None:
        """Check that the base is still the one that was found before.

        Raises:
            Problem: it cannot be used any more, or not be asked for.
        """
        await find_base(self.mirror, self.ledger, self._remote)

    async def with_base(self, context: Context, *, wanted: bool) -> Context:
        """Return `context` with its base, looked for once more before anything is sent.

        Args:
            context: as it was planned with.
            wanted: make the base when there is none.

        Raises:
            Problem: the base cannot be used, or not be made.
        """
        if context.base_id is None and not wanted:
            return context
        base = await ensure_base(self.mirror, self.ledger, self._remote, self.clock)
        return await self._context(base) if context.base_id is None else context

    def note_device(self, planned: Planned, held: AbstractSet[DocKey]) -> None:
        """Record the source's device, unless its change is why the guard holds something back."""
        binding, device = self.ledger.binding(self.mirror.name), planned.device
        if binding is None or device is None or (planned.facts.root is not None and held):
            return
        if binding.device != device:
            self.ledger.bind(replace(binding, device=device))

    async def explain(self, path: str) -> tuple[Case, Action]:
        """Return the case and the decision for one path, from its file and its server as they are.

        The file is read, so that the hash shown is its own.

        Raises:
            Problem: the base or the server cannot be used.
        """
        base = await self._find_base()
        self.comparison.mounts.expect()
        collector = EvidenceCollector(context=await self._context(base))
        key = DocKey(mirror=self.mirror.name, path=path)
        file = await anyio.to_thread.run_sync(self.comparison.content_check.fresh, key)
        case = await collector.case(key, seen=file, ask=True)
        action, held = decide(case), self.ledger.held_creates(self.mirror.name)
        if isinstance(action, Create) and held is not None:
            why = held_notice(self.mirror.name, held)
            action = Hold(key=key, row=action.row, cause=action.cause, why=why)
        return case, action

    async def offer(
        self, match: adoption.Match, *, cause: Cause, trust: adoption.Trust
    ) -> adoption.Offer:
        """Return which foreign documents would be adopted; `adoption.take` records it.

        Args:
            match, cause, trust: as for `adoption.offer`.

        Raises:
            Problem: the source is not there, there is no base yet, or the base or the server cannot
                be used.
        """
        from kbsync.engine.observe import adoption  # noqa: PLC0415 - one verb needs it
        from kbsync.engine.observe.adoption_by_content import must_give_bytes  # noqa: PLC0415

        await anyio.to_thread.run_sync(must_be_there, self.mirror.name, self.mirror.source)
        base = await self._find_base()
        if base is None:
            name = self.mirror.config.knowledge_base.name
            raise Problem(say.BASE_UNMADE(mirror=self.mirror.name, base=name))
        context = await self._context(base)
        if trust is adoption.Trust.CONTENT:
            must_give_bytes(context)
        return await adoption.offer(context, match, cause=cause, trust=trust)

    async def _find_base(self) -> Base | None:
        """Return the base; what the ledger kept of the server is remembered before it is asked."""
        kept = self.ledger.capabilities(self.mirror.server.url)
        if kept is not None:
            self._remote.recall(kept)
        try:
            base = await find_base(self.mirror, self.ledger, self._remote)
        except Problem:
            self._refuse_too_old()  # whatever such a server answers, its age is the reason
            raise
        self._refuse_too_old()
        return base

    def _refuse_too_old(self) -> None:
        if self._remote.capabilities.too_old:
            raise Problem(too_old(self.mirror.server.url, self._remote.capabilities))

    def _keep_capabilities(self) -> None:
        """Keep what is known of the server by now, if that is new."""
        url, known = self.mirror.server.url, self._remote.capabilities
        if known != self.ledger.capabilities(url):
            self.ledger.note_capabilities(url, known)

    async def _context(self, base: Base | None) -> Context:
        ownership = self.ledger.ownership(self.mirror.name)
        self._pipeline = pipeline_decides(self.mirror, base) if base else None
        self._hidden = hidden(self.mirror, base)
        context = Context(
            mirror=self.mirror,
            ledger=self.ledger,
            remote=self._remote,
            clock=self.clock,
            base_id=base.id if base else None,
            pipeline=base is not None and base.has_pipeline,
            technique=base.technique if base else None,
            base=base,
            room=self._rooms.of(self.mirror.server.url, base.id if base else ""),
            owner=ownership.token if ownership else "",
        )
        context = replace(context, fields=await metadata_fields(context))
        self._keep_capabilities()
        return context
