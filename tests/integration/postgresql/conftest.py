"""The engine's stories once more, with a ledger on PostgreSQL instead of the one in memory.

On SQLite it is the simulator and the stories of tests/e2e that ask the engine the same. What a
ledger answers is asked of both databases in tests/integration/ledger, so that here one story of
eight is enough; KBSYNC_ALL_STORIES=1 asks all of them, as `.ci/run` does.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from cluster import Cluster
from collecting import ALL_STORIES, leave_out

# The stories are a package beside the others of its layer.
sys.path.append(str(Path(__file__).parents[2] / "unit"))

from database_ledger import DatabaseLedger
from engine import fakes
from engine.conftest import _threads_inline, anyio_backend

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

ONE_OF = 1 if ALL_STORIES else 8


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


@pytest.fixture(autouse=True)
def _on_postgresql(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every stage of a story has a ledger of its own."""
    made: list[DatabaseLedger] = []

    def ledger() -> DatabaseLedger:
        made.append(DatabaseLedger(cluster.emptied(f"stage_{len(made)}")))
        return made[-1]

    monkeypatch.setattr(fakes, "MemoryLedger", ledger)
    yield
    for each in made:
        each.store.close()
