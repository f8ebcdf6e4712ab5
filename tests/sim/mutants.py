"""kbsync with one promise taken out, each patched in from here: the simulator has to notice.

`python -m tests.sim.mutants` prints how many histories it took.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from unittest import mock

from kbsync.engine.context import Context
from kbsync.engine.execute import chunk_edits, findability, recovery, standstill, uploads
from kbsync.engine.execute.findability import FindabilityProofs
from kbsync.engine.execute.results import Result
from kbsync.engine.indexing_room import IndexingRoom
from kbsync.engine.observe import contradicting_marks, evidence, planner, remote_state
from kbsync.engine.observe import standing as standing_there
from kbsync.engine.observe.evidence import EvidenceCollector
from kbsync.engine.observe.source_check import MountRecord
from kbsync.engine.observe.unfollowed import Unfollowed
from kbsync.engine.ports import Assignment, ObservedListing
from kbsync.engine.workers import pool
from kbsync.engine.workers.admission import Admission
from kbsync.messages import Notice
from kbsync.messages import engine as say
from kbsync.model import (
    Absent,
    Action,
    Cause,
    Chunk,
    Fingerprint,
    Intent,
    LedgerEntry,
    Mark,
    Noop,
    Present,
    Rejected,
    RemoteDocument,
    Skipped,
    Update,
    Withheld,
)
from kbsync.planning import answers, marks, recovery_table
from kbsync.planning import decide as rows
from kbsync.planning.case import GONE, Case, Missing, absent
from kbsync.planning.chunk_changes import ChunkChanges
from kbsync.planning.guard import History as Hour
from kbsync.planning.recovery_table import CallEvidence, Resolution
from kbsync.planning.standstill import Standing

from .declared_base import settings_are_believed
from .indexing_mutants import completed_row_is_enough
from .playing import LONGEST, fails, ledgers
from .program import Program
from .protocol_mutants import no_intent, outcome_before_the_call
from .runs import TRIALS, WEIGHTS
from .stat_mutants import (
    checksum_believes_stats,
    ctime_ignored,
    nothing_read_again,
    racy_stat_believed,
)
from .trash_mutants import (
    disabled_before_it_is_said,
    taken_out_is_trash,
    trash_has_no_time,
    values_stay_behind,
)
from .values_mutants import (
    broken_sidecar_is_empty,
    front_matter_is_sent,
    listed_values_are_believed,
    sidecars_say_nothing,
    switch_is_not_declared,
    values_are_believed,
)

MOST = 120
# For most promises one pass shows as much as an hour of the daemon, in a tenth of the time.
PASSES = {name: weight for name, weight in WEIGHTS.items() if not name.endswith("keep")}
Patch = Callable[[], "mock._patch[Any] | ExitStack"]


# -- the promises, taken out -----------------------------------------------------------------------


def no_window() -> Any:
    """A call that left nothing behind yet is thought to have failed."""
    true = recovery_table.resolve

    def resolve(intent: Intent, trace: CallEvidence, *, now: float, window: float) -> Resolution:
        return true(intent, trace, now=now, window=0.0)

    return mock.patch.object(recovery, "resolve", resolve)


def hash_trusted_on_adoption() -> Any:
    """What is adopted counts as made of the file that stands here."""

    def equal(local: Present, mark: Mark | None, rules: object) -> bool:
        return local.content is not None

    return mock.patch.object(answers, "hash_equals", equal)


def no_orphan_sweep() -> Any:
    """Documents stay whose files left unseen."""

    def keep(case: Case) -> Action | None:
        if case.entry is not None or not absent(case):
            return None
        return Noop(key=case.key, row="T5")

    return _row(rows._t5_orphan, keep)


def guard_counts_one_plan() -> Any:
    """The hour before is forgotten."""
    return mock.patch.object(planner, "history_of", return_value=Hour())


def skip_is_absence() -> Any:
    """A file that is left out counts as gone."""

    def decide(case: Case) -> Action:
        if isinstance(case.local, Skipped):
            case = replace(case, local=Absent(key=case.key))
        return rows.decide(case)

    stack = ExitStack()
    for room in (planner, pool):
        stack.enter_context(mock.patch.object(room, "decide", decide))
    return stack


def absence_from_one_page() -> Any:
    """What a listing does not have is not there, however it was read."""
    true_known, true_refresh = EvidenceCollector._known, remote_state.refresh

    async def known(
        self: EvidenceCollector, entry: LedgerEntry | None, ask: bool
    ) -> RemoteDocument | Missing | None:
        if entry is not None and self.listing is not None and self.context.base_id is not None:
            listed = self.context.ledger.listed(self.context.base_id, entry.document_id)
            return GONE if listed is None else listed
        return await true_known(self, entry, ask)

    async def refresh(world: Context) -> ObservedListing:
        return replace(await true_refresh(world), complete=True)

    stack = ExitStack()
    stack.enter_context(mock.patch.object(EvidenceCollector, "_known", known))
    stack.enter_context(mock.patch.object(planner, "refresh", refresh))
    stack.enter_context(mock.patch.object(remote_state, "TRIES", 1))
    return stack


def mark_before_content() -> Any:
    """The mark of what will be sent is written before it is."""
    true = uploads.update

    async def update(world: Context, case: Case, action: Update, *more: Any) -> Result:
        known, read = case.evidence.known, world.mirror.source.read(case.key.path)
        if world.fields and isinstance(read, Present) and isinstance(known, RemoteDocument):
            assert read.content is not None
            sent = Fingerprint(
                content=read.content, settings=world.mirror.rule_of(case.key.path).settings
            )
            key = case.key
            mark = Mark(
                mirror=key.mirror, path=key.path, fingerprint=sent, rev=known.rev, owner=world.owner
            )
            values = marks.values_of(mark)
            if values.keys() <= world.fields.keys():
                assignment = Assignment(document_id=known.id, values=values)
                await world.remote.assign(world.base_id or "", world.fields, [assignment])
        return await true(world, case, action, *more)

    return mock.patch.object(uploads, "update", update)


def two_uploads_in_flight() -> Any:
    """What the server still works on is sent again."""
    waiting = (rows._r1_indexing, rows._r2_stuck, rows._r4_unconfirmed)
    without = tuple(each for each in rows.ROWS if each not in waiting)
    return mock.patch.object(rows, "ROWS", without)


def copies_of_marks_believed() -> Any:
    """A mark counts with any rev."""
    true = marks.mark_of

    def mark_of(document: RemoteDocument) -> Mark | None:
        rev = document.metadata.get("kbsync_rev")
        return true(replace(document, rev=rev)) if rev else None

    stack = ExitStack()
    for module in (evidence, contradicting_marks, rows):
        stack.enter_context(mock.patch.object(module, "mark_of", mark_of))
    return stack


def late_marks_stay() -> Any:
    """A mark that contradicts its entry, which stays where it is, is left as it is."""

    def mark_again(context: Context, stayed: object) -> None: ...

    return mock.patch.object(contradicting_marks, "_mark_again", mark_again)


def create_is_blind() -> Any:
    """No look-up says which documents bear the name already."""

    async def named(self: EvidenceCollector, name: str) -> tuple[RemoteDocument, ...]:
        return ()

    return mock.patch.object(EvidenceCollector, "_named", named)


def empty_root_is_believed() -> Any:
    """A folder that lost everything at once lost it."""
    return mock.patch.object(planner, "root_fault", return_value=None)


def vanished_mount_is_absence() -> Any:
    """What was on a mount below the root is gone with it."""
    return mock.patch.object(MountRecord, "expect", return_value=None)


def strange_disk_is_believed() -> Any:
    """What another disk does not hold is gone."""
    true = MountRecord.unproved

    def unproved(
        record: MountRecord, actions: Collection[Action], lost: AbstractSet[str]
    ) -> Mapping[str, Notice]:
        return {point: why for point, why in true(record, actions, lost).items() if point in lost}

    return mock.patch.object(MountRecord, "unproved", unproved)


# -- completed is not found ------------------------------------------------------------------------


def completed_is_found() -> Any:
    """Nothing that is indexed is searched for."""
    return mock.patch.object(FindabilityProofs, "_is_due", return_value=False)


def proved_amid_others() -> Any:
    """A search counts though other documents are on their way."""
    return mock.patch.object(IndexingRoom, "quiet", True)


def late_end_is_as_any() -> Any:
    """What ends late has written over nothing."""
    return mock.patch.object(findability, "is_late", return_value=False)


# -- a queue lives, or does not --------------------------------------------------------------------


def _stands(standing: Standing) -> Any:
    """Every document that is not done stands so."""
    stack = ExitStack()
    for room in (standstill, standing_there):
        stack.enter_context(mock.patch.object(room, "judge", return_value=standing))
    return stack


def earlier_tasks_forgotten() -> Any:
    """What an earlier process sent is waited for by no proof, and nothing is proved again."""

    async def any_begun(self: Unfollowed, context: Context) -> bool:
        return False

    stack = ExitStack()
    stack.enter_context(mock.patch.object(Unfollowed, "any_begun", any_begun))
    stack.enter_context(mock.patch.object(findability, "is_late", return_value=False))
    return stack


def lost_task_waits_for_ever() -> Any:
    """What waits is in a queue, and its turn will come."""
    return _stands(Standing.MOVES)


def sent_again_while_queued() -> Any:
    """What did not move for a while lost its task."""
    return _stands(Standing.LOST)


def orphan_is_waited_for() -> Any:
    """What is being indexed is no orphan yet, however long it takes."""

    def wait(case: Case) -> Action | None:
        if case.entry is not None or not absent(case) or not case.evidence.marked:
            return None
        orphan, why = case.evidence.marked[0], say.HELD_INDEXING(path=case.key.path)
        if orphan.readiness.busy:
            return answers.hold(case, "T5", Cause.INDEXING, why, document_id=orphan.id)
        return true(case)

    true = rows._t5_orphan
    return _row(true, wait)


# -- a refusal is the base's -----------------------------------------------------------------------


def base_refusal_is_the_files() -> Any:
    """What a base takes from no one is remembered as the file's."""
    true = uploads._record

    async def record(world: Any, upload: Any, payload: Any, outcome: Any, timed: Any) -> Any:
        if isinstance(outcome, Withheld):
            outcome = Rejected(outcome.why)
        return await true(world, upload, payload, outcome, timed)

    return mock.patch.object(uploads, "_record", record)


