"""What a pass over everything reads from the ledger: one story per reason to look again."""

from __future__ import annotations

from dataclasses import replace
from threading import Thread

import pytest
from declared import one_rule
from ledger_samples import (
    BASE,
    HOSTILE,
    SETTINGS,
    bound,
    document,
    entry,
    intent,
    key,
    marked,
    print_of,
    put,
    rejection,
)

from kbsync.engine.ports import EntryChange, FileRow, ObservedListing
from kbsync.ledger import LedgerStore
from kbsync.model import DocumentRule, EntryState, Readiness, RemoteDocument, Stat
from kbsync.model.declared import OFF
from kbsync.planning.marks import values_hash
from kbsync.planning.path_range import PathRange

COMPLETE = ObservedListing(started_at=1.0, complete=True, documents=1)
PARTIAL = ObservedListing(started_at=1.0, complete=False, documents=1)
SETTLED: FileRow = ("a", 10, 20, 30, 1)
UNSETTLED: FileRow = ("a", -1, 0, 0, -1)


def rows(store: LedgerStore, listing: ObservedListing | None = None) -> list[FileRow]:
    found = store.rows("docs", one_rule(SETTINGS), listing=listing)
    return [row if row[1] >= 0 else (row[0], *UNSETTLED[1:]) for row in found]


def list_documents(
    store: LedgerStore, *documents: RemoteDocument, listing: ObservedListing = COMPLETE
) -> None:
    store.begin_listing(BASE)
    store.add_listed(BASE, documents)
    store.end_listing(BASE, listing)


def test_a_synced_file_presents_its_stat(store: LedgerStore) -> None:
    put(store, entry("a"))
    assert rows(store) == [SETTLED]
    assert rows(store, PARTIAL) == [SETTLED]


@pytest.mark.parametrize(
    "changes",
    [
        {"state": EntryState.INDEXING},
        {"state": EntryState.FAILED, "reason": ("c", "s")},
        {"stale": ("KB-S007", "empty")},
        {"fingerprint": None},
        {"fingerprint": print_of(settings="old")},
        {"stat": None},
        {"superseded": "old"},
    ],
)
def test_an_entry_with_work_to_do_is_unsettled(
    store: LedgerStore, changes: dict[str, object]
) -> None:
    put(store, entry("a", **changes))
    list_documents(store, document("a"))
    assert rows(store) == [UNSETTLED]
    assert rows(store, COMPLETE) == [UNSETTLED]


@pytest.mark.parametrize("by_path", [False, True])
@pytest.mark.parametrize(
    ("expires_at", "now", "listed", "size"),
    [
        (None, 0.0, True, -2),
        (None, 1e12, True, -2),
        (None, float("inf"), True, -1),
        (9.0, 8.0, True, -2),
        (9.0, 9.0, True, -1),
        (9.0, float("inf"), True, -1),
        (None, 0.0, False, -1),
    ],
)
def test_the_trash_rests_until_its_time_is_over_or_its_document_is_gone(
    store: LedgerStore,
    expires_at: float | None,
    now: float,
    listed: bool,
    size: int,
    by_path: bool,
) -> None:
    put(store, entry("a", state=EntryState.TRASHED, trashed_at=1.0, expires_at=expires_at))
    off = replace(document("a"), readiness=Readiness.DISABLED, enabled=False)
    list_documents(store, *([off] if listed else []))
    rules = ByPath() if by_path else one_rule("another")
    (row,) = store.rows("docs", rules, listing=COMPLETE, marked=True, now=now)
    assert row[:2] == ("a", size)
    (row,) = store.rows("docs", rules, listing=PARTIAL, now=now)
    assert row[1] == (size if listed else -2)
    store.commit(EntryChange(key=key("a"), intent=intent("a")))
    assert [row[1] for row in store.rows("docs", rules, listing=COMPLETE, now=now)] == [-1]


