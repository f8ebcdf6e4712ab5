"""`kbsync apply`: plan mirrors, carry the plans out, and report; or carry out a saved plan."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kbsync.app import all_mirrors, build
from kbsync.app.all_mirrors import Applied, HaltedMirror, MirrorPlan
from kbsync.commands import report
from kbsync.commands.base import CommandContext, Confirmation, warn
from kbsync.commands.typed_paths import is_path, is_within, limited
from kbsync.commands.writing_verbs import Apply, PlanOptions, Retry
from kbsync.config import Settings
from kbsync.engine.execute.results import Event
from kbsync.engine.reconciler import Planned
from kbsync.messages import Exit, Problem, printable
from kbsync.messages import command as command_say
from kbsync.messages import daemon as say
from kbsync.messages import guard as guard_say
from kbsync.model import Cause, Delete
from kbsync.planning.plan import CHANGES, SET_BASE, digest_of

if TYPE_CHECKING:
    from kbsync.commands.mirror_verbs import EmptyTrash

# A question has to fit on a screen.
NAMED = 5
# Near the beginning of every saved plan.
SAVED = b'"kbsync_plan"'


def prepared(settings: Settings, typed: dict[str, Any]) -> Apply:
    """Read the saved plan, if the words name one rather than mirrors or paths.

    Raises:
        Problem: the plan cannot be used, or comes with something else.
    """
    command = Apply(**typed)
    files = [word for word in command.mirrors if _is_saved_plan(settings, word)]
    if not files:
        mirrors, how = limited(settings, command.mirrors, command.how)
        return replace(command, mirrors=mirrors, how=how)
    from kbsync.app import plan_file  # noqa: PLC0415 - most plans are not saved

    file = Path(files[0])
    others = [word for word in command.mirrors if word != files[0]]
    if others or command.how != PlanOptions():
        raise Problem(guard_say.PLAN_WITH_MORE(file=file, other=", ".join(others) or "an option"))
    saved = plan_file.read(file)
    plan_file.refuse_other_settings(saved, file, settings)
    how = PlanOptions(
        refresh=saved.refresh,
        prune_excluded=saved.prune_excluded,
        prune_stale=saved.prune_stale,
        target=saved.target,
        checksum=saved.checksum,
    )
    names = tuple(mirror.name for mirror in saved.mirrors)
    return replace(command, mirrors=names, how=how, saved=saved, file=str(file))


def _is_saved_plan(settings: Settings, word: str) -> bool:
    """Whether `word` is a saved plan rather than a mirror's name, or a path in a source."""
    # A file may be named like a mirror.
    if settings.mirror(word) is not None or Path(word).is_dir():
        return False
    if not is_path(settings, word):
        return word.endswith(".json")
    if not is_within(settings, word):
        return not os.path.lexists(Path(word)) or Path(word).is_file()
    try:
        with open(word, "rb") as file:
            return SAVED in file.read(64)
    except OSError:
        return False


async def apply(command: Apply, context: CommandContext) -> int:
    """Carry it out; the exit code is that of the pass."""
    how, settings = command.how, context.settings
    warn(context, build.warnings(settings))
    if command.saved is not None:
        from kbsync.app import plan_file  # noqa: PLC0415

        # The daemon may have read its configuration at another time than the verb.
        plan_file.refuse_other_settings(command.saved, Path(command.file), settings)
    # A pattern that is wrong ends the verb before the ledger is opened.
    wanted = all_mirrors.selection(how.target)
    async with context.opened(command.mirrors, prune=how.prune) as opened:
        # A digest that is wrong ends the verb before the mirrors are planned.
        agreed = all_mirrors.released(opened.ledger, command.releases)
        plans = await all_mirrors.plan_all(
            opened.engines, listing=how.refresh, checksum=how.checksum, wanted=wanted
        )
        if command.saved is not None:
            plans = await plan_file.still_holds(command.saved, Path(command.file), plans)
        answer = _confirmed(command, context, plans)
        if not answer:
            if answer is False:
                context.warn(command.declined)
            return Exit.FAULT
        done = await apply_plans(command, context, plans, agreed)
    report.show(context, done, as_json=command.as_json, full=command.full)
    return done.exit


def _confirmed(command: Apply, context: CommandContext, plans: Sequence[MirrorPlan]) -> bool | None:
    """Whether a person agrees that stale documents are deleted; a saved plan was read before."""
    stale = [
        action
        for action in all_mirrors.whole(plans).actions
        if isinstance(action, Delete) and action.cause is Cause.STALE
    ]
    if not stale or command.sure or command.saved is not None:
        return True
    digest = digest_of(stale)
    if command.agreed:
        if command.agreed != digest:
            raise Problem(command_say.STALE_CHANGED())
        return True
    question = f"Delete the {len(stale)} stale documents: {some(stale)}?"
    return context.confirm(Confirmation(question, digest))


def some(deleted: Sequence[Delete]) -> str:
    """Return the paths of deletions for a question, the first few by name."""
    named = ", ".join(printable(action.key.path) for action in deleted[:NAMED])
    return named if len(deleted) <= NAMED else f"{named} and {len(deleted) - NAMED} more"


async def apply_plans(
    command: Apply | Retry | EmptyTrash,
    context: CommandContext,
    plans: Sequence[MirrorPlan],
    agreed: frozenset[str] = frozenset(),
) -> Applied:
    """Carry out plans; the report comes once the ledger is closed, which may fail too.

    Args:
        command: how to wait and to show progress.
        context: where.
        plans: of every mirror concerned.
        agreed: the changes a person agreed to of what the guard held back.
    """
    plans = without_read_only(context, plans)
    patience = context.patience
    patience.drain()
    with context.progress(all_mirrors.whole(plans), quiet=command.as_json) as observe:

        def seen(event: Event) -> None:
            if event.outcome != "waiting" and event.action != "wait":
                patience.moved()
            observe(event)

        return await all_mirrors.apply_all(
            plans,
            wait=command.wait,
            observe=seen,
            read=agreed,
            stopper=context.stopper,
            ends_at=patience.ends_at,
            started=patience.watch_pool,
        )


def without_read_only(context: CommandContext, plans: Sequence[MirrorPlan]) -> list[MirrorPlan]:
    """Return `plans` with mirrors that are only read halted, where anything would be written."""
    return [(engine, _read_only(context.settings, made)) for engine, made in plans]


def _read_only(settings: Settings, made: Planned | HaltedMirror) -> Planned | HaltedMirror:
    if isinstance(made, HaltedMirror):
        return made
    mirror = made.context.mirror.name
    declared = settings.mirror(mirror)
    if declared is None or not declared.read_only:
        return made
    counts = made.plan.counts.items()
    changes = sum(number for name, number in counts if name in CHANGES or name == SET_BASE)
    # Halted rather than cut down: a pass that did part of a plan would look converged.
    if changes:
        return HaltedMirror(mirror, Problem(say.READ_ONLY(mirror=mirror, changes=changes)))
    # What is left would change nothing at the server, but writes to the ledger too.
    return replace(made, plan=replace(made.plan, actions=(), base=()))
