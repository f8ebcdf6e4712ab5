"""The newest listing of a base, on both databases."""

from __future__ import annotations

import pytest
from ledger_samples import BASE, HOSTILE, document, entry, key, marked, put

from kbsync.engine.ports import ObservedListing
from kbsync.ledger import LedgerStore
from kbsync.model import Readiness


@pytest.mark.parametrize("name", HOSTILE)
def test_a_document_comes_back_exactly(store: LedgerStore, name: str) -> None:
    given = document(
        name,
        "d1",
        metadata={"a": name, "kbsync_mirror": "docs", "kbsync_path": name},
        error=name,
        readiness=Readiness.ERROR,
        enabled=False,
        word_count=None,
        size=None,
    )
    store.begin_listing(BASE)
    store.add_listed(BASE, [given])
    assert store.listed(BASE, "d1") == given
    assert store.listed_named(BASE, name) == (given,)
    assert store.listed_marked(BASE, key(name)) == (given,)
    assert list(store.foreign(BASE)) == [given]


def test_names_are_compared_exactly(store: LedgerStore) -> None:
    store.begin_listing(BASE)
    names = ["a.md", "A.md", "a_md", "a%", "e\u0301", "\u00e9"]
    store.add_listed(BASE, [document(name) for name in names])
    for name in names:
        assert [each.name for each in store.listed_named(BASE, name)] == [name]
    assert store.listed_named("other", "a.md") == ()
    assert store.listed_named(BASE, "\udc80") == ()


def test_a_repeated_id_overwrites(store: LedgerStore) -> None:
    store.begin_listing(BASE)
    store.add_listed(BASE, [document("a", "d1"), document("b", "d1")])
    store.add_listed(BASE, [document("c", "d1"), document("c", "d2")])
    store.add_listed(BASE, [])
    assert [each.name for each in store.foreign(BASE)] == ["c", "c"]
    assert store.listed_named(BASE, "b") == ()


def test_a_new_listing_forgets_the_old_one_of_its_base_only(store: LedgerStore) -> None:
    listing = ObservedListing(started_at=5.5, complete=True, documents=1)
    for base in (BASE, "B2"):
        store.begin_listing(base)
        store.add_listed(base, [document("a", "d1")])
        assert store.listing(base) is None
        store.end_listing(base, listing)
        assert store.listing(base) == listing
    store.begin_listing(BASE)
    assert store.listing(BASE) is None
    assert store.listed(BASE, "d1") is None
    assert store.listed("B2", "d1") is not None


def test_what_an_entry_holds_is_not_foreign(store: LedgerStore) -> None:
    put(store, entry("a", "d1", superseded="d0"))
    store.begin_listing(BASE)
    store.add_listed(BASE, [document(name, name) for name in ("d0", "d1", "d2")])
    assert [each.id for each in store.foreign(BASE)] == ["d2"]


def test_copied_marks_are_found_too(store: LedgerStore) -> None:
    store.begin_listing(BASE)
    store.add_listed(BASE, [marked("a", "d1"), marked("a", "d2", rev="copied"), marked("b", "d3")])
    assert [each.id for each in store.listed_marked(BASE, key("a"))] == ["d1", "d2"]
    assert store.listed_marked(BASE, key("a", "other")) == ()


def test_absurd_numbers_of_a_server_do_no_harm(store: LedgerStore) -> None:
    store.begin_listing(BASE)
    store.add_listed(BASE, [document("a", "d1", word_count=2**80, size=-(2**80))])
    found = store.listed(BASE, "d1")
    assert found is not None
    assert found.word_count == 2**63 - 1
