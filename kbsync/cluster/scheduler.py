"""The work for the whole fleet: what is due is sent, all is compared again, small shards joined."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

import anyio.to_thread

from kbsync.cluster.drift import Drift
from kbsync.cluster.jobs import Jobs, Upkeep
from kbsync.cluster.members import Members
from kbsync.cluster.partition import Partition, Shard
from kbsync.config import MirrorConfig
from kbsync.messages import Problem

# Hints that are sent at once: the others are sent once these are worked on.
SENT = 500

PutOff = Callable[[str, Problem], None]


class Scheduler:
    """Does the work of the role `schedule`; any number of processes may have it, one acts.

    Args:
        mirrors: as declared.
        partition: the shards.
        drift: what is at the server.
        members: the processes at work.
        jobs: sends hints.
        most: files after which a shard is cut; two that have less than half together are joined.
    """

    def __init__(
        self,
        mirrors: Sequence[MirrorConfig],
        partition: Partition,
        drift: Drift,
        members: Members,
        jobs: Jobs,
        most: int,
    ) -> None:
        self._mirrors = mirrors
        self._partition = partition
        self._drift = drift
        self._members = members
        self._jobs = jobs
        self._most = most

    def register(self, put_off: PutOff) -> None:
        """Have it all done, each as often as it needs to be.

        Args:
            put_off: called with the name of what could not be done this time, and why.
        """
        self._keep_up("send what is due", 2, self.send_due, put_off)
        self._keep_up("deliver again", 5, self._jobs.deliver_again, put_off)
        self._keep_up("compare again", 10, self.compare_again, put_off)
        self._keep_up("tidy", 60, self.tidy, put_off)

    def _keep_up(self, name: str, seconds: int, work: Upkeep, put_off: PutOff) -> None:
        async def tried() -> None:
            try:
                await work()
            except Problem as problem:
                put_off(name, problem)

        self._jobs.keeps_up(name, seconds, tried)

    async def send_due(self) -> None:
        """Send a hint for each shard that is to be worked on and that no process has."""
        await self._jobs.send(await anyio.to_thread.run_sync(self._partition.due, SENT))

    async def compare_again(self) -> None:
        """Mark the shards that were not compared for as long as their mirror's resyncs say."""
        await anyio.to_thread.run_sync(self._compare_again)

    def _compare_again(self) -> None:
        for mirror in self._mirrors:
            self._partition.make_whole(mirror.name)
            self._partition.mark_old(mirror.name, mirror.local_resync)
            self._drift.mark(mirror.name, mirror.remote_resync)

    async def tidy(self) -> None:
        """Join small neighbours, and forget processes that are gone."""
        await anyio.to_thread.run_sync(self._tidy)

    def _tidy(self) -> None:
        self._members.expire()
        for mirror in self._mirrors:
            for one, other in joinable(self._partition.shards(mirror.name), self._most):
                self._partition.join(one.id, other.id)


def joinable(shards: Iterable[Shard], most: int) -> list[tuple[Shard, Shard]]:
    """Return the pairs of neighbours that are one small shard together; none is in two pairs.

    Args:
        shards: of a mirror, in the order of their paths.
        most: files after which a shard is cut.
    """
    found: list[tuple[Shard, Shard]] = []
    for one, other in pairwise(shards):
        taken = found and found[-1][1].id == one.id
        if not taken and _rests(one) and _rests(other) and _files(one) + _files(other) < most // 2:
            found.append((one, other))
    return found


def _rests(shard: Shard) -> bool:
    return shard.dirty_since is None and shard.files is not None


def _files(shard: Shard) -> int:
    return shard.files or 0
