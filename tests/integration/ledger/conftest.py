"""A real SQLite file and a real PostgreSQL cluster: every store test runs on both."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cluster import Cluster
from ledger_samples import bound

from kbsync.ledger import LedgerStore


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a ledger that no other test uses now."""
    if request.param == "sqlite":
        return str(tmp_path / "state" / "ledger.db")
    running: Cluster = request.getfixturevalue("cluster")
    return running.emptied("store") if "store" in request.fixturenames else running.fresh()


Opener = Callable[..., LedgerStore]


@pytest.fixture
def opened(address: str) -> Iterator[Opener]:
    """Open the ledger at `address`; all are closed at the end."""
    stores: list[LedgerStore] = []

    def opener(**options: bool) -> LedgerStore:
        stores.append(LedgerStore.open(address, **options))
        return stores[-1]

    yield opener
    for each in reversed(stores):
        each.close()


@pytest.fixture
def store(opened: Opener) -> LedgerStore:
    """An empty ledger whose mirror `docs` is bound to the base `B`."""
    return bound(opened())
