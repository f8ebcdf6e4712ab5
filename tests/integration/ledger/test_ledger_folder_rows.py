"""Counts by folder, and what a folder's page reads, on both databases."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kbsync.app.status import UNFINDABLE
from kbsync.engine.ports import EntryChange
from kbsync.ledger.folder_rows import FolderRows, JournalFilter
from kbsync.ledger.store import LedgerStore
from kbsync.model import (
    DocKey,
    EntryState,
    Fingerprint,
    Intent,
    JournalLine,
    LedgerEntry,
    Op,
    Rejection,
)
from kbsync.web.folder_counts import FolderCounts, parent

PRINT = Fingerprint(content="c" * 64, settings="s" * 64)


@pytest.fixture
def ledger(store: LedgerStore) -> LedgerStore:
    """A ledger with two mirrors on one base."""
    binding = store.binding("docs")
    assert binding is not None
    store.bind(replace(binding, mirror="other"))
    return store


def put(
    ledger: LedgerStore,
    path: str,
    state: EntryState = EntryState.SYNCED,
    *,
    mirror: str = "docs",
    reason: tuple[str, str] | None = None,
    stale: tuple[str, str] | None = None,
) -> None:
    key = DocKey(mirror=mirror, path=path)
    entry = LedgerEntry(
        key=key,
        document_id=f"{mirror}/{path}",
        document_name=path,
        state=state,
        reason=reason,
        stale=stale,
        sent_at=5.0,
        progress=3 if state is EntryState.INDEXING else None,
    )
    line = JournalLine(
        at=10.0,
        mirror=mirror,
        path=path,
        action="create",
        document_id="d",
        outcome="rejected" if state is EntryState.FAILED else "done",
        milliseconds=1,
        detail="new",
    )
    ledger.commit(EntryChange(key=key, entry=entry, journal=(line,)))


def refuse(ledger: LedgerStore, path: str) -> None:
    key = DocKey(mirror="docs", path=path)
    refusal = Rejection(key=key, fingerprint=PRINT, reason=("KB-R011", "refused"), at=1.0)
    ledger.commit(EntryChange(key=key, rejection=refusal))


def filled(ledger: LedgerStore) -> None:
    for path in ("top.md", "a/1.md", "a/2.md", "a/b/3.md", "a0/4.md", "A/5.md", "a%b_c/6.md"):
        put(ledger, path)
    put(ledger, "a/b/failed.md", EntryState.FAILED, reason=("KB-E010", "no model"))
    put(ledger, "a/b/lost.md", EntryState.FAILED, reason=(UNFINDABLE, "not found"))
    put(ledger, "a/b/both.md", EntryState.FAILED, reason=(UNFINDABLE, "not found"))
    put(ledger, "a/stale.md", stale=("KB-S008", "too large"))
    put(ledger, "a/indexing.md", EntryState.INDEXING)
    put(ledger, "a/gone.md", EntryState.TRASHED)
    put(ledger, "a//caf\\xe9.md")
    put(ledger, "a//dir\\xe9/7.md")
    put(ledger, "elsewhere.md", mirror="other")
    for path in ("a/b/both.md", "a/refused.md", "a/stale.md"):
        refuse(ledger, path)
    key = DocKey(mirror="docs", path="a/new.md")
    ledger.commit(
        EntryChange(key=key, intent=Intent(key=key, op=Op.CREATE, name="n", started_at=7.0))
    )


@pytest.mark.parametrize(
    ("path", "folder"),
    [
        ("a.md", ""),
        ("a/b.md", "a"),
        ("a/b/c.md", "a/b"),
        ("/caf\\xe9.md", ""),
        ("a//caf\\xe9.md", "a"),
        ("a//dir\\xe9/c.md", "a//dir\\xe9"),
        ("a//dir\\xe9//c\\xe9.md", "a//dir\\xe9"),
    ],
)
def test_the_folder_of_a_path(path: str, folder: str) -> None:
    assert parent(path) == folder


def test_a_tree_counts_what_status_counts(ledger: LedgerStore) -> None:
    filled(ledger)
    tree = FolderCounts(FolderRows(ledger.database)).tree("docs", ["a/1.md", "a/b/failed.md"])
    status = dict(ledger.documents_by_state("docs", unfindable=UNFINDABLE))
    total = tree.totals[""]
    assert status["pending"] == 1
    assert {kind: total.get(kind, 0) for kind in status} == status
    assert total["held"] == 1  # what failed says so by its state
    assert tree.children[""] == ["A", "a", "a%b_c", "a0"]
    assert tree.children["a"] == ["a//dir\\xe9", "a/b"]
    assert dict(tree.totals["a/b"]) == {"synced": 1, "failed": 2, "unfindable": 1}
    assert tree.totals["a"]["stale"] == 1
    assert tree.totals["a0"] == {"synced": 1}


def test_a_tree_is_counted_again_after_a_moment_alone(ledger: LedgerStore) -> None:
    filled(ledger)
    counts = FolderCounts(FolderRows(ledger.database))
    before = counts.tree("docs", [])
    put(ledger, "later.md")
    assert counts.tree("docs", []) is before
    counts._kept["docs"] = (0.0, before)
    assert counts.tree("docs", []).totals[""]["synced"] == before.totals[""]["synced"] + 1


def test_the_files_of_a_folder_a_page_at_a_time(ledger: LedgerStore) -> None:
    filled(ledger)
    rows = FolderRows(ledger.database)
    found = rows.in_folder("docs", "a/", after="", limit=100)
    assert [(row.path, row.state) for row in found] == [
        ("a//caf\\xe9.md", "synced"),
        ("a/1.md", "synced"),
        ("a/2.md", "synced"),
        ("a/gone.md", "trashed"),
        ("a/indexing.md", "indexing"),
        ("a/new.md", "pending"),
        ("a/refused.md", "rejected"),
        ("a/stale.md", "synced"),
    ]
    assert found[-1].stale
    paged: list[str] = []
    while page := rows.in_folder("docs", "a/", after=paged[-1] if paged else "", limit=3):
        paged += [row.path for row in page]
    assert paged == [row.path for row in found]
    assert [row.path for row in rows.in_folder("docs", "", after="", limit=9)] == ["top.md"]
    assert [r.path for r in rows.in_folder("docs", "a%b_c/", after="", limit=9)] == ["a%b_c/6.md"]
    assert [r.path for r in rows.in_folder("docs", "A/", after="", limit=9)] == ["A/5.md"]


def test_what_is_in_trouble(ledger: LedgerStore) -> None:
    filled(ledger)
    rows = FolderRows(ledger.database).in_trouble("docs", after="a/b/both.md", limit=9)
    assert [row.path for row in rows] == [
        "a/b/failed.md",
        "a/b/lost.md",
        "a/refused.md",
        "a/stale.md",
    ]
    assert rows[-1].code == "KB-S008"


def test_what_is_under_way(ledger: LedgerStore) -> None:
    filled(ledger)
    found = FolderRows(ledger.database).under_way("docs", limit=9)
    assert [tuple(each) for each in found] == [
        ("a/new.md", "create", 7.0, None),
        ("a/indexing.md", "index", 5.0, 3),
    ]


def test_a_journal_is_filtered_and_paged(ledger: LedgerStore) -> None:
    filled(ledger)
    rows = FolderRows(ledger.database)

    def paths(before: int | None = None, limit: int = 100, **wanted: object) -> list[str]:
        lines, _ = rows.journal(JournalFilter(**wanted), before=before, limit=limit)  # type: ignore[arg-type]
        return [line.path for _, line in lines]

    assert paths(mirror="other") == ["elsewhere.md"]
    assert paths(path="a/b/*") == ["a/b/both.md", "a/b/lost.md", "a/b/failed.md", "a/b/3.md"]
    assert paths(path="a%b_?/*") == ["a%b_c/6.md"]
    assert paths(failed=True, limit=2) == ["a/b/both.md", "a/b/lost.md"]
    assert paths(since=11.0) == paths(action="delete") == []
    first, following = rows.journal(JournalFilter(), before=None, limit=10)
    second, end = rows.journal(JournalFilter(), before=following, limit=10)
    assert len(first) == 10
    assert end is None
    assert [number for number, _ in first + second] == list(range(16, 0, -1))
