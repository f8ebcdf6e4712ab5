"""Plan once, apply once. Both are one pass of the same machine over all keys of a mirror."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace

import anyio.to_thread

from kbsync.engine import adoption
from kbsync.engine.bases import bind, ensure_base, find_base
from kbsync.engine.catchup import catch_up
from kbsync.engine.drive import Drive, Observer
from kbsync.engine.gather import Gatherer
from kbsync.engine.listing import refresh
from kbsync.engine.lookup import metadata_fields
from kbsync.engine.mirror import Mirror, World
from kbsync.engine.moving import find_moves, make_moves
from kbsync.engine.ownership import owned
from kbsync.engine.ports import Change, Clock, Ledger, Listing, Remote
from kbsync.engine.report import Report
from kbsync.engine.survey import Survey, survey
from kbsync.messages import Problem
from kbsync.messages import command as say
from kbsync.messages import engine as engine_say
from kbsync.model import (
    Absent,
    Action,
    Allowed,
    Base,
    Delete,
    DocKey,
    FileState,
    Guard,
    Halted,
    Hold,
    Move,
    Noop,
    Present,
    Skipped,
    Stat,
)
from kbsync.planning.case import Case
from kbsync.planning.decide import decide
from kbsync.planning.foresee import foresee
from kbsync.planning.guard import (
    AN_HOUR,
    Facts,
    Root,
    guard,
    history_of,
    permit,
    released,
    root_fault,
    waits_whole,
)
from kbsync.planning.marks import FIELDS
from kbsync.planning.moves import Vacated, vacated
from kbsync.planning.plan import Plan, Rates, indexing_rate, keys_of, make_plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A plan and what it was made from.

    Args:
        facts: what the guard knows beside the actions.
        device: number of the device the source is on.
    """

    plan: Plan
    world: World
    listing: Listing | None
    survey: Survey
    facts: Facts
    device: int | None = None

    @property
    def guard(self) -> Guard:
        """What the guard says of the plan."""
        return self.plan.halts[0] if self.plan.halts else Allowed()


@dataclass(slots=True)
class _Decided:
    """What was decided about the keys that may need something. `same`: files that need nothing."""

    actions: list[Action] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    foreseen: dict[DocKey, Action] = field(default_factory=dict)
    vacated: list[Vacated] = field(default_factory=list)
    same: int = 0


