"""The engine's stories once more, with a real ledger instead of the one in memory."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from cluster import Cluster

# The stories are a package beside the others of its layer.
sys.path.append(str(Path(__file__).parents[2] / "unit"))

from database_ledger import DatabaseLedger, emptied
from engine import fakes
from engine.conftest import _threads_inline, anyio_backend

from kbsync.ledger import LedgerStore

__all__ = ["_threads_inline", "anyio_backend"]

Places = Callable[[], Iterator[str]]


@pytest.fixture(scope="session")
def _files(tmp_path_factory: pytest.TempPathFactory) -> Places:
    """Copies of one empty ledger: making its tables takes longer than most stories."""
    folder = tmp_path_factory.mktemp("ledgers")
    LedgerStore.open(folder / "empty.db").close()
    numbers = count(1)

    def places() -> Iterator[str]:
        while True:
            yield shutil.copyfile(folder / "empty.db", str(folder / f"{next(numbers)}.db"))

    return places


@pytest.fixture(scope="session")
def _schemas(cluster: Cluster) -> Places:
    """Schemas that every story meets empty."""
    made: list[str] = []

    def places() -> Iterator[str]:
        for number in count():
            if number == len(made):
                made.append(cluster.fresh())
            else:
                emptied(made[number])
            yield made[number]

    return places


@pytest.fixture(params=["_files", "_schemas"], ids=["sqlite", "postgresql"], autouse=True)
def _on_a_database(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Every stage of a story has a ledger of its own, on the database of the parameter."""
    places = request.getfixturevalue(request.param)()
    made: list[DatabaseLedger] = []

    def ledger() -> DatabaseLedger:
        made.append(DatabaseLedger(next(places)))
        return made[-1]

    monkeypatch.setattr(fakes, "MemoryLedger", ledger)
    yield
    for each in made:
        each.store.close()