def test_an_intent_unsettles_and_a_lone_one_is_there(store: LedgerStore) -> None:
    put(store, entry("b"))
    store.commit(EntryChange(key=key("b"), intent=intent("b")))
    store.commit(EntryChange(key=key("a"), intent=intent("a"), rejection=rejection("a")))
    assert rows(store) == [("a", -1, 0, 0, -1), ("b", -1, 0, 0, -1)]


@pytest.mark.parametrize(
    "changes",
    [
        {"rev": "other"},
        {"word_count": 8},
        {"word_count": None},
        {"readiness": Readiness.ERROR},
        {"readiness": Readiness.DISABLED},
        {"enabled": False},
    ],
)
@pytest.mark.parametrize("listing", [COMPLETE, PARTIAL])
def test_a_document_told_otherwise_unsettles(
    store: LedgerStore, changes: dict[str, object], listing: ObservedListing
) -> None:
    put(store, entry("a"))
    list_documents(store, replace(document("a"), **changes))  # type: ignore[arg-type]
    assert rows(store, listing) == [UNSETTLED]
    assert rows(store) == [SETTLED]


@pytest.mark.parametrize(
    ("changes", "settled"),
    [
        ({"readiness": Readiness.DISABLED, "enabled": False}, True),
        ({}, False),
        ({"readiness": Readiness.DISABLED, "enabled": False, "word_count": 8}, False),
        ({"readiness": Readiness.ARCHIVED, "enabled": False}, False),
    ],
)
@pytest.mark.parametrize("listing", [COMPLETE, PARTIAL])
def test_what_is_declared_disabled_is_settled_while_it_is(
    store: LedgerStore, changes: dict[str, object], settled: bool, listing: ObservedListing
) -> None:
    put(store, entry("a", profile=f"declared{OFF}"))
    list_documents(store, replace(document("a"), **changes))  # type: ignore[arg-type]
    (row,) = store.rows("docs", one_rule(SETTINGS, profile=f"declared{OFF}"), listing=listing)
    assert row[1] == (SETTLED if settled else UNSETTLED)[1]


def test_only_a_complete_listing_proves_absence(store: LedgerStore) -> None:
    put(store, entry("a"))
    list_documents(store, document("other"))
    assert rows(store, PARTIAL) == [SETTLED]
    assert rows(store, COMPLETE) == [UNSETTLED]


def test_a_document_of_another_base_is_no_evidence(store: LedgerStore) -> None:
    put(store, entry("a"))
    store.begin_listing("B2")
    store.add_listed("B2", [document("a")])
    assert rows(store, COMPLETE) == [UNSETTLED]


def test_a_valid_mark_brings_its_path(store: LedgerStore) -> None:
    list_documents(
        store,
        marked("kept", "d1"),
        marked("kept", "d2"),
        marked("copied", "d3", rev="of another"),
        marked("elsewhere", "d4", mirror="other"),
        document("plain"),
    )
    assert rows(store, COMPLETE) == [("kept", -1, 0, 0, -1)]
    assert rows(store, PARTIAL) == [("kept", -1, 0, 0, -1)]
    assert rows(store) == []


def test_a_second_document_of_ours_unsettles(store: LedgerStore) -> None:
    put(store, entry("a"), entry("b"))
    twin = marked("b", "twin")
    list_documents(store, marked("a", "doc-a"), marked("b", "doc-b"), twin)
    assert rows(store, COMPLETE) == [SETTLED, ("b", -1, 0, 0, -1)]


@pytest.mark.parametrize("held", [{"document": "d1"}, {"document": "d2", "superseded": "d1"}])
def test_a_moved_document_does_not_claim_its_old_path(
    store: LedgerStore, held: dict[str, str]
) -> None:
    put(store, entry("new", **held))
    list_documents(store, marked("old", "d1"))
    assert [path for path, *_ in rows(store, COMPLETE)] == ["new"]
    assert store.listed_marked(BASE, key("old")) == ()
    assert store.listed_marked(BASE, key("new")) == ()


def test_a_superseded_document_claims_nothing(store: LedgerStore) -> None:
    put(store, entry("new", "d2", superseded="d1"))
    list_documents(store, marked("old", "d1"), marked("new", "d2"))
    assert rows(store, COMPLETE) == [("new", -1, 0, 0, -1)]


