"""Entries, intents, rejections and the journal, on both databases."""

from __future__ import annotations

import pytest
from declared import one_rule
from ledger_samples import (
    BASE,
    HOSTILE,
    binding,
    bound,
    document,
    entry,
    intent,
    key,
    line,
    print_of,
    put,
    rejection,
)

from kbsync.engine.ports import EntryChange, Ledger
from kbsync.ledger import LedgerStore
from kbsync.ledger.entries import Reason
from kbsync.messages import Problem
from kbsync.model import DocKey, EntryState, Restless, Stat


def test_the_store_is_the_ledger_the_engine_asks_for(store: LedgerStore) -> None:
    ledger: Ledger = store
    assert all(hasattr(ledger, name) for name in vars(Ledger) if not name.startswith("_"))


@pytest.mark.parametrize("path", HOSTILE)
def test_what_is_committed_comes_back_exactly(store: LedgerStore, path: str) -> None:
    kept = entry(
        path,
        state=EntryState.FAILED,
        batch="b1",
        superseded="old",
        reason=("KB-R1", "o'no\n"),
        failures=3,
        retry_at=12.25,
        sent_at=11.5,
        progress_at=11.75,
        stale=("KB-S007", "empty\n"),
        encoding="cp932",
        progress=3,
        stat=Stat(2**62, -5, 2**64 - 1, 1),
    )
    store.commit(
        EntryChange(key=kept.key, entry=kept, intent=intent(path), rejection=rejection(path))
    )
    assert store.entry(kept.key) == kept
    assert store.intent(kept.key) == intent(path)
    assert store.rejection(kept.key) == rejection(path)
    assert store.entry(key(path + "x")) is None


def test_a_document_leads_to_the_key_that_holds_it(store: LedgerStore) -> None:
    bound(store, "wiki")
    bound(store, "other", "another base")
    put(store, entry("a", "D1", superseded="D0"), entry("b", "D2", mirror="wiki"))
    put(store, entry("c", "D3", mirror="other"))
    assert store.holder("B", "D1") == store.holder("B", "D0") == key("a")
    assert store.holder("B", "D2") == key("b", "wiki")
    assert store.holder("B", "D3") is None
    assert store.holder("B", "\0") is None


def test_what_is_indexed_in_a_base_is_that_of_all_mirrors_on_it(store: LedgerStore) -> None:
    bound(store, "wiki")
    bound(store, "other", "another base")
    indexed = EntryState.INDEXING
    put(store, entry("a", "D1", state=indexed), entry("b", "D2"))
    put(store, entry("c", "D3", mirror="wiki", state=indexed))
    put(store, entry("d", "D4", mirror="other", state=indexed))
    assert [each.document_id for each in store.under_way("docs")] == ["D1", "D3"]
    assert [each.document_id for each in store.under_way("other")] == ["D4"]
    assert not store.under_way("not bound")


def test_an_inode_leads_to_the_paths_of_its_file(store: LedgerStore) -> None:
    bound(store, "wiki")
    one, two = Stat(1, 2, 7, 4), Stat(1, 2, 2**64 - 1, 4)
    put(store, entry("a", "D1", stat=one), entry("b", "D2", stat=one), entry("c", "D3", stat=two))
    put(store, entry("d", "D4", mirror="wiki", stat=one))
    assert sorted(store.paths_of("docs", {7, 8})) == ["a", "b"]
    assert store.paths_of("docs", {2**64 - 1, 2**64}) == ["c"]


def test_paths_are_read_a_few_at_a_time(store: LedgerStore) -> None:
    put(store, entry("a", "D1"), entry("b", "D2"), entry("d", "D3"))
    store.commit(EntryChange(key=key("c"), rejection=rejection("c")))
    store.commit(EntryChange(key=key("d"), rejection=rejection("d")))
    assert store.paths_after("docs", "", limit=2) == ["a", "b"]
    assert store.paths_after("docs", "b", limit=5) == ["c", "d"]
    assert store.paths_after("docs", "d", limit=5) == []
    assert [store.left_after("docs", path) for path in ("", "b", "d")] == [5, 3, 0]


def test_none_removes_and_keep_leaves_alone(store: LedgerStore) -> None:
    put(store, entry("a"))
    store.commit(EntryChange(key=key("a"), intent=intent("a"), rejection=rejection("a")))
    store.commit(EntryChange(key=key("a"), intent=None))
    assert store.entry(key("a")) == entry("a")
    assert store.intent(key("a")) is None
    assert store.rejection(key("a")) == rejection("a")
    store.commit(EntryChange(key=key("a"), entry=None, rejection=None))
    assert store.entry(key("a")) is None
    assert store.rejection(key("a")) is None


