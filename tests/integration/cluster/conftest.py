"""A real PostgreSQL, and processes of a cluster over one ledger on it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from cluster import Cluster
from cluster_samples import Joining

from kbsync.cluster.cluster_database import ClusterDatabase


@pytest.fixture
def address(cluster: Cluster) -> str:
    """The address of a ledger that no other test uses."""
    return cluster.fresh()


@pytest.fixture
def joining(address: str) -> Iterator[Joining]:
    """Open the cluster's rows as one more process of it; all are closed at the end."""
    opened: list[ClusterDatabase] = []

    def join() -> ClusterDatabase:
        opened.append(ClusterDatabase(address, "kbsync work"))
        return opened[-1]

    yield join
    for each in opened:
        each.close()


@pytest.fixture
def database(joining: Joining) -> ClusterDatabase:
    """The cluster's rows, as one process has them open."""
    return joining()