def test_an_unchanged_refused_file_is_not_read_again(store: LedgerStore) -> None:
    store.commit(EntryChange(key=key("a"), rejection=rejection("a")))
    assert rows(store) == [("a", 12, 22, 32, 1)]
    store.commit(
        EntryChange(key=key("a"), rejection=rejection("a", fingerprint=print_of("x", "old")))
    )
    assert rows(store) == [UNSETTLED]
    store.commit(EntryChange(key=key("a"), rejection=rejection("a", stat=None)))
    assert rows(store) == [UNSETTLED]


def test_a_refused_edit_presents_the_refused_file(store: LedgerStore) -> None:
    put(store, entry("a", fingerprint=print_of(settings="old")))
    list_documents(store, document("a"))
    store.commit(EntryChange(key=key("a"), rejection=rejection("a")))
    assert rows(store, COMPLETE) == [("a", 12, 22, 32, 1)]
    list_documents(store, document("a", word_count=9))
    assert rows(store, COMPLETE) == [UNSETTLED]


def test_a_document_that_came_after_all_unsettles_its_refusal(store: LedgerStore) -> None:
    store.commit(EntryChange(key=key("a"), rejection=rejection("a")))
    list_documents(store, marked("a", "late"))
    assert rows(store, COMPLETE) == [UNSETTLED]


def test_all_kinds_come_in_one_code_point_order(store: LedgerStore) -> None:
    kinds = ("entry", "intent", "rejection", "mark")
    by_kind = {kind: HOSTILE[at :: len(kinds)] for at, kind in enumerate(kinds)}
    put(store, *(entry(path) for path in by_kind["entry"]))
    for path in by_kind["intent"]:
        store.commit(EntryChange(key=key(path), intent=intent(path)))
    for path in by_kind["rejection"]:
        store.commit(EntryChange(key=key(path), rejection=rejection(path)))
    list_documents(store, *(marked(path, f"m{n}") for n, path in enumerate(by_kind["mark"])))
    assert [row[0] for row in rows(store, PARTIAL)] == sorted(HOSTILE)


def test_numbers_of_64_bits_come_back(store: LedgerStore) -> None:
    put(store, entry("a", stat=Stat(2**40, -1, 2**64 - 2, 1)))
    assert rows(store) == [("a", 2**40, -1, 2**64 - 2, 1)]


def test_mirrors_are_kept_apart(store: LedgerStore) -> None:
    bound(store, "other", "B2")
    put(store, entry("a"), entry("a", mirror="other", stat=Stat(1, 2, 3, 1)))
    assert rows(store) == [SETTLED]
    assert list(store.rows("other", one_rule(SETTINGS))) == [("a", 1, 2, 3, 1)]


def test_a_stream_shows_one_moment_while_others_write(store: LedgerStore) -> None:
    put(store, *(entry(f"{n:05}") for n in range(3000)))
    stream = store.rows("docs", one_rule(SETTINGS), listing=None)
    seen = [next(stream)]
    store.commit_all([EntryChange(key=key(f"{n:05}"), entry=None) for n in range(3000)])
    put(store, entry("zz"))
    reader = Thread(target=lambda: seen.extend(stream))
    reader.start()
    reader.join(timeout=30)
    assert [row[0] for row in seen] == [f"{n:05}" for n in range(3000)]
    assert [row[0] for row in rows(store)] == ["zz"]


class ByPath:
    """Rules that differ by path: what ends with ``.pdf`` has settings and a profile of its own."""

    shared = None

    def of(self, path: str) -> DocumentRule:
        return (PDF if path.endswith(".pdf") else ONE_RULE).shared


ONE_RULE = one_rule(SETTINGS)
PDF = one_rule("of pdf", profile="kept")


