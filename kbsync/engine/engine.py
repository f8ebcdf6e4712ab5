"""Plan once, apply once. Both are one pass of the same machine over all keys of a mirror."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import anyio.to_thread

from kbsync.engine import adoption
from kbsync.engine.bases import ensure_base, find_base
from kbsync.engine.drive import Drive, Observer
from kbsync.engine.gather import Gatherer
from kbsync.engine.listing import refresh
from kbsync.engine.mirror import Mirror, World
from kbsync.engine.ports import Change, Clock, Ledger, Listing, Remote
from kbsync.engine.report import Report
from kbsync.engine.survey import Survey, survey
from kbsync.messages import Problem
from kbsync.messages import command as say
from kbsync.model import (
    Absent,
    Action,
    Base,
    Delete,
    DocKey,
    FileState,
    Hold,
    Noop,
    Present,
    Skipped,
    Stat,
)
from kbsync.planning.case import Case
from kbsync.planning.decide import decide
from kbsync.planning.plan import Plan, make_plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A plan and what it was made from."""

    plan: Plan
    world: World
    listing: Listing | None
    survey: Survey


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
        return await self._planned(self._world(base), listing=listing)

    async def apply(
        self,
        planned: Planned,
        *,
        wait: bool = True,
        observe: Observer,
        started: Callable[[Drive], None] = lambda drive: None,
    ) -> Report:
        """Carry `planned` out, and what follows from it, until both sides are the same.

        Args:
            planned: what `plan` returned.
            wait: until everything uploaded is indexed; otherwise only until it is sent.
            observe: told of every step.
            started: given the drive, so that a signal can stop it.

        Raises:
            Problem: the mirror cannot go on.
        """
        world = planned.world
        if planned.plan.actions and world.base_id is None:
            base = await ensure_base(self.mirror, self._ledger, self._remote)
            world = self._world(base)
        elif world.base_id is not None:
            await ensure_base(self.mirror, self._ledger, self._remote)
        drive = Drive(world, listing=planned.listing, observe=observe)
        started(drive)
        actions = planned.plan.actions
        uploads = [action.key for action in actions if not isinstance(action, Delete)]
        deletes = [action.key for action in actions if isinstance(action, Delete)]
        report = await drive.run(uploads, deletes, wait=wait)
        report.skipped = planned.plan.skipped
        report.unchanged = planned.plan.unchanged
        return report

    async def explain(self, path: str) -> tuple[Case, Action]:
        """Return the case and the decision for one path, asking the server for its side.

        Raises:
            Problem: the base or the server cannot be used.
        """
        base = await find_base(self.mirror, self._ledger, self._remote)
        gatherer = Gatherer(world=self._world(base))
        case = await gatherer.case(DocKey(mirror=self.mirror.name, path=path), ask=True)
        return case, decide(case)

    async def offer(
        self, match: adoption.Match, *, cause: str, trust_size: bool
    ) -> adoption.Offer:
        """Return which documents that are nobody's would be taken over; `adoption.take` does it.

        Args:
            match, cause, trust_size: as for `adoption.offer`.

        Raises:
            Problem: there is no base yet, or the base or the server cannot be used.
        """
        base = await find_base(self.mirror, self._ledger, self._remote)
        if base is None:
            raise Problem(say.BASE_UNMADE(mirror=self.mirror.name, base=self.mirror.base_name))
        world = self._world(base)
        return await adoption.offer(world, match, cause=cause, trust_size=trust_size)

    def _world(self, base: Base | None) -> World:
        return World(
            mirror=self.mirror,
            ledger=self._ledger,
            remote=self._remote,
            clock=self._clock,
            base_id=base.id if base else None,
        )

    async def _planned(self, world: World, *, listing: bool) -> Planned:
        listed = await refresh(world) if listing or world.base_id is None else None
        tally = Survey()
        states = await anyio.to_thread.run_sync(self._survey, listed, tally)
        states = await self._settled(states)
        refused = self._refused(states)
        states += refused
        actions, skipped, same = await self._decide(world, listed, states)
        plan = make_plan(
            actions,
            skipped=skipped,
            unchanged=tally.unchanged + same - len(refused),
            requests_per_minute=self.mirror.requests_per_minute,
        )
        return Planned(plan=plan, world=world, listing=listed, survey=tally)

    def _survey(self, listed: Listing | None, tally: Survey) -> list[FileState]:
        rows = self._ledger.rows(self.mirror.name, self.mirror.settings, listing=listed)
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
    ) -> tuple[list[Action], list[Skipped], int]:
        gatherer = Gatherer(world=world, listing=listed)
        actions: list[Action] = []
        skipped: list[Skipped] = []
        stats: list[tuple[DocKey, Stat]] = []
        same = 0
        for state in states:
            case = await gatherer.case(state.key, seen=state)
            action = decide(case)
            match action, case.local:
                case Noop(), Present(stat=stat):
                    same += 1
                    if case.entry is not None and case.entry.stat != stat:
                        stats.append((case.key, stat))
                case Noop(), Absent() if case.rejection is not None:
                    self._ledger.commit(Change(key=case.key, rejection=None))
                case Hold(row="T1"), Skipped() if case.entry is None:
                    skipped.append(case.local)
                case _:
                    actions.append(action)
        self._ledger.restat(stats)
        return actions, skipped, same


def _age(state: FileState) -> float:
    """Seconds since the file was changed; a change in the future counts as old."""
    if not isinstance(state, Present):
        return float("inf")
    age = time.time() - state.stat.mtime_ns / 1e9
    return age if age >= 0 else float("inf")
