"""What `kbsync plan` wants done."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from kbsync.app import all_mirrors, build, plan_file
from kbsync.app.all_mirrors import Planning
from kbsync.app.plan_file import PlanOptions
from kbsync.commands.base import Command, CommandContext, Output, warn
from kbsync.messages import Exit
from kbsync.planning import render


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanCommand(Command):
    """Plan mirrors and show the plans as one.

    Args:
        mirrors: their names; empty for all.
        how: how to plan them.
        file: the file the plan is to be kept in; empty for none.
        as_json: tell one JSON object.
    """

    verb: ClassVar[str] = "plan"
    mirrors: tuple[str, ...] = ()
    how: PlanOptions = field(default_factory=PlanOptions)
    file: str = ""
    as_json: bool = False

    async def run(self, desk: CommandContext) -> int:
        """Do it; the exit code says whether there are changes."""
        wanted = self.how.wanted()
        warn(desk, build.warnings(desk.settings))
        async with desk.opened(self.mirrors, prune_excluded=self.how.prune_excluded) as opened:
            refresh = self.how.refresh
            plans = await all_mirrors.plan_all(opened.engines, listing=refresh, wanted=wanted)
        if self.file:
            desk.keep(plan_file.text_of(plans, Path(self.file), desk.settings, self.how))
        _show(desk, plans, self.as_json)
        halts = all_mirrors.halts_of(plans)
        if halts:
            return all_mirrors.gravest([halt.problem.exit for halt in halts])
        return Exit.CHANGES if all_mirrors.whole(plans).changes else Exit.OK


def _show(teller: Output, plans: Sequence[Planning], as_json: bool) -> None:
    plan = all_mirrors.whole(plans)
    halts = all_mirrors.halts_of(plans)
    if as_json:
        problems = [
            {"mirror": h.mirror, "code": h.problem.notice.code, "reason": h.problem.notice.text}
            for h in halts
        ]
        teller.say(json.dumps({**render.as_json(plan), "problems": problems}))
    else:
        for line in render.as_text(plan):
            teller.say(line)
    for halt in halts:
        teller.warn(f"kbsync: mirror {halt.mirror}: {halt.problem}")