@pytest.mark.parametrize("listing", [None, COMPLETE])
def test_where_rules_differ_by_path_each_row_is_held_against_its_own(
    store: LedgerStore, listing: ObservedListing | None
) -> None:
    of_pdf = print_of(settings="of pdf")
    for path, changes in {
        "a.md": {"profile": ""},
        "b.md": {"fingerprint": of_pdf},
        "c.md": {"profile": "kept"},
        "d.pdf": {"fingerprint": of_pdf, "profile": "kept"},
        "e.pdf": {"fingerprint": of_pdf},
        "f.pdf": {"profile": "kept"},
    }.items():
        put(store, entry(path, document_id=f"doc-{path}", **changes))
    for path, settings in {"g.pdf": SETTINGS, "h.pdf": "of pdf", "i.md": SETTINGS}.items():
        refused = rejection(path, fingerprint=print_of(settings=settings))
        store.commit(EntryChange(key=key(path), rejection=refused))
    store.commit(EntryChange(key=key("j.md"), intent=intent("j.md")))
    if listing is not None:
        paths = ("a.md", "b.md", "c.md", "d.pdf", "e.pdf", "f.pdf")
        list_documents(store, *map(document, paths))
    found = store.rows("docs", ByPath(), listing=listing)
    assert [row[0] for row in found if row[1] >= 0] == ["a.md", "d.pdf", "h.pdf", "i.md"]


def test_a_profile_of_all_paths_is_compared_too(store: LedgerStore) -> None:
    sent = print_of(settings="of pdf")
    put(store, entry("a.pdf", document_id="a", fingerprint=sent))
    put(store, entry("b.pdf", document_id="b", fingerprint=sent, profile="kept"))
    found = store.rows("docs", PDF, listing=None)
    assert [row[0] for row in found if row[1] >= 0] == ["b.pdf"]


def test_a_declared_value_that_is_listed_otherwise_unsettles(store: LedgerStore) -> None:
    mark = {"kbsync_mirror": "docs", "kbsync_path": "a", "kbsync_fingerprint": "x:y"}
    written = {**mark, "kbsync_rev": "rev"}
    values = {"team": "docs", "rank": 3}
    put(store, entry("a", metadata=values, metadata_hash=values_hash(written)))

    def listed(**more: str) -> list[FileRow]:
        list_documents(store, document("a", metadata={**written, **more}))
        found = store.rows("docs", one_rule(SETTINGS), listing=COMPLETE, marked=True)
        return [row if row[1] >= 0 else (row[0], *UNSETTLED[1:]) for row in found]

    assert listed(team="docs", rank="3.0", theirs="x") == [SETTLED]
    assert listed(team="web", rank="3") == [UNSETTLED]
    assert listed(team="docs") == [UNSETTLED]


@pytest.mark.parametrize("by_path", [False, True])
@pytest.mark.parametrize("within", [PathRange("b"), PathRange("", "b"), PathRange("b", "c/x")])
def test_a_part_has_its_rows_of_every_kind(
    store: LedgerStore, within: PathRange, *, by_path: bool
) -> None:
    put(store, entry("a"), entry("b/entry"), entry("c/y"))
    store.commit(EntryChange(key=key("a/pending"), intent=intent("a/pending")))
    store.commit(EntryChange(key=key("c/pending"), intent=intent("c/pending")))
    store.commit(EntryChange(key=key("a/refused"), rejection=rejection("a/refused")))
    store.commit(EntryChange(key=key("c/refused"), rejection=rejection("c/refused")))
    list_documents(store, marked("b/marked", "d1"), marked("c/x/marked", "d2"))
    rules = ByPath() if by_path else one_rule(SETTINGS)
    whole = list(store.rows("docs", rules, listing=PARTIAL))
    assert len(whole) == 9
    part = list(store.rows("docs", rules, listing=PARTIAL, within=within))
    assert part == [row for row in whole if row[0] in within]
    assert [each.key.path for each in store.refused("docs", within)] == [
        path for path in ("a/refused", "c/refused") if path in within
    ]
    store.note_unmet("docs", {"a": ("C", "why"), "c": ("C", "why")})
    assert [*store.unmet("docs", within)] == [path for path in ("a", "c") if path in within]
