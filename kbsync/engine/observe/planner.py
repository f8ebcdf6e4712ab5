"""The planner: folder against ledger, and against a listing where there is one."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import field, replace

import anyio.from_thread
import anyio.lowlevel
import anyio.to_thread

from kbsync.engine.context import Context, Mirror
from kbsync.engine.execute.renames import find_renames
from kbsync.engine.observe.candidates import ScanTally, candidates
from kbsync.engine.observe.content_check import ContentCheck, stat_to_record
from kbsync.engine.observe.contradicting_marks import catch_up
from kbsync.engine.observe.entry_notes import note_agreeing, note_stale
from kbsync.engine.observe.evidence import EvidenceCollector
from kbsync.engine.observe.glances import glanced
from kbsync.engine.observe.held_back import note_held_back
from kbsync.engine.observe.knowledge_base import owned
from kbsync.engine.observe.remote_state import refresh
from kbsync.engine.observe.retaken import retaken
from kbsync.engine.observe.source_check import MountRecord, SourceCheck, must_be_listed
from kbsync.engine.observe.unmet import Extent, note_unmet
from kbsync.engine.ports import Clock, EntryChange, FileRow, Ledger, ObservedListing
from kbsync.lazy_dataclass import dataclass
from kbsync.messages import Notice
from kbsync.model import (
    Absent,
    Action,
    Allowed,
    Cause,
    DocKey,
    EntryState,
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
from kbsync.planning.case import Case, trashed
from kbsync.planning.decide import decide
from kbsync.planning.guard import (
    AN_HOUR,
    Facts,
    Risk,
    Root,
    guard,
    history_of,
    risk_of,
    root_fault,
    with_under_way,
)
from kbsync.planning.lookahead import foresee
from kbsync.planning.marks import FIELDS
from kbsync.planning.mount_points import innermost_above
from kbsync.planning.path_range import EVERYTHING, WHOLE, PathRange
from kbsync.planning.plan import Plan, Rates, indexing_rate, make_plan
from kbsync.planning.rename_detection import Vacated, vacated
from kbsync.planning.staleness import Reason, staleness
from kbsync.planning.upkeep import agrees

AT_A_STRETCH = 64
COUNTED_FOR = 60.0

Settle = Callable[[list[FileState]], Awaitable[list[FileState]]]
UnderWay = Mapping[DocKey, Risk]


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A plan and what it was made from.

    Args:
        facts: what the guard knows beside the actions.
        device: number of the device the source is on.
        seen: files that were hashed for it.
        promised: the sha256 (hex) that an upload has to have, where a person agreed to it.
    """

    plan: Plan
    context: Context
    listing: ObservedListing | None
    tally: ScanTally
    facts: Facts
    device: int | None = None
    seen: Mapping[DocKey, Present] = field(default_factory=dict)
    promised: Mapping[DocKey, str] = field(default_factory=dict)

    @property
    def guard(self) -> Guard:
        """What the guard holds back of the plan."""
        return self.plan.halts[0] if self.plan.halts else Allowed()


@dataclass(slots=True)
class _Decisions:
    """What was decided about the candidates.

    Args:
        same: files that need nothing.
        agreeing: documents that are as their rule says now: its profile, to be noted.
        sources: files of other bytes than recorded that are sent as before: the sha256 of these.
    """

    actions: list[Action] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    foreseen: dict[DocKey, Action] = field(default_factory=dict)
    vacated: list[Vacated] = field(default_factory=list)
    seen: dict[DocKey, Present] = field(default_factory=dict)
    stale: dict[DocKey, Reason | None] = field(default_factory=dict)
    same: int = 0
    agreeing: dict[DocKey, str] = field(default_factory=dict)
    sources: dict[DocKey, str] = field(default_factory=dict)