def test_unknown_parts_stay_unknown(store: LedgerStore) -> None:
    bare = entry("a", stat=None, fingerprint=None, rev=None, word_count=None, metadata_hash=None)
    put(store, bare)
    assert store.entry(key("a")) == bare


def test_a_stat_no_database_can_keep_reads_as_unknown(store: LedgerStore) -> None:
    put(store, entry("a", stat=Stat(1, 2**63, 3, 1)))
    found = store.entry(key("a"))
    assert found is not None
    assert found.stat is None


@pytest.mark.parametrize("path", ["\udc80.md", "nul\0.md"])
def test_a_path_no_database_can_keep_is_unknown_and_refused(store: LedgerStore, path: str) -> None:
    assert store.entry(key(path)) is None
    assert store.intent(key(path)) is None
    assert store.repairs(key(path), 0.0) == 0
    with pytest.raises(ValueError, match="no ledger can keep"):
        store.commit(EntryChange(key=key(path), rejection=rejection(path)))


def test_hostile_words_of_a_server_are_kept_readable(store: LedgerStore) -> None:
    failed = entry("a", reason=("KB-R1", "nul \0 and \ud800"), state=EntryState.FAILED)
    store.commit(EntryChange(key=failed.key, entry=failed, journal=(line("a", detail="\udcff\0"),)))
    found = store.entry(failed.key)
    assert found is not None
    assert found.reason == ("KB-R1", "nul \\x00 and \\ud800")
    assert store.history()[0][1].detail == "\\udcff\\x00"


def test_a_group_is_committed_whole_or_not_at_all(store: LedgerStore) -> None:
    put(store, entry("held", "d1"))
    changes = [
        EntryChange(key=key("a"), entry=entry("a", "d2"), journal=(line("a"),)),
        EntryChange(key=key("b"), entry=entry("b", "d1")),
    ]
    with pytest.raises(Problem) as caught:
        store.commit_all(changes)
    assert caught.value.notice.code == "KB-L044"
    assert "held" in str(caught.value)
    assert store.entry(key("a")) is None
    assert store.history() == ()


def test_documents_change_places_in_one_transaction(store: LedgerStore) -> None:
    put(store, entry("a", "d1"), entry("b", "d2"))
    put(store, entry("a", "d2"), entry("b", "d1"))
    assert [each.document_id for each in store.entries("docs")] == ["d2", "d1"]


@pytest.mark.parametrize("order", [1, -1])
def test_a_move_takes_the_document_along(store: LedgerStore, order: int) -> None:
    put(store, entry("old", "d1"))
    changes = [
        EntryChange(key=key("new"), entry=entry("new", "d1")),
        EntryChange(key=key("old"), entry=None),
    ]
    store.commit_all(changes[::order])
    assert [each.key.path for each in store.entries("docs")] == ["new"]


def test_of_two_changes_to_a_key_the_later_one_counts(store: LedgerStore) -> None:
    store.commit_all(
        [
            EntryChange(
                key=key("a"), entry=entry("a"), intent=intent("a"), journal=(line("a", 1.0),)
            ),
            EntryChange(key=key("a"), intent=None, journal=(line("a", 2.0),)),
        ]
    )
    assert store.entry(key("a")) == entry("a")
    assert store.intent(key("a")) is None
    assert [noted.at for _, noted in store.history()] == [2.0, 1.0]


def test_two_new_keys_cannot_have_one_document(store: LedgerStore) -> None:
    with pytest.raises(Problem) as caught:
        put(store, entry("a", "d1"), entry("b", "d1"))
    assert caught.value.notice.code == "KB-L044"


def test_two_mirrors_on_one_base_share_no_document(store: LedgerStore) -> None:
    bound(store, "other")
    put(store, entry("a", "d1"))
    with pytest.raises(Problem) as caught:
        put(store, entry("a", "d1", mirror="other"))
    assert "of mirror docs" in str(caught.value)
    bound(store, "other", base="B2")
    put(store, entry("a", "d1", mirror="other"))


def test_an_entry_needs_a_bound_mirror(store: LedgerStore) -> None:
    with pytest.raises(LookupError, match="nowhere"):
        put(store, entry("a", mirror="nowhere"))


