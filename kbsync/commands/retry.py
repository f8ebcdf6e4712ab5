"""`kbsync retry`: forget failures, refusals and what was sent, and send those files again."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from kbsync.app import all_mirrors
from kbsync.app.all_mirrors import MirrorPlan
from kbsync.commands import report
from kbsync.commands.apply import apply_plans
from kbsync.commands.base import CommandContext
from kbsync.commands.writing_verbs import Retry
from kbsync.engine.ports import EntryChange, Ledger
from kbsync.engine.reconciler import Reconciler
from kbsync.messages import Problem
from kbsync.messages import command as say
from kbsync.model import DocKey, EntryState


async def retry(command: Retry, context: CommandContext) -> int:
    """Carry it out; the exit code is that of the pass."""
    async with context.opened([command.mirror] if command.mirror else []) as opened:
        plans = await plan_again(opened.engines, opened.ledger, command.paths)
        done = await apply_plans(command, context, plans)
    report.show(context, done, as_json=command.as_json)
    return done.exit


async def plan_again(
    engines: Sequence[Reconciler], ledger: Ledger, paths: Collection[str]
) -> list[MirrorPlan]:
    """Forget failures and refusals, and plan only those files.

    Args:
        engines: one per mirror.
        ledger: the memory.
        paths: paths and folders relative to the source; empty for all.

    Raises:
        Problem: nothing matches.
    """
    # The ledger changes first: a retry that is cut off is made by the next apply.
    chosen = {key for e in engines for key in forgive(ledger, e.mirror.name, paths)}
    if not chosen:
        raise Problem(say.NOTHING_TO_RETRY(path=", ".join(paths) or "any path"))
    # With a listing: the person may have put things right at the server.
    plans = await all_mirrors.plan_all(engines, listing=True)
    return all_mirrors.narrowed(plans, chosen.__contains__)


def forgive(ledger: Ledger, mirror: str, paths: Collection[str]) -> list[DocKey]:
    """Make every key that failed or was refused ready to be tried again; return those keys.

    A synced document is one of them where its very path is named: what is stored for it may not be
    what was sent (`kbsync verify`), which nothing else shows.

    Args:
        ledger: the memory.
        mirror: the mirror's name.
        paths: only these paths and what lies under them; empty for all.
    """
    unmet = [key for key in _unmet(ledger, mirror) if not paths or _under(key.path, paths)]
    chosen = list(dict.fromkeys([*unmet, *_synced(ledger, mirror, paths)]))
    for key in chosen:
        entry = ledger.entry(key)
        if entry is not None and entry.state in (EntryState.FAILED, EntryState.SYNCED):
            # Without fingerprint and stat the next plan takes the file for changed.
            fresh = replace(entry, fingerprint=None, stat=None, failures=0, retry_at=None)
            ledger.commit(EntryChange(key=key, entry=fresh, rejection=None))
        else:
            ledger.commit(EntryChange(key=key, rejection=None))
    return chosen


def _unmet(ledger: Ledger, mirror: str) -> Iterator[DocKey]:
    failed = [entry.key for entry in ledger.entries(mirror, states=[EntryState.FAILED.value])]
    refused = [refusal.key for refusal in ledger.refused(mirror)]
    return iter(dict.fromkeys(failed + refused))


def _synced(ledger: Ledger, mirror: str, paths: Collection[str]) -> Iterator[DocKey]:
    for path in paths:
        key = DocKey(mirror=mirror, path=path)
        entry = ledger.entry(key)
        if entry is not None and entry.state is EntryState.SYNCED:
            yield key


def _under(path: str, paths: Collection[str]) -> bool:
    return any(path == each or path.startswith(f"{each.rstrip('/')}/") for each in paths)