class Planner:
    """Plans for one mirror.

    Args:
        mirror: folder, base and settings.
        ledger: what was done.
        clock: the ledger's clock.

    Attributes:
        mounts: the mount points below the root.
        content_check: finds files whose stat does not show that they changed.
    """

    def __init__(self, mirror: Mirror, ledger: Ledger, clock: Clock) -> None:
        self._mirror = mirror
        self._ledger = ledger
        self._clock = clock
        self._source_check = SourceCheck(mirror.name, mirror.source, ledger)
        self.mounts = MountRecord(mirror.name, mirror.source, ledger)
        self.content_check = ContentCheck(mirror.name, mirror.source, ledger, mirror.document_rules)
        self._counted: tuple[float, int] | None = None

    async def everything(
        self,
        context: Context,
        *,
        listing: bool,
        listed: ObservedListing | None = None,
        asks: bool = True,
        checksum: bool = False,
        settle: Settle | None = None,
        under_way: UnderWay | None = None,
    ) -> Planned:
        """Plan for the whole folder.

        Args:
            context: the three sides, as found now.
            listing: list the base first.
            listed: a listing that is believed instead, see `Reconciler.plan`.
            asks: ask the server where ledger and listing do not know, see `EvidenceCollector`.
            checksum: read every file, whatever its stat.
            settle: drops files younger than the settle window; by default it is waited for.
            under_way: what was allowed before and is not done yet, for the guard.

        Raises:
            Problem: the source is not there, the server cannot be used, or another kbsync took the
                mirror over.
        """
        # Ownership is decided by the marks in the base, so a new ledger lists it first.
        listing = listing or context.base_id is None or not context.owner
        if listing:
            listed = await refresh(context)
        context = replace(context, owner=owned(context, listed).token)
        if context.fields is not None and not context.fields.keys() >= set(FIELDS):
            self._ledger.unmark(self._mirror.name)  # with a field its values are gone
        tally = ScanTally()
        begun_on = self._mirror.source.device()
        self.mounts.expect()
        mounted = self._mirror.source.mounts()
        states = await anyio.to_thread.run_sync(self._candidates, context, listed, tally, checksum)
        must_be_listed(self._mirror.name, tally.blocked)
        # After the walk: what is mounted by now was not missed by it.
        still_mounted = self._mirror.source.mounts()
        doubted = self.mounts.doubted(states, still_mounted, before=mounted)
        within = tally.within(self._mirror.scope)
        self.mounts.note(states, doubted, mounted, still_mounted, within)
        if listed is not None:
            # Before any decision: a restored ledger would delete what was only renamed.
            moved = catch_up(context, listed, states)
            states += [each for each in moved if each.key.path in within]
        states = await (settle or self._settled)(states)
        again = self._refused(states, within)
        known = {state.key for state in (*states, *again)}
        again += await anyio.to_thread.run_sync(retaken, self._mirror, self._ledger, known, within)
        states += again
        # Without a listing and without asking, names are presumed free: the workers ask.
        collector = EvidenceCollector(context=context, listing=listed, asks=asks or listing)
        decided = await self._decide(collector, states, doubted)
        doubted |= self._doubted_since(decided, mounted)
        # The scan counted these as unchanged.
        unchanged = tally.unchanged + decided.same - len(again)
        device = self._mirror.source.device()
        # What the walk found is no proof for another disk that is there now.
        found = tally.found if begun_on == device else 0
        if not found and begun_on == device and within != EVERYTHING:
            # A part may be empty though the source is well: any other recorded file proves that.
            gone = {state.key for state in states}
            found = int(await anyio.to_thread.run_sync(self._source_check.proves, gone))
        facts = self._facts(decided, tally, found, device, doubted)
        plan = self.plan(decided.actions, decided.skipped, unchanged, facts, under_way or {})
        extent = Extent(states, within=within, listed=listed is not None, blocked=tally.blocked)
        await note_unmet(context, plan, extent)
        # The caller of a part notes what is held back, with that of the other parts.
        if self._mirror.scope == WHOLE:
            note_held_back(self._ledger, self._mirror, plan.halts[0] if plan.halts else Allowed())
        return Planned(
            plan=replace(plan, left_out=tally.left_out),
            context=context,
            listing=listed,
            tally=tally,
            facts=facts,
            device=device,
        )

    async def some(
        self, context: Context, states: list[FileState], *, root: Notice | None, under_way: UnderWay
    ) -> Planned | None:
        """Plan for a few files only: the folder is not walked, and the server is not asked.

        Args:
            context: the three sides, as a pass over everything found them.
            states: what stands at the paths in question.
            root: why absences proved nothing in that pass.
            under_way: what was allowed before and is not done yet, for the guard.

        Returns:
            None when something would be removed and no recorded file proves that the source is
            still the same: then everything has to be compared.
        """
        mounted = self.mounts.concerned(states)
        doubted = self.mounts.doubted(states, mounted)
        self.mounts.note_met(states, mounted)
        collector = EvidenceCollector(context=context, asks=False)
        decided = await self._decide(collector, states, doubted)
        doubted |= self._doubted_since(decided, None)
        facts = Facts(
            mirror=self._mirror.name,
            documents=0,
            foreseen=decided.foreseen,
            unproved=doubted,
        )
        risks = {facts.risk(action) for action in decided.actions}
        gone = [a.key for a in decided.actions if facts.risk(a) in (Risk.REMOVES, Risk.FORGETS)]
        device = self._mirror.source.device() if gone else None
        if gone and not await self._proved(gone, {state.key for state in states}, doubted, device):
            return None
        if risks - {None}:
            facts = replace(facts, documents=self._documents(), root=root)
        # The forecast of a few keys is not shown.
        found = (decided.actions, decided.skipped, decided.same)
        plan = self.plan(*found, facts, under_way, Rates())
        await note_unmet(context, plan, Extent(states))
        return Planned(
            plan=plan,
            context=context,
            listing=None,
            tally=ScanTally(),
            facts=facts,
            device=device,
            seen=decided.seen,
        )

    def plan(
        self,
        actions: Sequence[Action],
        skipped: Sequence[Skipped],
        unchanged: int,
        facts: Facts,
        under_way: UnderWay,
        rates: Rates | None = None,
    ) -> Plan:
        """Make a plan of `actions`; what the guard holds back is stored for a release."""
        decided = self._guarded(actions, facts, under_way)
        halts = (decided,) if isinstance(decided, Halted) else ()
        for halted in halts:
            self._ledger.note_halt(halted.digest, halted.members, self._clock.now())
        rates = rates or self._rates()
        return make_plan(actions, skipped=skipped, unchanged=unchanged, rates=rates, halts=halts)

    def _rates(self) -> Rates:
        return Rates(
            requests_per_minute=self._mirror.server.requests_per_minute,
            indexed_per_minute=indexing_rate(self._ledger.indexing_spans(self._mirror.name)),
        )

    def _guarded(self, actions: Sequence[Action], facts: Facts, under_way: UnderWay) -> Guard:
        if not any(facts.risk(action) for action in actions):
            return Allowed()
        name, planned = self._mirror.name, {action.key for action in actions}
        # A release starts the hour anew: what was agreed to is not counted again.
        since = max(self._clock.now() - AN_HOUR, self._ledger.agreed_at(name))
        history = history_of(self._ledger.causes(name, since=since))
        # Planned keys are counted by their action; the others only by what is still under way.
        others = [risk for key, risk in under_way.items() if key not in planned]
        return guard(actions, facts, with_under_way(history, others), self._mirror.config.guard)

    def _documents(self) -> int:
        """Return how many documents the mirror has, counted at most once a minute."""
        now = self._clock.now()
        if self._counted is None or now - self._counted[0] > COUNTED_FOR:
            self._counted = now, in_the_mirror(self._ledger.counts(self._mirror.name))
        return self._counted[1]

    async def _proved(
        self,
        gone: Collection[DocKey],
        changed: AbstractSet[DocKey],
        doubted: Mapping[str, Notice],
        device: int | None,
    ) -> bool:
        """Whether files that are looked at alone prove to be gone.

        Args:
            gone: these files.
            changed: all that are looked at, which cannot prove it.
            doubted: mount points below which the guard judges.
            device: what the root is on.
        """
        if device != self._device_before():
            return False
        points = ["", *sorted(self.mounts.above(gone) - doubted.keys())]
        proves = self._source_check.proves
        return await anyio.to_thread.run_sync(
            lambda: all(proves(changed, point) for point in points)
        )

    def _doubted_since(
        self, decided: _Decisions, before: AbstractSet[str] | None
    ) -> dict[str, Notice]:
        """Return where what was found to be gone proves nothing: a mount may have come since.

        Args:
            decided: what was decided by looks after the first.
            before: the mount points before the first look, as far as they are known.
        """
        risks = (Risk.REMOVES, Risk.FORGETS)
        ahead = (decided.foreseen.get(each.key, each) for each in decided.actions)
        gone = [action.key for action in ahead if risk_of(action) in risks]
        if not gone:
            return {}
        return self.mounts.doubted((), self._mirror.source.mounts(), before=before, gone=gone)

    def _device_before(self) -> int | None:
        binding = self._ledger.binding(self._mirror.name)
        return binding.device if binding else None

    def _facts(
        self,
        decided: _Decisions,
        tally: ScanTally,
        found: int,
        device: int | None,
        doubted: Mapping[str, Notice],
    ) -> Facts:
        # A renamed file is there, though at another path; an edited one may be another disk's.
        moved = sum(isinstance(action, Move) for action in decided.actions)
        edited = sum(action.cause is Cause.EDITED for action in decided.actions)
        before, found = self._device_before(), found + moved
        # A document that is still indexed goes once it is done, in this very pass.
        ahead = [decided.foreseen.get(each.key, each) for each in decided.actions]
        root = Root(
            files=tally.files or found,
            recorded=tally.recorded,
            found=found if device == before else max(0, found - edited),
            fault=tally.fault,
            device=device,
            device_before=before,
        )
        return Facts(
            mirror=self._mirror.name,
            documents=in_the_mirror(self._ledger.counts(self._mirror.name)),
            root=root_fault(root),
            foreseen=decided.foreseen,
            unproved=self.mounts.unproved(ahead, doubted),
        )

    def _candidates(
        self, context: Context, listed: ObservedListing | None, tally: ScanTally, checksum: bool
    ) -> list[FileState]:
        marked = context.fields is not None
        rows = self._ledger.rows(
            self._mirror.name,
            self._mirror.document_rules,
            listing=listed,
            marked=marked,
            now=float("inf") if self._mirror.empty_trash else self._clock.now(),
            within=self._mirror.scope.within,
        )
        differing = self._differing if checksum else None
        name, scope = self._mirror.name, self._mirror.scope
        found = candidates(name, self._mirror.source, rows, tally, differing, scope)
        return [self._read(each) for each in found] if checksum else list(found)

    def _read(self, state: FileState) -> FileState:
        """Return a file that may need something by its content: it may not be what was refused."""
        anyio.from_thread.check_cancelled()
        known = not isinstance(state, Present) or state.content is not None
        return state if known else self.content_check.read(state)

    def _differing(self, row: FileRow) -> FileState | None:
        anyio.from_thread.check_cancelled()  # reading a whole folder can take hours
        return self.content_check.differing_row(row)

    def _refused(self, states: list[FileState], within: PathRange) -> list[FileState]:
        """Return the refused files that the scan found unchanged: they are always reported."""
        known = {state.key for state in states}
        keys = [refusal.key for refusal in self._ledger.refused(self._mirror.name, within)]
        return [self._mirror.source.look(key.path) for key in keys if key not in known]

    async def _settled(self, states: list[FileState]) -> list[FileState]:
        """Look again at files that are younger than the settle window, once it is over."""
        young = [n for n, state in enumerate(states) if _age(state) < self._mirror.config.settle]
        if not young:
            return states
        await self._clock.sleep(self._mirror.config.settle)
        for n in young:
            states[n] = self._mirror.source.look(states[n].key.path)
        return states

    async def _decide(
        self, collector: EvidenceCollector, states: list[FileState], doubted: Mapping[str, Notice]
    ) -> _Decisions:
        decided = _Decisions()
        stats: list[tuple[DocKey, Stat]] = []
        for number, state in enumerate(states, 1):
            case = await collector.case(state.key, seen=state)
            action = decide(case)
            stat = stat_to_record(case, action)
            if stat is not None:
                stats.append((case.key, stat))
            if case.entry is not None and (stale := staleness(case, action)) != case.entry.stale:
                decided.stale[case.key] = stale
            match action, case.local:
                case Noop(), Present():
                    self._same(case, action, decided)
                # A refusal of a file that is gone would be reported for ever.
                case Noop(), Absent(unmounted=None) if case.rejection is not None:
                    self._ledger.commit(EntryChange(key=case.key, rejection=None))
                case Hold(cause=Cause.SKIPPED), Skipped() if case.entry is None or trashed(case):
                    decided.skipped.append(case.local)
                case _:
                    decided.actions.append(action)
                    follows = foresee(case, action)
                    if follows is not None:
                        decided.foreseen[case.key] = follows
                    free = vacated(case, action)
                    # A file that a mount takes with it was not renamed.
                    if free is not None and innermost_above(case.key.path, doubted) is None:
                        decided.vacated.append(free)
                    if isinstance(case.local, Present) and case.local.content is not None:
                        decided.seen[case.key] = case.local
            if number % AT_A_STRETCH == 0:
                await anyio.lowlevel.checkpoint()  # workers and the watcher share this thread
        actions = await find_renames(collector.context, decided.actions, decided.vacated)
        decided.actions, skipped = await glanced(self._mirror.source, actions)
        decided.skipped = sorted(decided.skipped + skipped, key=lambda each: each.key)
        self._ledger.restat(stats)
        note_stale(self._ledger, decided.stale)
        note_agreeing(self._ledger, decided.agreeing, decided.sources)
        return decided

    def _same(self, case: Case, action: Action, decided: _Decisions) -> None:
        decided.same += 1
        if case.rejection is not None:  # it was of other content
            self._ledger.commit(EntryChange(key=case.key, rejection=None))
        other = case.entry is not None and case.entry.profile != case.profile
        if other and agrees(case, action):
            decided.agreeing[case.key] = case.profile
        source = case.local.source if isinstance(case.local, Present) else None
        if case.entry is not None and source is not None and source != case.entry.source:
            decided.sources[case.key] = source


def in_the_mirror(counts: Mapping[str, int]) -> int:
    """Return how many documents a mirror has, without those in the trash."""
    return sum(number for state, number in counts.items() if state != EntryState.TRASHED)


def _age(state: FileState) -> float:
    """Seconds since the file was changed; a change in the future counts as old."""
    if not isinstance(state, Present):
        return float("inf")
    age = time.time() - state.stat.mtime_ns / 1e9
    return age if age >= 0 else float("inf")
