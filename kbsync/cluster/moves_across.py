"""A rename from one shard to another: the document stays, and its entry passes over.

Both shards have to be this process's for it: the other one's lease is taken for the moment. Where
another process has it, the new file waits, and is looked at again (`kbsync.cluster.across`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

import anyio.to_thread

from kbsync.cluster import across
from kbsync.cluster.across import End, Sighting
from kbsync.cluster.lease_tenure import LeaseTenure
from kbsync.cluster.leases import Lease, Leases
from kbsync.cluster.partition import Partition
from kbsync.cluster.sightings import Sightings
from kbsync.engine.context import Context
from kbsync.engine.execute.renames import apply_renames
from kbsync.engine.workers.pool import Observer
from kbsync.lazy_dataclass import dataclass
from kbsync.model import Action, Cause, Create, DocKey, Move, Present
from kbsync.planning.path_range import PathRange
from kbsync.planning.rename_detection import ROW


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What became of the new files of a shard.

    Args:
        made: the keys that have their document now.
        later: those that will: another process works on the shard that has it.
    """

    made: AbstractSet[DocKey] = frozenset()
    later: AbstractSet[DocKey] = frozenset()


class MovesAcross:
    """Finds the documents that other shards' files left, for the new files of one shard.

    Args:
        sightings: what was seen of renames.
        partition: the shards.
        leases: of this process.
        tenure: of the ledger that the shard's engine writes.
        observe: called with the event of every move.
    """

    def __init__(
        self,
        sightings: Sightings,
        partition: Partition,
        leases: Leases,
        tenure: LeaseTenure,
        observe: Observer,
    ) -> None:
        self._sightings = sightings
        self._partition = partition
        self._leases = leases
        self._tenure = tenure
        self._observe = observe

    async def make(self, context: Context, lease: Lease, actions: Sequence[Action]) -> Moved:
        """Move what fits a new file of the shard.

        Args:
            context: the three sides of the mirror.
            lease: of the shard.
            actions: what would be done in it.
        """
        new = [each for each in actions if across.end_of(each) is End.NEW]
        creates = {each.key.path: each for each in new if isinstance(each, Create)}
        sizes = {each.stat.size for each in creates.values()}
        within = PathRange(lease.first, lease.end)
        run = anyio.to_thread.run_sync
        gone = await run(self._sightings.gone, lease.mirror, sizes, within)
        if not gone:
            return Moved()
        contents = await _contents(context, creates, gone)
        arrivals = [
            Sighting(path=path, end=End.NEW, since=0.0, size=each.stat.size)
            for path, each in creates.items()
        ]
        moved, later = set[DocKey](), set[DocKey]()
        for origin, arrival in across.pairs(arrivals, gone, contents):
            create = creates[arrival.path]
            done = await self._move(context, lease, origin, create)
            if done is not False:
                (moved if done else later).add(create.key)
        return Moved(made=moved, later=later)

    async def _move(
        self, context: Context, lease: Lease, origin: Sighting, create: Create
    ) -> bool | None:
        """Return whether it was moved; None where another process works on the other shard."""
        run = anyio.to_thread.run_sync
        shard = await run(self._partition.at, lease.mirror, origin.path)
        other = await run(lambda: self._leases.take(shard.id, due=False)) if shard else None
        if other is None:
            return None
        try:
            with self._tenure.holding_too(other):
                done = await apply_renames(context, [_move_of(origin, create)], self._observe)
            if done.arrived:
                ends = [origin.path, create.key.path]
                await run(self._sightings.drop, lease.mirror, ends)
            return bool(done.arrived)
        finally:
            await run(self._leases.release, other)


async def _contents(
    context: Context, creates: Mapping[str, Create], gone: Sequence[Sighting]
) -> Mapping[str, str]:
    """Return the sha256 (hex) of what would be sent for the new files of the sizes of `gone`."""
    sizes, found = {each.size for each in gone}, {}
    for path, create in creates.items():
        if create.stat.size in sizes:
            state = await anyio.to_thread.run_sync(context.mirror.source.read, path)
            if isinstance(state, Present) and state.content is not None:
                found[path] = state.content
    return found


def _move_of(origin: Sighting, create: Create) -> Move:
    return Move(
        key=create.key,
        row=ROW,
        cause=Cause.MOVED,
        origin=DocKey(mirror=create.key.mirror, path=origin.path),
        document_id=origin.document_id,
        stat=create.stat,
    )
