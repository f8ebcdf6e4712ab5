"""A worker: it takes the leases of shards that hints name, and reconciles them, a few at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress

import anyio
import anyio.to_thread

from kbsync.app import build, connect
from kbsync.cluster.allowances import Allowances
from kbsync.cluster.budget import Budget
from kbsync.cluster.cluster_database import ClusterDatabase
from kbsync.cluster.database_time import DatabaseTime
from kbsync.cluster.heartbeat import Heartbeat
from kbsync.cluster.leases import SECONDS, Lease, Leases
from kbsync.cluster.members import Members
from kbsync.cluster.partition import Partition
from kbsync.cluster.shard_job import MOST, ClusterRows, JobDone, ShardJob
from kbsync.cluster.shared_limiter import SharedLimiter
from kbsync.cluster.sightings import Sightings
from kbsync.cluster.signs import Sign
from kbsync.cluster.slot import Slot
from kbsync.config import Settings
from kbsync.config.server import ServerConfig
from kbsync.dify.client import DifyClient
from kbsync.engine.control.controller import UNREACHED
from kbsync.engine.indexing_room import IndexingRooms
from kbsync.engine.workers.pool import Observer
from kbsync.lazy_dataclass import dataclass
from kbsync.messages import Problem
from kbsync.service.daemon import first_fault
from kbsync.service.shared_servers import ServerLoad

# Shards that one process works on at once: while one waits for its last documents to be indexed,
# the next one uploads.
SLOTS = 2
# A lease is renewed so often that two renewals may fail.
BEATS_A_LEASE = 3
# Seconds until a shard is looked at again on which work did not end well, and until all shards of
# a server are that could not be reached: one of them tries it meanwhile.
AFTER_A_PROBLEM, UNREACHED_FOR = 10.0, 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerOptions:
    """How a worker works.

    Args:
        slots: shards at once.
        most: files and recorded paths after which a shard is cut.
        lease_seconds: how long a lease lasts that is not renewed.
    """

    slots: int = SLOTS
    most: int = MOST
    lease_seconds: float = SECONDS


class Worker:
    """Works on shards; several coroutines may ask it to.

    Args:
        database: of the cluster.
        rows: what the processes share.
        heartbeat: of this process.
        slots: each works on one shard at a time.
        servers: the name of each mirror's server.
        options: how it works.

    Attributes:
        sign: heard of whenever the leases are renewed.
        lost: how many leases another process took since it began.
    """

    def __init__(
        self,
        database: ClusterDatabase,
        rows: ClusterRows,
        heartbeat: Heartbeat,
        slots: list[Slot],
        servers: Mapping[str, str],
        options: WorkerOptions,
    ) -> None:
        self.database = database
        self.rows = rows
        self._heartbeat = heartbeat
        self._slots = tuple(slots)
        self._free = slots
        self._room = anyio.Semaphore(len(slots))
        # A shard may be there twice: this process took it again after its lease had ended.
        self._held: dict[tuple[int, int], tuple[Lease, Slot]] = {}
        self._servers = servers
        self._options = options
        self._stopped = False
        self.sign = Sign(options.lease_seconds)
        self.lost = 0

    @property
    def held(self) -> int:
        """How many leases it has."""
        return len(self._held)

    def loads(self) -> Mapping[str, ServerLoad]:
        """Return what was asked of each server."""
        found: dict[str, ServerLoad] = {}
        for slot in self._slots:
            for name, load in slot.loads().items():
                known = found.get(name)
                # All slots have one client; each of them waits by itself.
                waited = max(load.held_back, known.held_back if known else 0.0)
                found[name] = ServerLoad(load.traffic, waited)
        return found

    async def work(self, shard: int) -> JobDone | None:
        """Reconcile a shard, unless another process does, or nothing is to be done.

        Args:
            shard: its id.

        Raises:
            Problem: its mirror cannot go on, or the database cannot be used.
        """
        async with self._room:
            if self._stopped:
                return None
            lease = await anyio.to_thread.run_sync(self.rows.leases.take, shard)
            if lease is None:
                return None
            slot = self._free.pop()
            try:
                return await self._with(lease, slot)
            finally:
                self._free.append(slot)

    async def _with(self, lease: Lease, slot: Slot) -> JobDone:
        wait: float | None = AFTER_A_PROBLEM
        try:
            with self._holding(lease, slot):
                done = await _run(slot.job(lease))
            await self._reached(lease)
            lease, wait = done.lease, done.again_in
            if wait is not None:
                # It is dirty as of now: what it saw before was noted, and holds up no other shard.
                path = lease.first
                await anyio.to_thread.run_sync(
                    lambda: self.rows.partition.mark(lease.mirror, [path], urgent=False)
                )
            return done
        except Problem as problem:
            if problem.notice.message in UNREACHED:
                await self._put_off(lease)
            raise
        finally:
            with anyio.CancelScope(shield=True), suppress(Problem):
                await anyio.to_thread.run_sync(
                    lambda: self.rows.leases.release(lease, put_off=wait)
                )

    async def _put_off(self, lease: Lease) -> None:
        """Have the shards of a server that is away wait, so that they take no slot."""
        mirrors = self._beside(lease.mirror)
        await anyio.to_thread.run_sync(
            lambda: self.rows.partition.put_off(mirrors, UNREACHED_FOR, but=lease.shard)
        )

    async def _reached(self, lease: Lease) -> None:
        """Have the shards of a server worked on again that may have been away."""
        if lease.waited:
            mirrors = self._beside(lease.mirror)
            await anyio.to_thread.run_sync(self.rows.partition.put_off, mirrors, None)

    def _beside(self, mirror: str) -> list[str]:
        """Return the mirrors that have the server of `mirror`."""
        server = self._servers[mirror]
        return [each for each, other in self._servers.items() if other == server]

    @contextmanager
    def _holding(self, lease: Lease, slot: Slot) -> Iterator[None]:
        taking = lease.shard, lease.epoch
        self._held[taking] = lease, slot
        try:
            with slot.holding(lease):
                if self._stopped:  # while the lease was taken
                    slot.stop()
                yield
        finally:
            del self._held[taking]

    async def beat(self) -> None:
        """Renew the leases until cancelled; work for one that is lost is stopped."""
        while True:
            await anyio.sleep(self._options.lease_seconds / BEATS_A_LEASE)
            held = dict(self._held)
            with suppress(Problem):  # without the database the leases end, and nothing is written
                leases = [lease for lease, _ in held.values()]
                with self.sign.asking():
                    gone = await anyio.to_thread.run_sync(self._heartbeat.beat, leases)
                self.lost += len(gone)
                for lost in gone:
                    held[lost.shard, lost.epoch][1].stop()

    def stop(self) -> None:
        """Let calls in flight come to their end, and begin no more."""
        self._stopped = True
        for _, slot in self._held.values():
            slot.stop()


async def _run(job: ShardJob) -> JobDone:
    try:
        return await job.run()
    except BaseExceptionGroup as faults:  # of the engine's tasks, which end each other
        raise first_fault(faults) from None


@asynccontextmanager
async def worker(
    settings: Settings, observe: Observer, options: WorkerOptions | None = None
) -> AsyncIterator[Worker]:
    """Open what a worker works with, and renew its leases meanwhile.

    Args:
        settings: as loaded; the ledger is on PostgreSQL.
        observe: called with the event of every step.
        options: how it works.

    Raises:
        Problem: the ledger or a server cannot be used.
    """
    options = options or WorkerOptions()
    async with AsyncExitStack() as stack:
        database = stack.enter_context(
            ClusterDatabase(str(build.address_of(settings)), "kbsync run --role work")
        )
        members, time = Members(database, "work"), DatabaseTime()
        stack.callback(members.leave)
        time.measure(members.seen)
        rows = shared_rows(database, members.holder, options.lease_seconds)
        clients: dict[str, DifyClient] = {}
        for name in dict.fromkeys(each.server or "" for each in settings.mirrors):
            server = connect.connected(settings.servers[name])
            clients[name] = await stack.enter_async_context(server)
        limits = {name: _limit(database, settings.servers[name]) for name in clients}
        servers = settings.servers
        in_flight = {name: anyio.Semaphore(servers[name].max_in_flight) for name in clients}
        rooms = IndexingRooms()
        slots = []
        for _ in range(options.slots):
            shared = (clients, limits, in_flight, rooms, observe)
            slot = Slot(settings, rows, time, *shared, most=options.most)
            stack.callback(slot.close)
            slots.append(slot)
        heartbeat = Heartbeat(database, members, rows.leases, time)
        server_of = {mirror.name: mirror.server or "" for mirror in settings.mirrors}
        made = Worker(database, rows, heartbeat, slots, server_of, options)
        async with anyio.create_task_group() as group:
            group.start_soon(made.beat)
            yield made
            group.cancel_scope.cancel()


def shared_rows(database: ClusterDatabase, holder: str, lease_seconds: float) -> ClusterRows:
    """Return what the processes share, for one of them.

    Args:
        database: of the cluster.
        holder: how the process is named as the holder of a lease.
        lease_seconds: how long a lease lasts that is not renewed.
    """
    return ClusterRows(
        leases=Leases(database, holder, lease_seconds),
        partition=Partition(database),
        sightings=Sightings(database),
        allowances=Allowances(database),
    )


def _limit(database: ClusterDatabase, server: ServerConfig) -> SharedLimiter:
    key = server.api_key.get_secret_value() if server.api_key else ""
    return SharedLimiter(
        Budget(database, server=server.url, key=key, per_minute=server.requests_per_minute)
    )
