"""Plan all mirrors, apply all plans: a mirror that cannot go on halts itself and no other."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from functools import partial
from typing import TYPE_CHECKING

import anyio

from kbsync.app.stopper import Stopper
from kbsync.engine.execute.results import Event, Report
from kbsync.engine.observe.glances import losing
from kbsync.engine.ports import Ledger
from kbsync.engine.reconciler import Planned, Reconciler
from kbsync.lazy_dataclass import dataclass
from kbsync.messages import Exit, Notice, Problem
from kbsync.messages import command as command_say
from kbsync.messages import source as source_say
from kbsync.model import DocKey
from kbsync.model.file_types import extension
from kbsync.planning.guard import named_by
from kbsync.planning.plan import Plan, joined
from kbsync.source.gitignore import PathSelection

if TYPE_CHECKING:
    from kbsync.engine.workers.pool import WorkerPool

# The first of these that any mirror ends with is the exit code of the whole pass.
GRAVEST = (Exit.FAULT, Exit.USAGE, Exit.REFUSED, Exit.HALTED, Exit.INCOMPLETE, Exit.INDEXING)


@dataclass(frozen=True, slots=True)
class HaltedMirror:
    """A mirror that could not go on, and why."""

    mirror: str
    problem: Problem

    def as_json(self) -> dict[str, object]:
        """Return it as `--json` shows it."""
        why = self.problem.notice.as_json()
        return {"mirror": self.mirror, "reason": why.pop("text"), **why}


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What a pass over all mirrors did."""

    reports: tuple[Report, ...]
    halts: tuple[HaltedMirror, ...]

    @property
    def exit(self) -> Exit:
        """The gravest exit code of all mirrors."""
        return gravest([r.exit for r in self.reports] + [h.problem.exit for h in self.halts])


# A mirror's engine with the plan it made.
MirrorPlan = tuple[Reconciler, Planned | HaltedMirror]


def gravest(codes: Sequence[Exit]) -> Exit:
    """Return the exit code that says most."""
    return next((code for code in GRAVEST if code in codes), Exit.OK)


async def plan_all(
    engines: Sequence[Reconciler],
    *,
    listing: bool,
    checksum: bool = False,
    wanted: Callable[[DocKey], bool] | None = None,
) -> list[MirrorPlan]:
    """Plan every mirror.

    Args:
        engines: one per mirror.
        listing: list the bases first.
        checksum: read every file, whatever its stat.
        wanted: which keys are planned; None for all.
    """
    plans: list[MirrorPlan] = []
    for engine in engines:
        try:
            made = await engine.plan(listing=listing, checksum=checksum)
        except Problem as problem:
            plans.append((engine, HaltedMirror(engine.mirror.name, problem)))
            continue
        plans.append((engine, made))
    return plans if wanted is None else narrowed(plans, wanted)


def selection(patterns: Sequence[str]) -> Callable[[DocKey], bool] | None:
    """Return which keys are planned, None for all.

    Args:
        patterns: gitignore patterns, relative to the source.

    Raises:
        Problem: a pattern that cannot match anything.
    """
    return PathSelection(patterns) if patterns else None


def narrowed(
    plans: Sequence[MirrorPlan], wanted: Callable[[DocKey], bool], *, base: bool = False
) -> list[MirrorPlan]:
    """Return `plans` cut down to the keys that are wanted, each guarded afresh.

    Args:
        plans: as `plan_all` returns.
        wanted: which keys are kept.
        base: keep the settings of the knowledge bases as well.
    """
    return [
        (engine, made if isinstance(made, HaltedMirror) else engine.narrow(made, wanted, base=base))
        for engine, made in plans
    ]


def whole(plans: Sequence[MirrorPlan]) -> Plan:
    """Return the plans of all mirrors as one."""
    return joined([made.plan for _, made in plans if not isinstance(made, HaltedMirror)])


