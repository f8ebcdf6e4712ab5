"""A slot of a worker: a ledger of its own, which writes for one lease after the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

import anyio

from kbsync.app import build
from kbsync.cluster.database_time import DatabaseTime
from kbsync.cluster.lease_tenure import LeaseTenure
from kbsync.cluster.leases import Lease
from kbsync.cluster.moves_across import MovesAcross
from kbsync.cluster.shard_job import MOST, ClusterRows, ShardJob
from kbsync.config import Settings
from kbsync.dify.client import DifyClient
from kbsync.dify.remote import DifyRemote
from kbsync.engine.indexing_room import IndexingRooms
from kbsync.engine.reconciler import Reconciler
from kbsync.engine.workers.pool import Observer, WorkerPool
from kbsync.engine.workers.rate_limiter import WriteLimit
from kbsync.engine.workers.throttle import ThrottledRemote
from kbsync.ledger.location import find_location
from kbsync.ledger.store import LedgerStore
from kbsync.planning.path_range import PathRange, PathScope
from kbsync.service.shared_servers import ServerLoad


class Slot:
    """Works on one shard at a time.

    Args:
        settings: as loaded.
        rows: what the processes share.
        time: of the database.
        clients: connected to the servers, by name.
        limits: what their writers wait for, by name; all slots share them.
        in_flight: what their requests are counted by, by name; all slots share them.
        rooms: those of all bases that this process fills.
        observe: called with the event of every step.
        most: files after which a shard is cut.

    Raises:
        Problem: the ledger cannot be used.
    """

    def __init__(
        self,
        settings: Settings,
        rows: ClusterRows,
        time: DatabaseTime,
        clients: Mapping[str, DifyClient],
        limits: Mapping[str, WriteLimit],
        in_flight: Mapping[str, anyio.Semaphore],
        rooms: IndexingRooms,
        observe: Observer,
        *,
        most: int = MOST,
    ) -> None:
        self._settings = settings
        self._rows = rows
        self._clients = clients
        self._rooms = rooms
        self._observe = observe
        self._most = most
        address = str(build.address_of(settings))
        self._tenure = LeaseTenure(find_location(address))
        self._store = LedgerStore.open(
            address, command="kbsync run --role work", tenure=self._tenure, wall=time.now
        )
        self._remotes = {
            name: ThrottledRemote(
                DifyRemote(client),
                limiter=limits[name],
                clock=self._store.clock,
                in_flight=in_flight[name],
                fence=self._store.fence,
            )
            for name, client in clients.items()
        }
        self._pool: WorkerPool | None = None
        self._stopped = False

    @contextmanager
    def holding(self, lease: Lease) -> Iterator[None]:
        """Write for a lease for as long as the context lasts."""
        self._tenure.hold(lease, self._store)
        self._stopped = False
        try:
            yield
        finally:
            self._pool = None
            self._tenure.hold(None, self._store)

    def job(self, lease: Lease) -> ShardJob:
        """Return the job of a lease that is held.

        Raises:
            Problem: its mirror is not declared any more.
        """
        engine = self._engine(lease)
        rows, leases = self._rows, self._rows.leases
        moves = MovesAcross(rows.sightings, rows.partition, leases, self._tenure, self._observe)
        return ShardJob(
            rows,
            engine,
            moves,
            lease,
            observe=self._observe,
            started=self._begun,
            now=self._store.clock.now,
        )

    def _engine(self, lease: Lease) -> Reconciler:
        """Return the engine of a lease's mirror, for the lease's part of it."""
        (declared,) = build.chosen(self._settings, [lease.mirror])
        scope = PathScope(PathRange(lease.first, lease.end), self._most)
        return Reconciler(
            replace(build.mirror_of(self._settings, declared), scope=scope),
            self._store,
            self._remotes[declared.server or ""],
            self._store.clock,
            self._rooms,
        )

    def stop(self) -> None:
        """Let calls in flight come to their end, and begin no more."""
        self._stopped = True
        if self._pool is not None:
            self._pool.stop()

    def loads(self) -> Mapping[str, ServerLoad]:
        """Return what was asked of each server, and how long the calls of this slot waited."""
        return {
            name: ServerLoad(client.traffic, self._remotes[name].held_back)
            for name, client in self._clients.items()
        }

    def close(self) -> None:
        """Close the ledger."""
        self._store.close()

    def _begun(self, pool: WorkerPool) -> None:
        self._pool = pool
        if self._stopped:  # while it compared
            pool.stop()