def test_entries_come_in_code_point_order(store: LedgerStore) -> None:
    put(store, *(entry(path) for path in HOSTILE))
    assert [each.key.path for each in store.entries("docs")] == sorted(HOSTILE)


def test_entries_by_state_and_prefix(store: LedgerStore) -> None:
    put(
        store,
        entry("a/1"),
        entry("a/2", state=EntryState.FAILED),
        entry("a/\U0010ffff", state=EntryState.FAILED),
        entry("a0"),
        entry("b", state=EntryState.FAILED),
    )

    def found(**wanted: object) -> list[str]:
        return [each.key.path for each in store.entries("docs", **wanted)]  # type: ignore[arg-type]

    assert found(prefix="a/") == ["a/1", "a/2", "a/\U0010ffff"]
    assert found(prefix="a/\U0010ffff") == ["a/\U0010ffff"]
    assert found(prefix="a/", states=["failed"]) == ["a/2", "a/\U0010ffff"]
    assert found(states=[EntryState.SYNCED, "trashed"]) == ["a/1", "a0"]
    assert store.counts("docs") == {"synced": 2, "failed": 3}
    assert store.counts("nowhere") == {}


def test_intents_and_refusals_are_streamed(store: LedgerStore) -> None:
    store.commit_all([EntryChange(key=key(path), intent=intent(path)) for path in ("b", "a")])
    store.commit_all([EntryChange(key=key(path), rejection=rejection(path)) for path in ("d", "c")])
    assert [each.key.path for each in store.intents("docs")] == ["a", "b"]
    assert [each.key.path for each in store.refused("docs")] == ["c", "d"]


def test_reasons_tell_failures_and_refusals(store: LedgerStore) -> None:
    put(store, entry("ok"), entry("f", state=EntryState.FAILED, reason=("KB-E1", "no chunks")))
    store.commit(EntryChange(key=key("r"), rejection=rejection("r")))
    assert list(store.reasons("docs")) == [
        Reason(key("f"), "failed", "KB-E1", "no chunks"),
        Reason(key("r"), "rejected", "KB-R001", "too large"),
    ]


def test_stale_documents_are_told_with_the_state_of_their_entry(store: LedgerStore) -> None:
    stale = ("KB-S007", "the file is empty")
    put(store, entry("fine"), entry("s", stale=stale), entry("r", stale=("KB-R001", "too large")))
    assert list(store.stale("docs")) == [
        Reason(key("r"), "synced", "KB-R001", "too large"),
        Reason(key("s"), "synced", *stale),
    ]


def test_a_half_read_stream_can_be_left(store: LedgerStore) -> None:
    put(store, *(entry(f"{n:04}") for n in range(1200)))
    for _ in range(20):
        stream = store.entries("docs")
        next(stream)
        stream.close()
    put(store, entry("later"))
    assert store.counts("docs") == {"synced": 1201}


def test_a_mirror_is_bound_again(store: LedgerStore) -> None:
    assert store.binding("docs") == binding()
    assert store.binding("nowhere") is None
    put(store, entry("a", "d1"))
    bound(store, base="B2")
    assert store.binding("docs") == binding(base="B2")
    assert store.bindings() == (binding(base="B2"),)
    # The entry's document is still one of the old base.
    store.begin_listing("B2")
    store.add_listed("B2", [document("x", "d1")])
    assert [each.id for each in store.foreign("B2")] == ["d1"]


def test_new_stats_go_to_what_the_key_presents(store: LedgerStore) -> None:
    put(store, entry("a"), entry("b"))
    store.commit(EntryChange(key=key("b"), rejection=rejection("b")))
    fresh = Stat(99, 98, 97, 1)
    store.restat([(key("a"), fresh), (key("b"), fresh), (key("gone"), fresh)])
    stats = {each.key.path: each.stat for each in store.entries("docs")}
    assert stats == {"a": fresh, "b": Stat(10, 20, 30, 1)}
    refused = store.rejection(key("b"))
    assert refused is not None
    assert refused.stat == fresh
    store.restat([])


def test_the_latest_time_is_kept_with_the_change_that_tells_it(store: LedgerStore) -> None:
    assert store.high_water() == 0.0
    store.commit(EntryChange(key=key("a"), intent=intent("a", started_at=50.5)))
    store.commit(EntryChange(key=key("a"), rejection=rejection("a", at=40.0)))
    assert store.high_water() == 50.5
    store.commit(EntryChange(key=key("a"), journal=(line("a", at=60.0),)))
    store.raise_high_water(55.0)
    assert store.high_water() == 60.0
    store.raise_high_water(70.125)
    assert store.high_water() == 70.125


