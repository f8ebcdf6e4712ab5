"""A job: one shard is reconciled once, by the very engine of `kbsync apply`, under its lease."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import NamedTuple

import anyio
import anyio.to_thread

from kbsync.cluster import across, held_back
from kbsync.cluster.across import End, OtherShards, Sighting
from kbsync.cluster.allowances import Allowances
from kbsync.cluster.drift import observation
from kbsync.cluster.leases import Lease, Leases
from kbsync.cluster.moves_across import Moved, MovesAcross
from kbsync.cluster.partition import Partition
from kbsync.cluster.sightings import Sightings
from kbsync.engine.execute.results import Report
from kbsync.engine.reconciler import Planned, Reconciler
from kbsync.engine.workers.pool import Observer, WorkerPool
from kbsync.lazy_dataclass import dataclass
from kbsync.model import Action, Create, Delete, DocKey, Halted, Trash
from kbsync.planning.guarded_plan import guarded_plan
from kbsync.planning.path_range import PathRange

# Files and recorded paths after which a shard is cut: its rest is another one's work.
MOST = 2000
# Seconds until a shard is looked at again whose mirror has no base, or no owner, yet.
UNTIL_BOUND = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterRows:
    """What the processes of a cluster share, beside the ledger."""

    leases: Leases
    partition: Partition
    sightings: Sightings
    allowances: Allowances


@dataclass(frozen=True, slots=True, kw_only=True)
class JobDone:
    """What became of a job.

    Args:
        lease: as it is now: its end may be another one.
        report: what was done; None where the shard had to wait as a whole.
        again_in: seconds until the shard is to be looked at again; None: when it changes.
        rest: the id of the shard that the rest of it became.
    """

    lease: Lease
    report: Report | None = None
    again_in: float | None = None
    rest: int | None = None


class Noted(NamedTuple):
    """What was seen of a shard's paths, and what is known of the mirror's other shards."""

    sightings: Mapping[str, Sighting]
    others: OtherShards


class ShardJob:
    """Reconciles one shard.

    Args:
        rows: what the processes share.
        engine: its mirror's engine over the ledger that the lease fences, for this shard alone.
        moves: makes renames from other shards.
        lease: of the shard.
        observe: called with the event of every step.
        started: called with the worker pool, so that the job can be stopped.
        now: seconds of the fleet's clock.
    """

    def __init__(
        self,
        rows: ClusterRows,
        engine: Reconciler,
        moves: MovesAcross,
        lease: Lease,
        *,
        observe: Observer,
        started: Callable[[WorkerPool], None],
        now: Callable[[], float],
    ) -> None:
        self._rows = rows
        self._engine = engine
        self._moves = moves
        self._lease = lease
        self._observe = observe
        self._started = started
        self._now = now
        self._rest: int | None = None

    async def run(self) -> JobDone:
        """Compare the shard, and carry out what may be done now.

        Raises:
            Problem: the mirror cannot go on, or the lease is another process's.
        """
        if not self._may_begin():
            return JobDone(lease=self._lease, again_in=UNTIL_BOUND)
        began = self._now()
        planned = await self._plan(began)
        await self._cut(planned)
        noted = await self._note(planned.plan.actions)
        # Only now: a shard that counts as looked at has noted by then which files it misses.
        moved = await self._moves.make(planned.context, self._lease, planned.plan.actions)
        waits = self._waiting(planned, noted, moved)
        planned = await self._allowed(planned, moved.made, waits.keys())
        report = await self._engine.apply(
            planned, observe=self._observe, started=self._started, read=self._read
        )
        if report.interrupted:  # what is left is for who has the lease next
            return JobDone(lease=self._lease, report=report, again_in=0.0, rest=self._rest)
        held = report.halted.keys if report.halted else frozenset[DocKey]()
        await self._close(planned, self._now() - began, held, released=not waits)
        # The mark of a document that moved is written by the next job.
        again = 0.0 if moved.made else min(waits.values(), default=None)
        return JobDone(lease=self._lease, report=report, again_in=again, rest=self._rest)

    async def _plan(self, now: float) -> Planned:
        resync = self._engine.mirror.config.remote_resync
        seen = observation(self._engine.ledger, self._lease, resync=resync, now=now)
        # What a listing does not have is asked for. Without one each name would be, one after the
        # other, while no file is sent.
        asks = seen.listed is not None
        return await self._engine.plan(listing=seen.lists, listed=seen.listed, asks=asks)

    def _may_begin(self) -> bool:
        """Whether this shard leads, or what is done once for a mirror is done."""
        ledger, name = self._engine.ledger, self._lease.mirror
        return not self._lease.first or (
            ledger.binding(name) is not None and ledger.ownership(name) is not None
        )

    async def _cut(self, planned: Planned) -> None:
        """Leave what the walk did not come to, as it had met enough, to another shard."""
        at = planned.tally.cut
        if at is None:
            return
        parts = await anyio.to_thread.run_sync(self._rows.partition.split, self._lease, at)
        if parts is not None:
            self._lease, rest = parts
            self._rest = rest.id

    @property
    def _read(self) -> AbstractSet[str]:
        """What of the changes that were held back a person has agreed to."""
        return held_back.released_in(self._lease)

    @property
    def _within(self) -> PathRange:
        return PathRange(self._lease.first, self._lease.end)

    async def _note(self, actions: Sequence[Action]) -> Noted:
        """Note for the other shards what was seen here, then look at what is known of them."""
        seen = [found for found in map(self._sighting, actions) if found is not None]
        run = anyio.to_thread.run_sync
        kept = await run(self._rows.sightings.renew, self._lease.mirror, self._within, seen)
        await run(self._rows.leases.looked_at, self._lease)
        return Noted(kept, await run(self._others))

    def _waiting(self, planned: Planned, noted: Noted, moved: Moved) -> Mapping[DocKey, float]:
        """Return which keys have to wait for other shards, each for how many seconds at least."""
        actions = [each for each in planned.plan.actions if each.key not in moved.made]
        grace = self._engine.mirror.config.delete_grace
        waits = across.waiting(actions, *noted, grace=grace, now=self._now())
        return {**waits, **dict.fromkeys(moved.later, across.LOOK_AGAIN)}

    def _others(self) -> OtherShards:
        name = self._lease.mirror
        others = self._rows.partition.others(name, except_shard=self._lease.shard)
        return replace(others, new_sizes=self._rows.sightings.new_sizes(name, self._within))

    def _sighting(self, action: Action) -> Sighting | None:
        match across.end_of(action), action:
            case End.REMOVED, Delete() | Trash():
                entry = self._engine.ledger.entry(action.key)
                sent = entry.fingerprint if entry else None
                return Sighting(
                    path=action.key.path,
                    end=End.REMOVED,
                    since=0.0,
                    size=entry.stat.size if entry and entry.stat else 0,
                    document_id=action.document_id,
                    content=sent.content if sent else "",
                )
            case End.NEW, Create():
                size = action.stat.size
                return Sighting(path=action.key.path, end=End.NEW, since=0.0, size=size)
        return None

    async def _allowed(
        self, planned: Planned, moved: AbstractSet[DocKey], waits: AbstractSet[DocKey]
    ) -> Planned:
        """Return what of `planned` may be done now, as the guard sees the whole fleet."""
        name, shard = self._lease.mirror, self._lease.shard

        def judged() -> Planned:
            with self._rows.allowances.judging(name, shard) as judge:
                cut = self._engine.narrow(
                    planned,
                    lambda key: key not in moved and key not in waits,
                    base=True,
                    under_way=judge.others(),
                )
                allowed = guarded_plan(cut.plan.actions, cut.facts, cut.guard, self._read)
                judge.allow(allowed.risks)
                # What waits was not judged yet, and may be what was held back before.
                if isinstance(allowed.guard, Halted) or not waits:
                    judge.hold(self._lease, allowed.guard, self._now())
                return cut

        return await anyio.to_thread.run_sync(judged)

    async def _close(
        self, planned: Planned, seconds: float, held: AbstractSet[DocKey], *, released: bool
    ) -> None:
        """Note that the shard was compared; what it was allowed is done, or is judged anew.

        Args:
            planned: what was done.
            seconds: how long the job took.
            held: what the guard holds back; what was seen of it stays, so that it waits no more.
            released: whether what a person agreed to is done, as nothing waits.
        """
        actions = [each for each in planned.plan.actions if each.key not in held]
        acted = [each.key.path for each in actions if across.end_of(each)]
        await anyio.to_thread.run_sync(self._rows.sightings.drop, self._lease.mirror, acted)
        await anyio.to_thread.run_sync(self._rows.allowances.drop, self._lease.shard)
        noted = await anyio.to_thread.run_sync(
            lambda: self._rows.leases.compared(
                self._lease, files=planned.tally.met, seconds=seconds, released=released
            )
        )
        self._lease = noted or self._lease