class Engine:
    """One mirror's engine.

    Args:
        mirror: folder, base and settings.
        ledger: the memory.
        remote: the server, behind its gate.
        clock: the ledger's clock.
    """

    def __init__(self, mirror: Mirror, ledger: Ledger, remote: Remote, clock: Clock) -> None:
        self.mirror = mirror
        self._ledger = ledger
        self._remote = remote
        self._clock = clock

    async def plan(self, *, listing: bool = True) -> Planned:
        """Return what would be done now. Changes nothing at the server.

        Args:
            listing: list the base first, which finds drift, the missing and the foreign; without
                it the ledger is believed about documents nothing happened to.

        Raises:
            Problem: the base or the server cannot be used.
        """
        base = await find_base(self.mirror, self._ledger, self._remote)
        if base is not None:  # the ledger finds its documents by their marks in the bound base
            bind(self.mirror, base, self._ledger)
        return await self._planned(await self._world(base), listing=listing)

    async def apply(
        self,
        planned: Planned,
        *,
        wait: bool = True,
        observe: Observer,
        started: Callable[[Drive], None] = lambda drive: None,
        read: AbstractSet[str] = frozenset(),
    ) -> Report:
        """Carry `planned` out, and what follows from it, until both sides are the same.

        Args:
            planned: what `plan` returned.
            wait: until everything uploaded is indexed; otherwise only until it is sent.
            observe: told of every step.
            started: given the drive, so that a signal can stop it.
            read: what somebody agreed to of what the guard held back.

        Raises:
            Problem: the mirror cannot go on.
        """
        world = planned.world
        decided = released(planned.guard, read)
        held = decided.keys if isinstance(decided, Halted) else frozenset()
        actions = [a for a in planned.plan.actions if a.key not in held or not waits_whole(a)]
        if actions and world.base_id is None:
            base = await ensure_base(self.mirror, self._ledger, self._remote)
            world = await self._world(base)
        elif world.base_id is not None:
            await ensure_base(self.mirror, self._ledger, self._remote)
        self._note_device(planned, held)
        free = permit(actions, planned.facts, held)
        drive = Drive(world, listing=planned.listing, observe=observe, permit=free)
        started(drive)
        uploads = [action.key for action in actions if not isinstance(action, Delete)]
        deletes = [action.key for action in actions if isinstance(action, Delete)]
        moves = [action for action in actions if isinstance(action, Move)]
        try:
            moved = await make_moves(world, moves, observe)
            report = await drive.run(uploads, [*deletes, *moved.left], wait=wait)
        finally:
            if decided != planned.guard:  # what was agreed to is no part of the next hour's count
                self._ledger.agree(self.mirror.name, self._clock.now())
        report.skipped = planned.plan.skipped
        report.unchanged = planned.plan.unchanged
        report.done += Counter(move=moved.made)
        report.halted = decided if isinstance(decided, Halted) else None
        if world.base_id is not None and world.fields is None and report.done:
            report.notice = engine_say.MARKS_UNSUPPORTED(mirror=self.mirror.name)
        return report

    def narrow(self, planned: Planned, wanted: Callable[[DocKey], bool]) -> Planned:
        """Return `planned` cut down to the keys that are wanted, guarded afresh.

        Args:
            planned: what `plan` returned.
            wanted: tells whether a key stays in; a move stays in with either of its ends.
        """
        plan = planned.plan
        actions = [a for a in plan.actions if any(map(wanted, keys_of(a)))]
        skipped = [each for each in plan.skipped if wanted(each.key)]
        return replace(planned, plan=self._plan(actions, skipped, plan.unchanged, planned.facts))

    def _note_device(self, planned: Planned, held: AbstractSet[DocKey]) -> None:
        """Remember the source's device, unless it is what speaks against the source."""
        binding, device = self._ledger.binding(self.mirror.name), planned.device
        if binding is None or device is None or (planned.facts.root is not None and held):
            return
        if binding.device != device:
            self._ledger.bind(replace(binding, device=device))

    async def explain(self, path: str) -> tuple[Case, Action]:
        """Return the case and the decision for one path, asking the server for its side.

        Raises:
            Problem: the base or the server cannot be used.
        """
        base = await find_base(self.mirror, self._ledger, self._remote)
        gatherer = Gatherer(world=await self._world(base))
        case = await gatherer.case(DocKey(mirror=self.mirror.name, path=path), ask=True)
        return case, decide(case)

    async def offer(self, match: adoption.Match, *, cause: str, trust_size: bool) -> adoption.Offer:
        """Return which documents that are nobody's would be taken over; `adoption.take` does it.

        Args:
            match, cause, trust_size: as for `adoption.offer`.

        Raises:
            Problem: there is no base yet, or the base or the server cannot be used.
        """
        base = await find_base(self.mirror, self._ledger, self._remote)
        if base is None:
            raise Problem(say.BASE_UNMADE(mirror=self.mirror.name, base=self.mirror.base_name))
        world = await self._world(base)
        return await adoption.offer(world, match, cause=cause, trust_size=trust_size)

    async def _world(self, base: Base | None) -> World:
        ownership = self._ledger.ownership(self.mirror.name)
        world = World(
            mirror=self.mirror,
            ledger=self._ledger,
            remote=self._remote,
            clock=self._clock,
            base_id=base.id if base else None,
            owner=ownership.token if ownership else "",
        )
        return replace(world, fields=await metadata_fields(world))

    async def _planned(self, world: World, *, listing: bool) -> Planned:
        listing = listing or world.base_id is None or not world.owner
        listed = await refresh(world) if listing else None
        world = replace(world, owner=owned(world, listed).token)
        if world.fields is not None and not world.fields.keys() >= set(FIELDS):
            self._ledger.unmark(self.mirror.name)  # with a field its values are gone
        tally = Survey()
        states = await anyio.to_thread.run_sync(self._survey, world, listed, tally)
        if listed is not None:
            states += catch_up(world, listed, states)
        states = await self._settled(states)
        refused = self._refused(states)
        states += refused
        decided = await self._decide(world, listed, states)
        unchanged = tally.unchanged + decided.same - len(refused)
        device = self.mirror.source.device()
        facts = self._facts(decided, tally, device)
        return Planned(
            plan=self._plan(decided.actions, decided.skipped, unchanged, facts),
            world=world,
            listing=listed,
            survey=tally,
            facts=facts,
            device=device,
        )

    def _facts(self, decided: _Decided, tally: Survey, device: int | None) -> Facts:
        binding = self._ledger.binding(self.mirror.name)
        moved = sum(isinstance(action, Move) for action in decided.actions)
        root = Root(
            files=tally.files,
            recorded=tally.recorded,
            found=tally.found + moved,
            fault=tally.fault,
            device=device,
            device_before=binding.device if binding else None,
        )
        return Facts(
            mirror=self.mirror.name,
            documents=sum(self._ledger.counts(self.mirror.name).values()),
            root=root_fault(root),
            foreseen=decided.foreseen,
        )

    def _plan(
        self, actions: Sequence[Action], skipped: Sequence[Skipped], unchanged: int, facts: Facts
    ) -> Plan:
        """Make a plan of `actions`; what the guard holds back is kept for a release."""
        name, now = self.mirror.name, self._clock.now()
        since = max(now - AN_HOUR, self._ledger.agreed_at(name))
        history = history_of(self._ledger.causes(name, since=since))
        decided = guard(actions, facts, history, self.mirror.limits)
        halts = (decided,) if isinstance(decided, Halted) else ()
        for halted in halts:
            self._ledger.note_halt(halted.digest, halted.members, now)
        rates = Rates(
            requests_per_minute=self.mirror.requests_per_minute,
            indexed_per_minute=indexing_rate(self._ledger.indexing_spans(name)),
        )
        return make_plan(actions, skipped=skipped, unchanged=unchanged, rates=rates, halts=halts)

    def _survey(self, world: World, listed: Listing | None, tally: Survey) -> list[FileState]:
        marked = world.fields is not None
        rows = self._ledger.rows(
            self.mirror.name, self.mirror.settings, listing=listed, marked=marked
        )
        return list(survey(self.mirror.name, self.mirror.source, rows, tally))

    def _refused(self, states: list[FileState]) -> list[FileState]:
        """Return the refused files the survey found unchanged: never silently left out."""
        met = {state.key for state in states}
        keys = [refusal.key for refusal in self._ledger.refused(self.mirror.name)]
        return [self.mirror.source.look(key.path) for key in keys if key not in met]

    async def _settled(self, states: list[FileState]) -> list[FileState]:
        """Look again at files that are younger than the settle window, once it is over."""
        young = [n for n, state in enumerate(states) if _age(state) < self.mirror.settle]
        if not young:
            return states
        await self._clock.sleep(self.mirror.settle)
        for n in young:
            states[n] = self.mirror.source.look(states[n].key.path)
        return states

    async def _decide(
        self, world: World, listed: Listing | None, states: list[FileState]
    ) -> _Decided:
        gatherer = Gatherer(world=world, listing=listed)
        decided = _Decided()
        stats: list[tuple[DocKey, Stat]] = []
        for state in states:
            case = await gatherer.case(state.key, seen=state)
            action = decide(case)
            match action, case.local:
                case Noop(), Present(stat=stat):
                    decided.same += 1
                    if case.entry is not None and case.entry.stat != stat:
                        stats.append((case.key, stat))
                case Noop(), Absent() if case.rejection is not None:
                    self._ledger.commit(Change(key=case.key, rejection=None))
                case Hold(row="T1"), Skipped() if case.entry is None:
                    decided.skipped.append(case.local)
                case _:
                    decided.actions.append(action)
                    follows = foresee(case, action)
                    if follows is not None:
                        decided.foreseen[case.key] = follows
                    free = vacated(case, action)
                    if free is not None:
                        decided.vacated.append(free)
        decided.actions = await find_moves(world, decided.actions, decided.vacated)
        self._ledger.restat(stats)
        return decided


def _age(state: FileState) -> float:
    """Seconds since the file was changed; a change in the future counts as old."""
    if not isinstance(state, Present):
        return float("inf")
    age = time.time() - state.stat.mtime_ns / 1e9
    return age if age >= 0 else float("inf")
