"""The engine's stories once more, with a ledger on PostgreSQL instead of the one in memory.

On SQLite it is the simulator and the stories of tests/e2e that ask the engine the same. What a
ledger answers is asked of both databases in tests/integration/ledger, so that here one story of
four is enough; KBSYNC_ALL_STORIES=1 asks all of them, as `.ci/run` does.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from pathlib import Path

import pytest
from cluster import Cluster
from collecting import ALL_STORIES, leave_out

# The stories are a package beside the others of its layer.
sys.path.append(str(Path(__file__).parents[2] / "unit"))

from database_ledger import DatabaseLedger
from engine import fakes
from engine.conftest import _threads_inline, anyio_backend

from kbsync.ledger.tables import META, METADATA

__all__ = ["_threads_inline", "anyio_backend"]

# Of the sixty ways to rename three files the ledger in memory is asked: here one of each shape.
RENAMED = "test_however_three_files_are_renamed_nothing_is_sent"
SHAPES = {
    "a.md b.md c.md",
    "b.md a.md c.md",
    "b.md c.md a.md",
    "b.md c.md d.md",
    "d.md a.md b.md",
    "e.md d.md c.md",
}

ONE_OF = 1 if ALL_STORIES else 4

TABLES = [table.name for table in reversed(METADATA.sorted_tables) if table is not META]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    leave_out(config, items, list(_left_out(items)))


def _left_out(items: Sequence[pytest.Item]) -> Iterator[pytest.Item]:
    """Yield the stories, and the rows of others, of which the ledger in memory alone is asked.

    Rows differ in what a server answers or a folder holds: here are the first and the last one.
    """
    rows: dict[str, list[pytest.Function]] = {}
    for item in items:
        if isinstance(item, pytest.Function) and "postgresql" in item.path.parts:
            rows.setdefault(item.originalname, []).append(item)
    for number, (name, each) in enumerate(rows.items()):
        if number % ONE_OF:
            yield from each
        elif name.endswith(RENAMED):
            yield from (item for item in each if item.callspec.id not in SHAPES)
        else:
            yield from each[1:-1]


@pytest.fixture(scope="session")
def _places(cluster: Cluster) -> Callable[[], Iterator[str]]:
    """Ledgers that every story meets empty: making their tables takes longer than most stories."""
    made: list[str] = []

    def places() -> Iterator[str]:
        for number in count():
            if number == len(made):
                made.append(f"stage_{number}")
            else:
                rows = (f"DELETE FROM {made[number]}.{table}" for table in TABLES)
                cluster.query("; ".join((*rows, f"UPDATE {made[number]}.meta SET high_water = 0")))
            yield cluster.url(made[number])

    return places


@pytest.fixture(autouse=True)
def _on_postgresql(
    _places: Callable[[], Iterator[str]], monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Every stage of a story has a ledger of its own."""
    places = _places()
    made: list[DatabaseLedger] = []

    def ledger() -> DatabaseLedger:
        made.append(DatabaseLedger(next(places)))
        return made[-1]

    monkeypatch.setattr(fakes, "MemoryLedger", ledger)
    yield
    for each in made:
        each.store.close()
