"""One pass over all mirrors: a mirror that cannot go on halts itself and no other."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Collection, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

import anyio

from kbsync.engine.execute.results import Event, Report
from kbsync.engine.ports import EntryChange, Ledger
from kbsync.engine.reconciler import Planned, Reconciler
from kbsync.engine.workers.pool import Drive
from kbsync.messages import Exit, Problem
from kbsync.messages import command as say
from kbsync.messages import guard as guard_say
from kbsync.model import DocKey, EntryState
from kbsync.planning.plan import Plan, joined

# The first of these that any mirror ends with is the exit code of the whole pass.
GRAVEST = (Exit.FAULT, Exit.USAGE, Exit.REFUSED, Exit.HALTED, Exit.INCOMPLETE, Exit.INDEXING)


@dataclass(frozen=True, slots=True)
class HaltedMirror:
    """A mirror that could not go on, and why."""

    mirror: str
    problem: Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What a pass over all mirrors did."""

    reports: tuple[Report, ...]
    halts: tuple[HaltedMirror, ...]

    @property
    def exit(self) -> Exit:
        """The gravest exit code of all mirrors."""
        return gravest([r.exit for r in self.reports] + [h.problem.exit for h in self.halts])


Planning = tuple[Reconciler, Planned | HaltedMirror]


def gravest(codes: Sequence[Exit]) -> Exit:
    """Return the exit code that says most."""
    return next((code for code in GRAVEST if code in codes), Exit.OK)


async def plan_all(
    engines: Sequence[Reconciler],
    *,
    listing: bool,
    wanted: Callable[[DocKey], bool] | None = None,
) -> list[Planning]:
    """Plan every mirror.

    Args:
        engines: one per mirror.
        listing: list the bases first.
        wanted: tells which keys are planned; None for all.
    """
    plans: list[Planning] = []
    for engine in engines:
        try:
            made = await engine.plan(listing=listing)
        except Problem as problem:
            plans.append((engine, HaltedMirror(engine.mirror.name, problem)))
            continue
        plans.append((engine, made))
    return plans if wanted is None else narrowed(plans, wanted)


def narrowed(plans: Sequence[Planning], wanted: Callable[[DocKey], bool]) -> list[Planning]:
    """Return `plans` cut down to the keys that are wanted, each guarded afresh."""
    return [
        (engine, made if isinstance(made, HaltedMirror) else engine.narrow(made, wanted))
        for engine, made in plans
    ]


async def plan_again(
    engines: Sequence[Reconciler], ledger: Ledger, paths: Collection[str]
) -> list[Planning]:
    """Forgive what failed or was refused, and plan only that.

    Args:
        engines: one per mirror.
        ledger: the memory.
        paths: paths and folders relative to the source; empty for all.

    Raises:
        Problem: nothing that failed or was refused matches.
    """
    chosen = {key for e in engines for key in forgive(ledger, e.mirror.name, paths)}
    if not chosen:
        raise Problem(say.NOTHING_TO_RETRY(path=", ".join(paths) or "any path"))
    plans = await plan_all(engines, listing=True)
    return narrowed(plans, chosen.__contains__)


def whole(plans: Sequence[Planning]) -> Plan:
    """Return the plans of all mirrors as one."""
    return joined([made.plan for _, made in plans if not isinstance(made, HaltedMirror)])


def halts_of(plans: Sequence[Planning]) -> list[HaltedMirror]:
    """Return the mirrors that could not be planned."""
    return [each for _, each in plans if isinstance(each, HaltedMirror)]


def read_sets(ledger: Ledger, releases: Sequence[str]) -> frozenset[str]:
    """Return the changes somebody agrees to by naming sets that were held back.

    Args:
        ledger: which keeps them.
        releases: their digests, or at least the first 8 digits of each.

    Raises:
        Problem: one is no digest, or names nothing that was held back lately.
    """
    read: set[str] = set()
    for release in releases:
        if not re.fullmatch(r"[0-9a-f]{8,64}", release):
            raise Problem(guard_say.BAD_RELEASE(release=release))
        kept = ledger.halts(release)
        if len(kept) != 1:
            raise Problem(guard_say.NO_SUCH_HALT(release=release))
        read.update(*kept.values())
    return frozenset(read)


async def apply_all(
    plans: Sequence[Planning],
    *,
    wait: bool,
    observe: Callable[[Event], None],
    read: AbstractSet[str] = frozenset(),
    stopper: Stopper | None = None,
) -> Applied:
    """Carry out every plan, one mirror after the other.

    Args:
        plans: as `plan_all` returns.
        wait: until everything uploaded is indexed.
        observe: told of every step.
        read: what somebody agreed to of what the guard held back.
        stopper: stops it calmly; without one SIGINT and SIGTERM do.
    """
    reports: list[Report] = []
    halts = halts_of(plans)
    async with anyio.create_task_group() as group:
        if stopper is None:
            stopper = Stopper()
            group.start_soon(stopper.listen)
        for engine, made in plans:
            if isinstance(made, HaltedMirror) or stopper.stopped:
                continue
            try:
                reports.append(
                    await engine.apply(
                        made,
                        wait=wait,
                        observe=observe,
                        started=stopper.watch,
                        read=read,
                    )
                )
            except Problem as problem:
                halts.append(HaltedMirror(engine.mirror.name, problem))
        group.cancel_scope.cancel()
    return Applied(reports=tuple(reports), halts=tuple(halts))


class Stopper:
    """Ends what is carried out calmly; what is in flight is brought to its end."""

    def __init__(self) -> None:
        self._drive: Drive | None = None
        self.stopped = False

    def watch(self, drive: Drive) -> None:
        """Take `drive` as what is to be stopped."""
        self._drive = drive

    def stop(self) -> None:
        """Hand out nothing more."""
        self.stopped = True
        if self._drive is not None:
            self._drive.stop()

    async def listen(self) -> None:
        """Stop at the first SIGINT or SIGTERM, until cancelled; a second SIGINT ends at once.

        What is in flight then remains an intent in the ledger: a forced stop is a supported one.
        """
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as received:
            async for number in received:
                if self.stopped and number == signal.SIGINT:
                    raise KeyboardInterrupt
                self.stop()


# -- Forget refusals and failures, so that the next plan tries the files again.


def forgive(ledger: Ledger, mirror: str, paths: Collection[str]) -> list[DocKey]:
    """Make every key that failed or was refused ready to be tried again; return those keys.

    Args:
        ledger: the memory.
        mirror: the mirror's name.
        paths: only these paths and what lies under them; empty for all.
    """
    chosen = [key for key in _unmet(ledger, mirror) if not paths or _under(key.path, paths)]
    for key in chosen:
        entry = ledger.entry(key)
        if entry is not None and entry.state is EntryState.FAILED:
            fresh = replace(entry, fingerprint=None, stat=None, failures=0, retry_at=None)
            ledger.commit(EntryChange(key=key, entry=fresh, rejection=None))
        else:
            ledger.commit(EntryChange(key=key, rejection=None))
    return chosen


def _unmet(ledger: Ledger, mirror: str) -> Iterator[DocKey]:
    failed = [entry.key for entry in ledger.entries(mirror, states=[EntryState.FAILED.value])]
    refused = [refusal.key for refusal in ledger.refused(mirror)]
    return iter(dict.fromkeys(failed + refused))


def _under(path: str, paths: Collection[str]) -> bool:
    return any(path == each or path.startswith(f"{each.rstrip('/')}/") for each in paths)
