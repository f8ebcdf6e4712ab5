"""What `kbsync apply` wants done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

from kbsync.app import all_mirrors, build, plan_file
from kbsync.app.all_mirrors import HaltedMirror, Planning
from kbsync.app.plan_file import PlanOptions, PlanRequest
from kbsync.commands import report
from kbsync.commands.base import Command, CommandContext, warn
from kbsync.config import Settings
from kbsync.engine.reconciler import Planned
from kbsync.messages import Problem
from kbsync.messages import daemon as say
from kbsync.planning.plan import CHANGES
from kbsync.planning.saved import SavedPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Apply(Command):
    """Plan mirrors, carry the plans out, and report.

    Args:
        mirrors: their names; empty for all.
        how: how to plan them.
        saved: carry out exactly this plan, which stands in `file`, or refuse.
        releases: digests of what somebody agrees to of what the guard held back.
        wait: until everything is indexed.
        as_json: tell one JSON object at the end.
    """

    verb: ClassVar[str] = "apply"
    mirrors: tuple[str, ...] = ()
    how: PlanOptions = field(default_factory=PlanOptions)
    saved: SavedPlan | None = None
    file: str = ""
    releases: tuple[str, ...] = ()
    wait: bool = True
    as_json: bool = False

    async def run(self, desk: CommandContext) -> int:
        """Do it; the exit code is that of the pass."""
        warn(desk, build.warnings(desk.settings))
        if self.saved is not None:
            plan_file.refuse_other_settings(self.saved, Path(self.file), desk.settings)
        asked = PlanRequest(
            mirrors=self.mirrors, how=self.how, saved=self.saved, file=Path(self.file)
        )
        wanted = self.how.wanted()
        async with desk.opened(self.mirrors, prune_excluded=self.how.prune_excluded) as opened:
            read = all_mirrors.read_sets(opened.ledger, self.releases)
            fresh = await all_mirrors.plan_all(
                opened.engines, listing=self.how.refresh, wanted=wanted
            )
            plans = spared(desk, asked.agreed(fresh))
            with desk.progress(all_mirrors.whole(plans), quiet=self.as_json) as observe:
                done = await all_mirrors.apply_all(
                    plans, wait=self.wait, observe=observe, read=read, stopper=desk.stopper
                )
        report.show(desk, done, as_json=self.as_json)
        return done.exit


def apply_of(asked: PlanRequest, *, releases: tuple[str, ...], wait: bool, as_json: bool) -> Apply:
    """Return the errand for what was typed."""
    shown = str(asked.file) if asked.saved else ""
    words = Apply(mirrors=asked.mirrors, how=asked.how, saved=asked.saved, file=shown)
    return replace(words, releases=releases, wait=wait, as_json=as_json)


def spared(desk: CommandContext, plans: Sequence[Planning]) -> list[Planning]:
    """Return `plans` with mirrors that are only read halted, where anything would be written."""
    return [(engine, _spared(desk.settings, made)) for engine, made in plans]


def _spared(settings: Settings, made: Planned | HaltedMirror) -> Planned | HaltedMirror:
    if isinstance(made, HaltedMirror):
        return made
    mirror = made.world.mirror.name
    declared = settings.mirror(mirror)
    if declared is None or not declared.read_only:
        return made
    changes = sum(number for name, number in made.plan.counts.items() if name in CHANGES)
    if changes:
        return HaltedMirror(mirror, Problem(say.READ_ONLY(mirror=mirror, changes=changes)))
    return replace(made, plan=replace(made.plan, actions=()))


# -- What `kbsync retry` wants done.


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry(Command):
    """Forgive what failed or was refused, plan those files, and carry the plan out.

    Args:
        paths: paths and folders relative to the source; empty for all.
        mirror: only this one.
        wait: until everything is indexed.
        as_json: tell one JSON object at the end.
    """

    verb: ClassVar[str] = "retry"
    paths: tuple[str, ...] = ()
    mirror: str | None = None
    wait: bool = True
    as_json: bool = False

    async def run(self, desk: CommandContext) -> int:
        """Do it; the exit code is that of the pass."""
        async with desk.opened([self.mirror] if self.mirror else []) as opened:
            again = await all_mirrors.plan_again(opened.engines, opened.ledger, self.paths)
            plans = spared(desk, again)
            with desk.progress(all_mirrors.whole(plans), quiet=self.as_json) as observe:
                done = await all_mirrors.apply_all(
                    plans, wait=self.wait, observe=observe, stopper=desk.stopper
                )
        report.show(desk, done, as_json=self.as_json)
        return done.exit
