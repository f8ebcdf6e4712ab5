"""`kbsync trash empty`: delete what is in the trash now."""

from __future__ import annotations

from collections.abc import Sequence

from kbsync.app import all_mirrors, build
from kbsync.app.all_mirrors import HaltedMirror, MirrorPlan
from kbsync.app.trash import resting
from kbsync.commands import report
from kbsync.commands.apply import apply_plans, some
from kbsync.commands.base import CommandContext, Confirmation
from kbsync.commands.mirror_verbs import EmptyTrash
from kbsync.messages import Exit, Problem
from kbsync.messages import trash as say
from kbsync.model import Cause, Delete, Halted
from kbsync.model.prune import Prune
from kbsync.planning.guard import released
from kbsync.planning.plan import digest_of


async def empty(command: EmptyTrash, context: CommandContext) -> int:
    """Ask and delete; the exit code is that of the pass."""
    only = [command.mirror] if command.mirror else []
    names = [each.name for each in build.chosen(context.settings, only)]
    async with context.opened(only, prune=Prune(trash=True)) as opened:
        agreed = all_mirrors.released(opened.ledger, command.releases)
        chosen = {each.key for each in resting(opened.ledger, names, command.paths)}
        if not chosen:
            raise Problem(say.NOT_THERE(path=", ".join(command.paths) or "any path"))
        plans = await all_mirrors.plan_all(opened.engines, listing=True, wanted=chosen.__contains__)
        halted = _halted(plans, agreed)
        if halted:
            for line in halted:
                context.warn(line)
            return Exit.HALTED
        answer = _confirmed(command, context, plans)
        if not answer:
            if answer is False:
                context.warn(command.declined)
            return Exit.FAULT
        done = await apply_plans(command, context, plans, agreed)
    report.show(context, done, as_json=command.as_json)
    return done.exit


def _halted(plans: Sequence[MirrorPlan], agreed: frozenset[str]) -> list[str]:
    """Return what the guard says of it: the release it names is of this verb, not of `apply`."""
    lines = []
    for _, made in plans:
        if isinstance(made, HaltedMirror):
            continue
        left = released(made.guard, agreed)
        if isinstance(left, Halted):
            reasons = "; ".join(why.text for why in left.why)
            why = say.HALTED(mirror=left.mirror, reason=reasons, digest=left.digest[:12])
            lines += [f"kbsync: {why}", f"  next: {why.next}"]
    return lines


def _confirmed(
    command: EmptyTrash, context: CommandContext, plans: Sequence[MirrorPlan]
) -> bool | None:
    going = [
        action
        for action in all_mirrors.whole(plans).actions
        if isinstance(action, Delete) and action.cause is Cause.EMPTIED
    ]
    if not going or command.sure:
        return True
    digest = digest_of(going)
    if command.agreed:
        if command.agreed != digest:
            raise Problem(say.CHANGED())
        return True
    question = f"Delete the {len(going)} documents in the trash for good: {some(going)}?"
    return context.confirm(Confirmation(question, digest))