def _journalled(store: LedgerStore, count: int, mirror: str = "docs") -> None:
    for n in range(count):
        noted = line(f"p{n % 3}", at=float(n), mirror=mirror, outcome="done" if n % 2 else "gone")
        store.commit(EntryChange(key=DocKey(mirror=mirror, path=noted.path), journal=(noted,)))


def test_history_pages_backwards(store: LedgerStore) -> None:
    _journalled(store, 9)
    _journalled(store, 1, "other")
    first = store.history("docs", limit=4)
    assert [noted.at for _, noted in first] == [8.0, 7.0, 6.0, 5.0]
    rest = store.history("docs", limit=100, before=first[-1][0])
    assert [noted.at for _, noted in rest] == [4.0, 3.0, 2.0, 1.0, 0.0]
    assert [noted.at for _, noted in store.history("docs", "p1")] == [7.0, 4.0, 1.0]
    assert len(store.history()) == 10
    assert first[0][1] == line("p2", at=8.0, outcome="gone")


def test_old_lines_are_pruned_and_numbers_never_come_back(store: LedgerStore) -> None:
    _journalled(store, 6)
    newest = store.history(limit=1)[0][0]
    assert store.prune_journal(5.0) == 5
    assert store.prune_journal(100.0) == 1
    _journalled(store, 1)
    assert store.history(limit=1)[0][0] > newest


def test_lines_are_counted(store: LedgerStore) -> None:
    _journalled(store, 9)
    assert store.tally("docs", since=5.0) == {("create", "done"): 2, ("create", "gone"): 2}
    assert store.tally("docs", since=0.0, path="p1") == {
        ("create", "done"): 2,
        ("create", "gone"): 1,
    }
    assert store.tally("docs", since=0.0, actions=["delete"]) == {}


def test_repairs_of_drift_are_counted(store: LedgerStore) -> None:
    lines = (
        line("a", 1.0, action="update", detail="drift"),
        line("a", 2.0, action="update", detail="drift"),
        line("a", 3.0, action="update", detail="drift", outcome="rejected"),
        line("a", 4.0, action="update", detail="edited"),
        line("b", 5.0, action="update", detail="drift"),
    )
    store.commit(EntryChange(key=key("a"), journal=lines))
    assert store.repairs(key("a"), 0.0) == 2
    assert store.repairs(key("a"), 2.0) == 1


def test_what_is_updated_again_and_again_is_found(store: LedgerStore) -> None:
    lines = [line("a", float(n), action="update") for n in range(5)]
    lines += [line("a", 9.0, action="update", outcome="rejected"), line("a", 9.0, action="index")]
    lines += [line("b", 8.0, action="update")]
    store.commit(EntryChange(key=key("a"), journal=tuple(lines)))
    assert store.restless("docs", since=2.0, least=3) == {"a": Restless(uploads=3, last=4.0)}
    assert store.restless("docs", since=2.0, least=4) == {}
    assert store.restless("other", since=0.0, least=1) == {}


def test_fingerprints_without_a_part_are_not_mixed_up(store: LedgerStore) -> None:
    put(store, entry("a", fingerprint=print_of("", "")))
    found = store.entry(key("a"))
    assert found is not None
    assert found.fingerprint == print_of("", "")


def test_names_of_pending_calls_are_those_of_the_base(store: LedgerStore) -> None:
    bound(store, "beside")
    bound(store, "elsewhere", "another base")
    for mirror in ("docs", "beside", "elsewhere"):
        pending = intent(f"{mirror}.md", mirror)
        store.commit(EntryChange(key=pending.key, intent=pending))
    assert store.pending_names(BASE) == {"docs.md", "beside.md"}


AUTO = one_rule("S")
NAMED = one_rule("S", encoding=("gbk", "euc_jp"))


def test_texts_that_were_taken_in_another_way(store: LedgerStore) -> None:
    bound(store)
    for path, encoding in [
        ("a", None),
        ("b", "cp932 (auto)"),
        ("c", "gbk (gbk, euc_jp)"),
        ("d", "utf-8 with tabs (auto)"),
        ("e", "gbk (gbk, eucxjp)"),
    ]:
        put(store, entry(path, encoding=encoding))
    assert [each.path for each in store.taken_otherwise("docs", AUTO)] == ["c", "e"]
    assert [each.path for each in store.taken_otherwise("docs", NAMED)] == ["b", "d", "e"]
    assert list(store.taken_otherwise("other", AUTO)) == []