def losses(plans: Sequence[MirrorPlan]) -> list[Notice]:
    """Return what is lost on the servers of the mirrors that were planned, each once."""
    planned = (engine for engine, made in plans if not isinstance(made, HaltedMirror))
    found = (notice for engine in planned for notice in engine.losses())
    return list({notice.text: notice for notice in found}.values())


async def text_losses(plans: Sequence[MirrorPlan]) -> list[Notice]:
    """Return which files to be sent would lose text there: a notice for each mirror and kind."""
    found = []
    for engine, made in plans:
        if isinstance(made, HaltedMirror):
            continue
        paths = await losing(engine.mirror.source, made.plan.actions)
        tables = [path for path in paths if extension(path) == "csv"]
        texts = [path for path in paths if extension(path) != "csv"]
        for message, of in ((source_say.LOSES_TEXT, texts), (source_say.LOSES_ROWS, tables)):
            if of:
                words = {"count": len(of), "file": of[0], "mirror": engine.mirror.name}
                found.append(message(**words))
    return found


def halts_of(plans: Sequence[MirrorPlan]) -> list[HaltedMirror]:
    """Return the mirrors that could not be planned."""
    return [each for _, each in plans if isinstance(each, HaltedMirror)]


def released(ledger: Ledger, releases: Sequence[str]) -> frozenset[str]:
    """Return the changes a person agrees to by naming sets that the guard held back.

    Args:
        ledger: remembers them.
        releases: their digests, or at least the first 8 digits of each.

    Raises:
        Problem: one is no digest, or names nothing that was held back lately.
    """
    return frozenset().union(*(named_by(release, ledger.halts) for release in releases))


async def apply_all(
    plans: Sequence[MirrorPlan],
    *,
    wait: bool,
    observe: Callable[[Event], None],
    read: AbstractSet[str] = frozenset(),
    stopper: Stopper | None = None,
    ends_at: float = math.inf,
    started: Callable[[WorkerPool], None] = lambda pool: None,
) -> Applied:
    """Carry out every plan, one mirror after the other.

    Args:
        plans: as `plan_all` returns.
        wait: until everything uploaded is indexed.
        observe: called with every step.
        read: the changes a person agreed to of what the guard held back.
        stopper: stops the pass; without one signals do.
        ends_at: when it stops by itself, on the clock of the event loop.
        started: called with the worker pool of each mirror.
    """
    reports: list[Report] = []
    halts = halts_of(plans)
    async with anyio.create_task_group() as group:
        if stopper is None:
            stopper = Stopper()
            group.start_soon(stopper.listen)
        if ends_at < math.inf:
            group.start_soon(stopper.end, ends_at)
        for engine, made in plans:
            if isinstance(made, HaltedMirror):
                continue
            # A mirror that was not begun before a signal has no report.
            if stopper.stopped:
                halts += _not_begun(engine) if stopper.overdue else []
                continue
            begin = partial(_begin, stopper, started)
            try:
                report = await engine.apply(
                    made, wait=wait, observe=observe, started=begin, read=read
                )
            except Problem as problem:
                halts.append(HaltedMirror(engine.mirror.name, problem))
            else:
                reports.append(_in_time(report, stopper))
        # Listening for signals would go on for ever.
        group.cancel_scope.cancel()
    return Applied(reports=tuple(reports), halts=tuple(halts))


def _begin(stopper: Stopper, started: Callable[[WorkerPool], None], pool: WorkerPool) -> None:
    stopper.watch(pool)
    started(pool)


def _in_time(report: Report, stopper: Stopper) -> Report:
    """Return `report`, with what it means that its time was over."""
    report.overdue = report.interrupted and stopper.overdue
    if report.overdue:
        report.notice = report.notice or command_say.PASS_OVER(mirror=report.mirror)
    return report


def _not_begun(engine: Reconciler) -> list[HaltedMirror]:
    name = engine.mirror.name
    return [HaltedMirror(name, Problem(command_say.NOT_BEGUN(mirror=name)))]
