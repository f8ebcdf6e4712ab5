"""What the guard halted and what was released, and what it counts, on both databases."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ledger_samples import bound, line

from kbsync.engine.ports import EntryChange
from kbsync.ledger import LedgerStore
from kbsync.ledger.database import Database
from kbsync.ledger.mirrors import KEPT
from kbsync.model import DocKey, HeldBack, JournalLine


def _digest(number: int) -> str:
    return f"{number:02}" * 32


def test_a_set_is_found_by_the_first_digits_of_its_digest(store: LedgerStore) -> None:
    store.note_halt("ab" * 32, frozenset({"one", "two"}), 1.0)
    store.note_halt("cd" * 32, frozenset({"three"}), 2.0)
    assert store.halts("abababab") == {"ab" * 32: frozenset({"one", "two"})}
    assert store.halts("") == {
        "ab" * 32: frozenset({"one", "two"}),
        "cd" * 32: frozenset({"three"}),
    }
    for other in ("b", "abc", "%", "_", "ab%"):
        assert store.halts(other) == {}


def test_only_the_newest_sets_are_kept(store: LedgerStore) -> None:
    for number in range(KEPT):
        store.note_halt(_digest(number), frozenset({str(number)}), float(number))
    store.note_halt(_digest(0), frozenset({"0"}), 99.0)  # read again: it is new again
    store.note_halt(_digest(50), frozenset({"50"}), 100.0)
    store.note_halt(_digest(51), frozenset({"51"}), 101.0)
    kept = store.halts("")
    assert len(kept) == KEPT
    assert kept.keys() == {_digest(n) for n in (0, *range(3, KEPT), 50, 51)}


def test_a_set_of_many_changes_comes_back_whole(store: LedgerStore) -> None:
    members = frozenset(f"{number:032x}" for number in range(20_000))
    store.note_halt("ef" * 32, members, 1.0)
    assert store.halts("ef") == {"ef" * 32: members}


def test_each_mirror_has_the_time_of_its_newest_release(store: LedgerStore) -> None:
    assert store.agreed_at("docs") == 0.0
    store.agree("docs", 5.25)
    store.agree("docs", 7.5)
    store.agree("wiki", 1.0)
    assert (store.agreed_at("docs"), store.agreed_at("wiki")) == (7.5, 1.0)
    assert store.high_water() == 0.0  # the clock's own row is another one


def test_what_is_held_back_is_kept_for_each_mirror_until_it_is_not(store: LedgerStore) -> None:
    bound(bound(store), "other")
    reasons = (("KB-G142", "mirror docs: ü\0\udcff is not mounted"), ("KB-G011", "16 removals"))
    held = HeldBack(digest="ab" * 32, changes=16, reasons=reasons)
    assert store.held_back("docs") is None
    store.note_held_back("docs", None)
    store.note_held_back("docs", held)
    store.note_held_back("other", replace(held, changes=3))
    assert (store.held_back("docs"), store.held_back("unknown")) == (held, None)
    store.note_held_back("docs", replace(held, digest="cd" * 32))
    store.note_held_back("docs", None)
    assert store.held_back("docs") is None
    assert store.held_back("other") == replace(held, changes=3)
    store.forget_mirror("other")
    assert store.held_back("other") is None


def test_what_is_held_back_already_is_not_written_again(
    store: LedgerStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = HeldBack(digest="ab" * 32, changes=16, reasons=(("KB-G011", "16 removals"),))
    store.note_held_back("docs", held)
    with monkeypatch.context() as patch:
        patch.setattr(Database, "writing", None)
        store.note_held_back("docs", held)
        store.note_held_back("other", None)


def _note(store: LedgerStore, *lines: JournalLine) -> None:
    for noted in lines:
        store.commit(
            EntryChange(key=DocKey(mirror=noted.mirror, path=noted.path), journal=(noted,))
        )


def test_what_took_effect_is_counted_by_cause(store: LedgerStore) -> None:
    done = {"outcome": "done"}
    _note(
        store,
        line("a", at=5.0, action="delete", detail="removed", **done),
        line("b", at=9.0, action="delete", detail="removed", **done),
        line("c", at=9.0, action="delete", detail="orphan", outcome="gone"),
        line("d", at=9.0, action="update", detail="drift", **done),
        line("e", at=4.9, action="update", detail="drift", **done),
        line("h", at=9.0, action="trash", detail="removed", **done),
        line("f", at=9.0, action="adopt", detail="mark", **done),
        line("g", at=9.0, action="create", detail="missing", mirror="wiki", **done),
    )
    counted = {("delete", "removed"): 2, ("trash", "removed"): 1, ("update", "drift"): 1}
    assert store.causes("docs", since=5.0) == counted
    assert store.causes("wiki", since=5.0) == {("create", "missing"): 1}
    assert store.causes("other", since=0.0) == {}


def test_the_newest_indexings_tell_when_they_began_and_ended(store: LedgerStore) -> None:
    for number in range(5):
        noted = line(
            f"{number}", at=10.0 + number, action="index", outcome="synced", milliseconds=500
        )
        _note(store, noted)
    _note(store, line("failed", at=30.0, action="index", outcome="failed"))
    _note(store, line("sent", at=31.0, action="create", outcome="done"))
    _note(store, line("other", at=32.0, action="index", outcome="synced", mirror="wiki"))
    spans = store.indexing_spans("docs", limit=2)
    assert list(spans) == [pytest.approx((13.5, 14.0)), pytest.approx((12.5, 13.0))]
    assert len(store.indexing_spans("docs")) == 5
