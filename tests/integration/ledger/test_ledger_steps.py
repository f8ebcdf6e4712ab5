"""What a pass asks of a ledger costs no more in a larger one, but for what it asks of every row."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from ledger_samples import bound, entry, put

from kbsync.ledger import LedgerStore, engines
from kbsync.ledger.folder_rows import FolderRows, KeyRow
from kbsync.ledger.location import LedgerLocation
from kbsync.ledger.sqlite_file import open_file
from kbsync.model import EntryState

FEW, MANY = 50, 1000


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One item for every ten steps of SQLite's machine."""
    counted: list[int] = []

    def counting(location: LedgerLocation, mode: str, *more: int) -> sqlite3.Connection:
        connection = open_file(location, mode, *more)
        # The handler's None lets the statement go on.
        connection.set_progress_handler(lambda: counted.append(1), 10)
        return connection

    monkeypatch.setattr(engines, "open_file", counting)
    return counted


@pytest.mark.parametrize(
    "ask",
    [
        lambda store: list(store.entries("docs", states=[EntryState.INDEXING.value])),
        lambda store: list(store.reasons("docs")),
        lambda store: store.under_way("docs"),
    ],
    ids=["entries", "reasons", "under_way"],
)
def test_what_is_not_settled_is_found_without_the_rest(
    tmp_path: Path, steps: list[int], ask: Callable[[LedgerStore], list[object]]
) -> None:
    costs = []
    for number in (FEW, MANY):
        with LedgerStore.open(tmp_path / f"{number}.db") as store:
            put(bound(store), *(entry(f"{each:05}") for each in range(number)))
            put(store, entry("a", state=EntryState.INDEXING), entry("b", state=EntryState.FAILED))
            steps.clear()
            assert len(ask(store)) == 1
            costs.append(len(steps))
    assert costs[1] <= costs[0] + FEW


@pytest.mark.parametrize(
    "ask",
    [
        lambda rows: list(rows.others("docs")),
        lambda rows: rows.in_trouble("docs", after="", limit=9),
    ],
    ids=["others", "in_trouble"],
)
def test_the_page_finds_what_is_in_trouble_without_the_rest(
    tmp_path: Path, steps: list[int], ask: Callable[[FolderRows], list[KeyRow]]
) -> None:
    costs = []
    for number in (FEW, MANY):
        with LedgerStore.open(tmp_path / f"{number}.db") as store:
            put(bound(store), *(entry(f"{each:05}") for each in range(number)))
            put(store, entry("a", stale=("KB-S008", "too large")))
            put(store, entry("b", state=EntryState.FAILED))
            put(store, entry("c", state=EntryState.FAILED, stale=("KB-S008", "too large")))
            steps.clear()
            assert sorted(row.path for row in ask(FolderRows(store.database))) == ["a", "b", "c"]
            costs.append(len(steps))
    assert costs[1] <= costs[0] + FEW
