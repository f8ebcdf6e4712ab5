"""What the tests of the cluster share."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cluster import Cluster
from sqlalchemy import func, update

# The samples of the ledger's own tests.
sys.path.append(str(Path(__file__).parents[1] / "ledger"))

from kbsync.cluster.cluster_database import ClusterDatabase
from kbsync.cluster.database_time import NOW
from kbsync.cluster.lease_tenure import LeaseTenure
from kbsync.cluster.leases import Lease
from kbsync.cluster.tables import SHARD
from kbsync.ledger import LedgerStore
from kbsync.ledger.location import find_location
from kbsync.messages import Problem

Joining = Callable[[], ClusterDatabase]


def refusal(work: Callable[[], object]) -> str:
    with pytest.raises(Problem) as caught:
        work()
    return caught.value.notice.code


def slot(address: str) -> tuple[LedgerStore, LeaseTenure]:
    """A store of a worker, without a lease yet."""
    tenure = LeaseTenure(find_location(address))
    return LedgerStore.open(address, command="kbsync work", tenure=tenure), tenure


def slot_with(address: str, lease: Lease) -> LedgerStore:
    store, tenure = slot(address)
    tenure.hold(lease, store)
    return store


def let_end(database: ClusterDatabase) -> None:
    """Let all leases be over, as if nobody had renewed them."""
    database.run(update(SHARD).values(until=NOW - func.make_interval(0, 0, 0, 0, 1)))


def end_connections(cluster: Cluster) -> None:
    cluster.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE pid <> pg_backend_pid() AND application_name LIKE 'kbsync%'"
    )
