"""`kbsync plan`: show what would be done, and save it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from kbsync.app import all_mirrors, build
from kbsync.app.all_mirrors import MirrorPlan
from kbsync.commands.base import CommandContext, Output, warn
from kbsync.commands.typed_paths import limited
from kbsync.commands.writing_verbs import PlanCommand
from kbsync.config import Settings
from kbsync.messages import Exit, Notice, printable
from kbsync.messages.source import LOSES_ROWS, LOSES_TEXT
from kbsync.planning import markdown, render
from kbsync.planning.plan_text import as_text


def prepared(settings: Settings, typed: dict[str, Any]) -> PlanCommand:
    """Return the command; the daemon gets the file's name only to name it in messages."""
    file: Path | None = typed["file"]
    command = PlanCommand(**{**typed, "file": printable(str(file)) if file else ""})
    mirrors, how = limited(settings, command.mirrors, command.how)
    return replace(command, mirrors=mirrors, how=how)


async def plan(command: PlanCommand, context: CommandContext) -> int:
    """Plan and show; the exit code says whether there are changes, or what `apply` ends with."""
    how = command.how
    # A pattern that is wrong ends the verb before the ledger is opened.
    wanted = all_mirrors.selection(how.target)
    warn(context, build.warnings(context.settings))
    async with context.opened(command.mirrors, prune=how.prune) as opened:
        plans = await all_mirrors.plan_all(
            opened.engines, listing=how.refresh, checksum=how.checksum, wanted=wanted
        )
    # Before anything is shown: a plan with a mirror that could not be planned is not saved.
    if command.file:
        context.send_file(await _file_text(command, plans, context.settings))
    lost = [*all_mirrors.losses(plans), *await all_mirrors.text_losses(plans)]
    _show(context, plans, command, lost)
    plan = all_mirrors.whole(plans)
    codes = [halt.problem.exit for halt in all_mirrors.halts_of(plans)]
    codes += [Exit.HALTED] if plan.halts else []
    if codes:
        return all_mirrors.gravest(codes)
    if plan.changes:
        return Exit.CHANGES
    return Exit.INCOMPLETE if plan.unmet else Exit.OK


def save(typed: dict[str, Any], text: str) -> str:
    """Write the plan into the file that was named; return the line to print."""
    from kbsync.app import plan_file  # noqa: PLC0415 - most plans are not saved

    plan_file.write(typed["file"], text)
    return (
        ""
        if typed["as_json"] or typed["as_markdown"]
        else f"saved: {printable(str(typed['file']))}"
    )


async def _file_text(command: PlanCommand, plans: Sequence[MirrorPlan], settings: Settings) -> str:
    from kbsync.app import plan_file  # noqa: PLC0415

    how = command.how
    return await plan_file.text_of(
        plans,
        Path(command.file),
        settings,
        refresh=how.refresh,
        prune_excluded=how.prune_excluded,
        prune_stale=how.prune_stale,
        target=how.target,
        checksum=how.checksum,
    )


def _show(
    output: Output, plans: Sequence[MirrorPlan], command: PlanCommand, lost: Sequence[Notice]
) -> None:
    plan = all_mirrors.whole(plans)
    halts = all_mirrors.halts_of(plans)
    if command.as_json:
        problems = [
            {"mirror": h.mirror, "code": h.problem.notice.code, "reason": h.problem.notice.text}
            for h in halts
        ]
        losses = [{"code": n.code, "reason": n.text} for n in lost]
        output.say(json.dumps({**render.as_json(plan), "problems": problems, "losses": losses}))
    elif command.as_markdown:
        failed = [(halt.mirror, halt.problem.notice) for halt in halts]
        for line in markdown.as_markdown(plan, failed=failed, notes=lost):
            output.say(line)
    else:
        # Nothing is said of mirrors that were not compared but why.
        if len(halts) < len(plans):
            for line in as_text(plan, uncompared=len(halts), full=command.full):
                output.say(line)
        for notice in lost:
            output.say(f"note: {notice}")
            if notice.message in (LOSES_TEXT, LOSES_ROWS):
                output.say(f"  next: {notice.next}")
    for halt in halts:
        output.warn(f"kbsync: mirror {halt.mirror}: {halt.problem}")
