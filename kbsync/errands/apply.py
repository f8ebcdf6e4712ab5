"""What `kbsync apply` wants done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

from kbsync import app, passes, savedplan
from kbsync.config import Settings
from kbsync.engine.engine import Planned
from kbsync.errands import closing
from kbsync.errands.desk import Desk, Errand, warn
from kbsync.messages import Problem
from kbsync.messages import daemon as say
from kbsync.passes import Halt, Planning
from kbsync.planning.plan import CHANGES
from kbsync.planning.saved import SavedPlan
from kbsync.savedplan import Asked, How


@dataclass(frozen=True, slots=True, kw_only=True)
class Apply(Errand):
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
    how: How = field(default_factory=How)
    saved: SavedPlan | None = None
    file: str = ""
    releases: tuple[str, ...] = ()
    wait: bool = True
    as_json: bool = False

    async def run(self, desk: Desk) -> int:
        """Do it; the exit code is that of the pass."""
        warn(desk, app.warnings(desk.settings))
        if self.saved is not None:
            savedplan.refuse_other_settings(self.saved, Path(self.file), desk.settings)
        asked = Asked(mirrors=self.mirrors, how=self.how, saved=self.saved, file=Path(self.file))
        wanted = self.how.wanted()
        async with desk.opened(self.mirrors, prune_excluded=self.how.prune_excluded) as opened:
            read = passes.read_sets(opened.ledger, self.releases)
            fresh = await passes.plan_all(opened.engines, listing=self.how.refresh, wanted=wanted)
            plans = spared(desk, asked.agreed(fresh))
            with desk.progress(passes.whole(plans), quiet=self.as_json) as observe:
                done = await passes.apply_all(
                    plans, wait=self.wait, observe=observe, read=read, stopper=desk.stopper
                )
        closing.show(desk, done, as_json=self.as_json)
        return done.exit


def apply_of(asked: Asked, *, releases: tuple[str, ...], wait: bool, as_json: bool) -> Apply:
    """Return the errand for what was typed."""
    shown = str(asked.file) if asked.saved else ""
    words = Apply(mirrors=asked.mirrors, how=asked.how, saved=asked.saved, file=shown)
    return replace(words, releases=releases, wait=wait, as_json=as_json)


def spared(desk: Desk, plans: Sequence[Planning]) -> list[Planning]:
    """Return `plans` with mirrors that are only read halted, where anything would be written."""
    return [(engine, _spared(desk.settings, made)) for engine, made in plans]


def _spared(settings: Settings, made: Planned | Halt) -> Planned | Halt:
    if isinstance(made, Halt):
        return made
    mirror = made.world.mirror.name
    declared = settings.mirror(mirror)
    if declared is None or not declared.read_only:
        return made
    changes = sum(number for name, number in made.plan.counts.items() if name in CHANGES)
    if changes:
        return Halt(mirror, Problem(say.READ_ONLY(mirror=mirror, changes=changes)))
    return replace(made, plan=replace(made.plan, actions=()))
