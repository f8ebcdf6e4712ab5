"""What the ledger counts is what `kbsync status` counts one by one, in every drawn ledger."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from ledger_samples import BASE, bound, document, entry, intent, rejection

from kbsync.app import status
from kbsync.engine.ports import EntryChange, ObservedListing
from kbsync.ledger import LedgerStore
from kbsync.model import EntryState

PATHS = [f"{number}.md" for number in range(12)]


def drawn(store: LedgerStore, random: random.Random) -> None:
    for path in PATHS:
        at = entry(path)
        changes = []
        if random.random() < 0.8:
            state = random.choice(list(EntryState))
            code = random.choice([status.UNFINDABLE, "KB-R001"])
            reason = (code, "why") if state is EntryState.FAILED else None
            stale = ("KB-E001", "locked") if random.random() < 0.3 else None
            entered = replace(at, state=state, reason=reason, stale=stale)
            changes.append(EntryChange(key=at.key, entry=entered))
        if random.random() < 0.4:
            changes.append(EntryChange(key=at.key, rejection=rejection(path)))
        if random.random() < 0.3:
            changes.append(EntryChange(key=at.key, intent=intent(path)))
        if random.random() < 0.3:
            store.note_unmet("docs", {f"unmet {path}": ("KB-S152", "locked")})
        for change in changes:
            store.commit(change)


@pytest.mark.parametrize("seed", range(8))
def test_the_counts_of_status(store: LedgerStore, seed: int) -> None:
    bound(store, mirror="other")
    store.commit(
        EntryChange(key=entry("x.md", mirror="other").key, entry=entry("x.md", "d-x", "other"))
    )
    drawn(store, random.Random(seed))
    stale = tuple(store.stale("docs"))
    failures = tuple(status._failures("docs", store, stale))
    unmet = tuple(status._unmet("docs", store))
    expected = status._documents("docs", store, failures, stale, unmet)
    found = store.documents_by_state("docs", unfindable=status.UNFINDABLE)
    assert {state: n for state, n in found.items() if n} == {
        state: n for state, n in expected.items() if n
    }


def test_foreign_documents_and_the_size(store: LedgerStore) -> None:
    assert store.foreign_count(BASE) == 0
    store.commit(EntryChange(key=entry("a.md").key, entry=entry("a.md")))
    store.begin_listing(BASE)
    store.add_listed(BASE, [document("a.md"), document("mine.md"), document("yours.md")])
    store.end_listing(BASE, ObservedListing(started_at=1.0, complete=True, documents=3))
    assert store.foreign_count(BASE) == len(list(store.foreign(BASE))) == 2
    assert store.size() > 50_000
