"""The store against a dictionary: drawn histories must leave both with the same answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import count

import pytest
from declared import one_rule
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ledger_samples import SETTINGS, document, entry, intent, key, print_of, rejection

from kbsync.engine.ports import UNCHANGED, EntryChange, FileRow, ObservedListing, Unchanged
from kbsync.ledger import LedgerStore
from kbsync.model import (
    Binding,
    DocKey,
    EntryState,
    Intent,
    LedgerEntry,
    Readiness,
    Rejection,
    RemoteDocument,
    Stat,
)

PATHS = ["a", "a/b", "a'\n", "\u00e9", "\U0001f600"]
NUMBERS = count(1)


def mostly(usual: object, *others: object) -> st.SearchStrategy[object]:
    """Draw `usual` so often that keys with every part as usual, but one, are common."""
    return st.sampled_from([usual] * 12 + list(others))


fingerprints = mostly(print_of(), None, print_of("d", "old"))
stats = mostly(Stat(1, 2, 3, 1), None, Stat(4, 5, 2**64 - 1, 1))
entries = st.builds(
    entry,
    path=st.sampled_from(PATHS),
    state=mostly(EntryState.SYNCED, *EntryState),
    fingerprint=fingerprints,
    stat=stats,
    superseded=mostly(None, "old"),
    word_count=mostly(7, None),
)
rejections = st.builds(
    rejection,
    path=st.sampled_from(PATHS),
    stat=stats,
    fingerprint=mostly(print_of(), print_of("d", "old")),
)
kept: st.SearchStrategy[Unchanged | None] = st.sampled_from([UNCHANGED, UNCHANGED, None])
changes = st.tuples(
    st.sampled_from(PATHS),
    entries | entries | kept,
    kept | kept | kept | st.builds(intent, st.just("")),
    kept | kept | kept | rejections,
)
documents = st.builds(
    document,
    name=st.sampled_from(PATHS),
    word_count=mostly(7, None),
    rev=mostly("rev", "other"),
    readiness=mostly(Readiness.AVAILABLE, Readiness.ERROR),
    enabled=mostly(True, False),
)
marks = st.tuples(st.sampled_from([*PATHS, "new"]), mostly("rev", "copied"))


class Remembered:
    """What a ledger is, as plainly as it can be said."""

    def __init__(self, mirror: str, base: str) -> None:
        self.mirror = mirror
        self.base = base
        self.entries: dict[str, LedgerEntry] = {}
        self.intents: dict[str, Intent] = {}
        self.rejections: dict[str, Rejection] = {}
        self.documents: dict[str, RemoteDocument] = {}

    def key(self, path: str) -> DocKey:
        return key(path, self.mirror)

    def apply(self, change: EntryChange) -> None:
        parts = (
            (self.entries, change.entry),
            (self.intents, change.intent),
            (self.rejections, change.rejection),
        )
        for kept_parts, new in parts:
            if new is None:
                kept_parts.pop(change.key.path, None)
            elif not isinstance(new, Unchanged):
                kept_parts[change.key.path] = new  # type: ignore[index]

    def claimed(self) -> set[str]:
        held = {each.document_id for each in self.entries.values()}
        held |= {each.superseded or "" for each in self.entries.values()}
        return {
            each.metadata["kbsync_path"]
            for each in self.documents.values()
            if each.metadata.get("kbsync_mirror") == self.mirror
            and each.metadata["kbsync_rev"] == each.rev
            and each.id not in held
        }

    def foreign(self) -> set[str]:
        held = {each.document_id for each in self.entries.values()}
        held |= {each.superseded or "" for each in self.entries.values()}
        return {
            each.id
            for each in self.documents.values()
            if each.id not in held and each.metadata.get("kbsync_rev") != each.rev
        }

    def rows(self, listing: ObservedListing | None) -> Iterator[FileRow]:
        claimed = self.claimed() if listing else set()
        for path in sorted({*self.entries, *self.intents, *self.rejections, *claimed}):
            stat = None
            if path not in self.intents and path not in claimed:
                stat = self.presented(path, listing)
                if self.rests(path, listing):
                    stat = Stat(-2, 0, 0, -1)
            yield (path, *(stat or (-1, 0, 0, -1)))

    def rests(self, path: str, listing: ObservedListing | None) -> bool:
        known = self.entries.get(path)
        if known is None or known.state is not EntryState.TRASHED or known.superseded is not None:
            return False
        there = known.document_id in self.documents
        return there or listing is None or not listing.complete

    def presented(self, path: str, listing: ObservedListing | None) -> Stat | None:
        known, refused = self.entries.get(path), self.rejections.get(path)
        if known is not None and not self.sound(known, listing):
            return None
        if refused is not None:
            return refused.stat if refused.fingerprint.settings == SETTINGS else None
        assert known is not None
        settled = known.fingerprint is not None and known.fingerprint.settings == SETTINGS
        return known.stat if settled else None

    def sound(self, known: LedgerEntry, listing: ObservedListing | None) -> bool:
        if known.state is not EntryState.SYNCED or known.superseded is not None:
            return False
        listed_now = self.documents.get(known.document_id)
        if listing is None or (listed_now is None and not listing.complete):
            return True
        return (
            listed_now is not None
            and (listed_now.rev, listed_now.word_count) == (known.rev, known.word_count)
            and listed_now.readiness is Readiness.AVAILABLE
            and listed_now.enabled
        )


def _with_key(change: tuple[object, ...], model: Remembered) -> EntryChange:
    path, *parts = change
    name = model.key(str(path))
    fitted = [
        each if each is None or isinstance(each, Unchanged) else _for(each, name) for each in parts
    ]
    return EntryChange(key=name, entry=fitted[0], intent=fitted[1], rejection=fitted[2])  # type: ignore[arg-type]


def _for(part: object, name: DocKey) -> object:
    if isinstance(part, LedgerEntry):
        return replace(part, key=name, document_id=f"doc-{name.path}")
    return replace(part, key=name)  # type: ignore[type-var]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LedgerStore]:
    with LedgerStore.open(tmp_path_factory.mktemp("model") / "ledger.db") as store:
        yield store


@pytest.fixture(scope="module")
def shared_on_server(request: pytest.FixtureRequest) -> Iterator[LedgerStore]:
    with LedgerStore.open(request.getfixturevalue("cluster").url("model")) as store:
        yield store


def _check(
    store: LedgerStore,
    groups: list[list[tuple[object, ...]]],
    listed: list[tuple[RemoteDocument, tuple[str, str] | None]],
) -> None:
    number = next(NUMBERS)
    model = Remembered(f"mirror{number}", f"base{number}")
    store.bind(
        Binding(
            mirror=model.mirror, server="s", base_id=model.base, base_name="b", source="/source"
        )
    )
    for group in groups:
        fitted = [_with_key(change, model) for change in group]
        store.commit_all(fitted)
        for change in fitted:
            model.apply(change)
    _tell(store, model, listed)
    for path in PATHS:
        assert store.entry(model.key(path)) == model.entries.get(path)
        assert store.intent(model.key(path)) == model.intents.get(path)
        assert store.rejection(model.key(path)) == model.rejections.get(path)
    assert [each.key.path for each in store.entries(model.mirror)] == sorted(model.entries)
    for listing in (
        None,
        ObservedListing(started_at=1.0, complete=True, documents=1),
        ObservedListing(started_at=1.0, complete=False, documents=1),
    ):
        rows = store.rows(model.mirror, one_rule(SETTINGS), listing=listing)
        # Without a size the rest says nothing.
        found = [row if row[1] >= 0 else (*row[:2], 0, 0, -1) for row in rows]
        assert found == list(model.rows(listing)), listing
    assert {each.id for each in store.foreign(model.base)} == model.foreign()


def _tell(
    store: LedgerStore,
    model: Remembered,
    listed: list[tuple[RemoteDocument, tuple[str, str] | None]],
) -> None:
    store.begin_listing(model.base)
    for number, (listed_now, mark) in enumerate(listed):
        metadata = {}
        if mark is not None:
            metadata = {
                "kbsync_mirror": model.mirror,
                "kbsync_path": mark[0],
                "kbsync_rev": mark[1],
            }
        id = listed_now.id if number % 3 else f"stray-{number}"
        fitted = replace(listed_now, id=id, metadata=metadata)
        model.documents[id] = fitted
        store.add_listed(model.base, [fitted])


histories = st.lists(st.lists(changes, min_size=4, max_size=8), min_size=1, max_size=4)
listings = st.lists(st.tuples(documents, st.none() | marks), min_size=2, max_size=8)
unhurried = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@unhurried
@given(groups=histories, listed=listings)
@pytest.mark.seconds(10)
def test_a_drawn_history_on_sqlite(
    shared: LedgerStore,
    groups: list[list[tuple[object, ...]]],
    listed: list[tuple[RemoteDocument, tuple[str, str] | None]],
) -> None:
    _check(shared, groups, listed)


@unhurried
@given(groups=histories, listed=listings)
def test_a_drawn_history_on_postgresql(
    shared_on_server: LedgerStore,
    groups: list[list[tuple[object, ...]]],
    listed: list[tuple[RemoteDocument, tuple[str, str] | None]],
) -> None:
    _check(shared_on_server, groups, listed)
