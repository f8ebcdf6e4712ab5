"""A whole mirror gets another name, or is forgotten: all of it or nothing, on both databases."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import pytest
from ledger_samples import bound, entry, intent, key, line, put, rejection

from kbsync.engine.ports import EntryChange
from kbsync.ledger import LedgerStore
from kbsync.messages import Problem
from kbsync.model import HeldCreates, Ownership, Rehash


@pytest.fixture
def filled(store: LedgerStore) -> LedgerStore:
    """The mirror `docs` with one of everything, and a neighbour on the same base."""
    put(store, entry("a"), entry("b", superseded="doc-old"))
    store.commit(EntryChange(key=key("b"), intent=intent("b"), journal=(line("b"),)))
    store.commit(EntryChange(key=key("c"), rejection=rejection("c")))
    put(bound(store, "other"), entry("a", "doc-other", mirror="other"))
    return store


def test_everything_goes_over_to_the_new_name(filled: LedgerStore) -> None:
    assert filled.rename_mirror("docs", "handbook") == 2
    moved = list(filled.entries("handbook"))
    assert [(each.key.path, each.document_id) for each in moved] == [("a", "doc-a"), ("b", "doc-b")]
    assert {each.metadata_hash for each in moved} == {None}
    assert moved[1].superseded == "doc-old"
    assert [each.key for each in filled.intents("handbook")] == [key("b", "handbook")]
    assert [each.key for each in filled.refused("handbook")] == [key("c", "handbook")]
    assert [each.mirror for _, each in filled.history("handbook")] == ["handbook"]
    assert [each.mirror for each in filled.bindings()] == ["handbook", "other"]
    assert not list(filled.entries("docs"))
    assert not filled.history("docs")
    assert filled.entry(key("a", "other")) == entry("a", "doc-other", mirror="other")
    assert filled.check() == ()


def test_a_name_that_was_only_bound_gives_way(filled: LedgerStore) -> None:
    bound(filled, "handbook", "elsewhere")
    filled.commit(EntryChange(key=key("c", "handbook"), rejection=rejection("c", "handbook")))
    filled.rename_mirror("docs", "handbook")
    binding = filled.binding("handbook")
    assert binding is not None
    assert binding.base_id == "B"


@pytest.mark.parametrize(
    ("old", "new", "code"), [("unknown", "x", "KB-L070"), ("docs", "other", "KB-L071")]
)
def test_refusals_change_nothing(filled: LedgerStore, old: str, new: str, code: str) -> None:
    with pytest.raises(Problem, match=code):
        filled.rename_mirror(old, new)
    assert filled.counts("docs") == {"synced": 2}
    assert filled.counts("other") == {"synced": 1}


def test_a_forgotten_mirror_leaves_its_history(filled: LedgerStore) -> None:
    assert filled.forget_mirror("docs") == 2
    assert filled.binding("docs") is None
    assert not list(filled.entries("docs"))
    assert not list(filled.intents("docs"))
    assert not list(filled.refused("docs"))
    assert [each.path for _, each in filled.history("docs")] == ["b"]
    assert filled.counts("other") == {"synced": 1}
    with pytest.raises(Problem, match="KB-L070"):
        filled.forget_mirror("docs")


def test_the_name_in_the_marks_goes_along_and_is_forgotten(filled: LedgerStore) -> None:
    owned = Ownership(token="now", predecessors=frozenset({"before"}), whole=False)
    filled.own("docs", owned)
    filled.rename_mirror("docs", "handbook")
    assert filled.ownership("handbook") == owned
    assert filled.ownership("docs") is None
    filled.forget_mirror("handbook")
    assert filled.ownership("handbook") is None


def test_what_concerns_a_whole_mirror_comes_back_and_goes_with_it(filled: LedgerStore) -> None:
    assert filled.rehash("docs") is filled.held_creates("docs") is None
    held = HeldCreates(reason=("KB-R1", "no\nroom"), since=1.5, probe_at=3601.5)
    filled.note_rehash("docs", Rehash(after="ü/a", since=2.5))
    filled.hold_creates("docs", held)
    filled.note_mounts("docs", {"old": True})
    filled.note_mounts("docs", {"nas": False, "old": None, "ü/media": True})
    assert filled.rehash("docs") == Rehash(after="ü/a", since=2.5)
    assert filled.held_creates("docs") == held
    assert filled.mounts("docs") == {"nas": False, "ü/media": True}
    assert filled.mounts("other") == {}
    filled.forget_mirror("docs")
    assert filled.rehash("docs") is filled.held_creates("docs") is None
    assert filled.mounts("docs") == {}


def test_creates_that_are_held_no_more_leave_nothing(store: LedgerStore) -> None:
    store.hold_creates("docs", HeldCreates(reason=("KB-R1", "no"), since=1.0, probe_at=2.0))
    store.hold_creates("docs", None)
    assert store.held_creates("docs") is None


def test_what_is_unmet_goes_along_with_the_name_and_is_forgotten(filled: LedgerStore) -> None:
    why, other = ("KB-S152", "a\npassword"), ("KB-E011", "foreign")
    filled.note_unmet("docs", {"a.pdf": why, "ü/b.md": other, "was\0.md": why})
    filled.note_unmet("other", {"a.pdf": other})
    filled.note_unmet("docs", {"a.pdf": other, "ü/b.md": None, "unknown": None})
    assert filled.unmet("docs") == {"a.pdf": other, "was\\x00.md": why}
    assert filled.unmet_count("docs") == 2
    filled.rename_mirror("docs", "handbook")
    assert filled.unmet("docs") == {}
    assert filled.unmet("handbook") == {"a.pdf": other, "was\\x00.md": why}
    filled.forget_mirror("handbook")
    assert filled.unmet("handbook") == {}
    assert filled.unmet("other") == {"a.pdf": other}


def test_what_work_says_is_told_apart_from_what_a_comparison_says(filled: LedgerStore) -> None:
    why = ("KB-E062", "refused")
    filled.note_unmet("docs", {"a.md": why, "b.md": why}, by_work=True)
    filled.note_unmet("docs", {"b.md": ("KB-E011", "foreign"), "c.md": why})
    assert filled.unmet_by_work("docs") == {"a.md"}
    filled.rename_mirror("docs", "handbook")
    assert (filled.unmet_by_work("docs"), filled.unmet_by_work("handbook")) == (set(), {"a.md"})


def test_what_is_known_to_be_unmet_is_not_written_again(filled: LedgerStore) -> None:
    why = ("KB-S152", "a\0password")
    filled.note_unmet("docs", {"a.pdf": why})

    def refuse(*_: object) -> NoReturn:
        raise AssertionError("written again")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(filled._database, "writing", refuse)
        filled.note_unmet("docs", {"a.pdf": why, "b.pdf": None})
        filled.note_unmet("other", {"a.pdf": None})
        with pytest.raises(AssertionError):
            filled.note_unmet("docs", {"a.pdf": None})


@pytest.mark.parametrize("end", ["backup", "copy"])
def test_what_is_unmet_is_in_every_copy(filled: LedgerStore, tmp_path: Path, end: str) -> None:
    filled.note_unmet("docs", {"a.pdf": ("KB-S152", "password")})
    to = tmp_path / "other.db"
    if end == "backup":
        filled.backup(to)
    else:
        with LedgerStore.open(to) as other:
            filled.copy_to(other)
    with LedgerStore.open(to, readonly=True) as other:
        assert other.unmet("docs") == filled.unmet("docs") != {}