def every_upload_tries() -> Any:
    """What a base refused to one, another tries all the same."""
    return mock.patch.object(Admission, "passes", return_value=True)


def refusal_is_of_another_stat() -> Any:
    """What is there has the content that was sent, where it has its stat."""
    true = EvidenceCollector._hashed

    def hashed(self: Any, local: Any, entry: Any, refusal: Any, *more: Any) -> Any:
        return true(self, local, entry, None, *more)

    return mock.patch.object(EvidenceCollector, "_hashed", hashed)


def equal_chunks_are_one() -> Any:
    """Of equal chunks one is enough."""

    def changes(there: Sequence[Chunk], wanted: Sequence[str]) -> ChunkChanges:
        missing = [text for text in wanted if all(text != each.text for each in there)]
        deleted = tuple(each for each in there if each.text not in wanted)
        kept = len(there) - len(deleted)
        return ChunkChanges(added=tuple(missing), deleted=deleted, kept=kept)

    return mock.patch.object(chunk_edits, "changes", changes)


def _row(true: object, other: Callable[[Case], Action | None]) -> ExitStack:
    stack = ExitStack()
    changed = tuple(other if each is true else each for each in rows.ROWS)
    stack.enter_context(mock.patch.object(rows, "ROWS", changed))
    return stack


