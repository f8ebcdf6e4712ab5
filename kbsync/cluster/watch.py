"""Watches near the files: what changes marks its shard as dirty, and a hint is sent."""

from __future__ import annotations

from collections.abc import Callable

import anyio
import anyio.to_thread

from kbsync.cluster.jobs import Jobs
from kbsync.cluster.partition import Partition
from kbsync.engine.change_source import ChangedPaths, ChangeSource
from kbsync.messages import Problem

# Seconds between two looks at what has changed: changes within are marked together.
GATHER = 0.5
# Shards that one burst of changes is sent for at once; the scheduler sends the others.
SENT = 100


class MirrorWatch:
    """Watches one mirror.

    Args:
        mirror: its name.
        changes: its watch.
        partition: the shards.
        jobs: sends hints.
        warn: called with what keeps changes from being marked.
    """

    def __init__(
        self,
        mirror: str,
        changes: ChangeSource,
        partition: Partition,
        jobs: Jobs,
        warn: Callable[[Problem], None],
    ) -> None:
        self._mirror = mirror
        self._changes = changes
        self._partition = partition
        self._jobs = jobs
        self._warn = warn
        self._left = ChangedPaths()

    async def run(self) -> None:
        """Mark what changes until cancelled, and all at the begin: what came before is unknown."""
        await anyio.to_thread.run_sync(self._changes.start, lambda: None)
        try:
            self._left = ChangedPaths(root=True)
            while True:
                await self._step()
                await anyio.sleep(GATHER)
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(self._changes.stop)

    async def _step(self) -> None:
        found = joined(self._left, self._changes.take())
        if not found:
            return
        try:
            await anyio.to_thread.run_sync(self._mark, found)
            if found.paths:
                due = await anyio.to_thread.run_sync(self._partition.due, SENT, self._mirror)
                await self._jobs.send(shard for shard in due if shard.urgent)
        except Problem as problem:  # marked with the next look
            self._left = found
            self._warn(problem)
        else:
            self._left = ChangedPaths()

    def _mark(self, found: ChangedPaths) -> None:
        if found.root or "" in found.folders:
            self._partition.make_whole(self._mirror)
            self._partition.mark_all(self._mirror)
        else:
            self._partition.mark_folders(self._mirror, found.folders)
        self._partition.mark(self._mirror, found.paths, urgent=True)


def joined(one: ChangedPaths, other: ChangedPaths) -> ChangedPaths:
    """Return the changes of both."""
    return ChangedPaths(
        paths=one.paths | other.paths,
        folders=one.folders | other.folders,
        root=one.root or other.root,
    )