# -- hunting ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Mutant:
    """A patch, the rules and trials it is looked for with, and the seed to begin at."""

    patch: Callable[[], Any]
    weights: Mapping[str, int] = field(default_factory=lambda: PASSES)
    seed: int = 0
    trials: Sequence[str] = ()

    @property
    def name(self) -> str:
        return self.patch.__name__

    def program(self, seed: int) -> Program:
        """Draw a program of these rules and trials."""
        kinds = {kind: TRIALS[kind] for kind in self.trials} or None
        return Program.drawn(seed, self.weights, LONGEST, kinds)


DECLARING = {"calm_apply": 20, "write": 6, "declare_values": 6}
TRASHING = {"calm_apply": 20, "declare_trash": 5, "delete": 15, "write": 4, "rest": 8}
MUTANTS = (
    Mutant(no_intent, seed=41),
    Mutant(no_window, seed=152),
    Mutant(hash_trusted_on_adoption, seed=122),
    Mutant(no_orphan_sweep, seed=3092),
    Mutant(guard_counts_one_plan, {"calm_apply": 30, "delete": 20, "write": 30}, seed=18),
    Mutant(skip_is_absence, seed=6),
    Mutant(absence_from_one_page, seed=38),
    Mutant(outcome_before_the_call, seed=102),
    Mutant(
        mark_before_content,
        {"calm_apply": 30, "edit": 30, "refuse": 20, "lose_ledger": 15},
        seed=11,
    ),
    Mutant(two_uploads_in_flight, seed=35),
    Mutant(copies_of_marks_believed, seed=67),
    Mutant(
        late_marks_stay,
        {"apply": 24, "calm_apply": 6, "rename": 18, "write": 6, "rest": 2},
        seed=815,
    ),
    Mutant(create_is_blind, {"namesake": 30, "rest": 20, "write": 20, "calm_apply": 20}, seed=0),
    Mutant(empty_root_is_believed, seed=37),
    Mutant(vanished_mount_is_absence, seed=380, trials=["mounts"]),
    Mutant(strange_disk_is_believed, seed=464, trials=["mounts"]),
    Mutant(completed_is_found, seed=75, trials=["race"]),
    Mutant(proved_amid_others, seed=75, trials=["race"]),
    Mutant(earlier_tasks_forgotten, WEIGHTS, seed=3354, trials=["race"]),
    Mutant(late_end_is_as_any, WEIGHTS, seed=3354, trials=["race"]),
    Mutant(
        orphan_is_waited_for, {"lose_ledger": 6, "calm_apply": 20, "delete": 20}, trials=["queue"]
    ),
    Mutant(lost_task_waits_for_ever, seed=18, trials=["queue"]),
    Mutant(sent_again_while_queued, seed=85, trials=["queue"]),
    Mutant(base_refusal_is_the_files, seed=60, trials=["base"]),
    Mutant(every_upload_tries, {"withhold": 1, "calm_apply": 30, "write": 5}, seed=661),
    Mutant(
        refusal_is_of_another_stat,
        {"calm_apply": 20, "refuse": 20, "change_settings": 10, "write": 5},
        seed=9,
        trials=["hidden"],
    ),
    Mutant(ctime_ignored, seed=6, trials=["stats"]),
    Mutant(racy_stat_believed, trials=["ticks"]),
    Mutant(checksum_believes_stats, seed=6, trials=["hidden"]),
    Mutant(nothing_read_again, seed=52, trials=["hidden"]),
    Mutant(settings_are_believed, seed=14, trials=["settings"]),
    Mutant(trash_has_no_time, TRASHING, seed=17),
    Mutant(taken_out_is_trash, TRASHING | {"take_out": 9}, seed=3027),
    Mutant(disabled_before_it_is_said, TRASHING | {"apply": 25}, seed=29),
    Mutant(
        values_stay_behind, {"calm_apply": 20, "edit": 20, "declare_swap": 5, "title": 9}, seed=19
    ),
    Mutant(values_are_believed, trials=["values"]),
    Mutant(listed_values_are_believed, {"calm_apply": 30, "write": 5}, seed=15, trials=["values"]),
    Mutant(sidecars_say_nothing, trials=["values"]),
    Mutant(switch_is_not_declared, seed=36, trials=["values"]),
    Mutant(front_matter_is_sent, DECLARING | {"head": 12}, seed=3),
    Mutant(broken_sidecar_is_empty, DECLARING | {"describe": 12, "break_said": 8}, seed=10),
    Mutant(completed_row_is_enough, seed=318),
    Mutant(equal_chunks_are_one, {"calm_apply": 30}, seed=11, trials=["chunks"]),
)


@contextmanager
def alive(mutant: Mutant) -> Iterator[None]:
    with mutant.patch():
        yield


def hunted(mutant: Mutant, place: Any, empty: Any, *, most: int, seed: int) -> tuple[int, str]:
    """Return how many histories it took to find it, and how it showed; 0 when it was not found."""
    with alive(mutant):
        for number in range(most):
            broken = fails(mutant.program(seed + number), place, empty)
            if broken is not None:
                return number + 1, str(broken).splitlines()[0]
    return 0, ""


def main() -> int:
    missed, wanted = 0, sys.argv[1:]
    with ledgers() as (place, empty):
        for mutant in MUTANTS:
            if wanted and mutant.name not in wanted:
                continue
            took, how = hunted(mutant, place, empty, most=MOST, seed=0)
            missed += not took
            print(f"{mutant.name:28} {took or '-':>4}  {how[:110]}", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
