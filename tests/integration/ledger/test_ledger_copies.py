"""A ledger is checked, backed up, and copied from one database to the other and back."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from cluster import Cluster
from declared import one_rule
from ledger_samples import (
    BASE,
    HOSTILE,
    bound,
    document,
    entry,
    intent,
    key,
    line,
    marked,
    put,
    rejection,
)

from kbsync.engine.ports import EntryChange, ObservedListing
from kbsync.ledger import LedgerStore
from kbsync.ledger.maintenance import BATCH
from kbsync.messages import Problem
from kbsync.model import LedgerEntry, Stat

Fresh = Callable[[str], str]


@pytest.fixture
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> Fresh:
    """Make the address of a ledger that no other test uses, on ``sqlite`` or ``postgresql``."""
    numbers = iter(range(100))

    def made(kind: str) -> str:
        if kind == "sqlite":
            return str(tmp_path / f"ledger{next(numbers)}.db")
        running: Cluster = request.getfixturevalue("cluster")
        return running.fresh()

    return made


def filled(store: LedgerStore) -> LedgerStore:
    """Something in every table, more than a batch of it in one, and odd values."""
    bound(bound(store), "other", "B2")
    put(store, *(entry(path, f"id-{n}") for n, path in enumerate(HOSTILE)))
    put(
        store,
        entry("huge", stat=Stat(2**62, -5, 2**64 - 1, 1), retry_at=0.1 + 0.2, word_count=None),
    )
    for path in HOSTILE:
        store.commit(EntryChange(key=key(path), intent=intent(path), rejection=rejection(path)))
    lines = tuple(line("a", at=n / 7, detail=f"ü{n}") for n in range(BATCH + 5))
    store.commit(EntryChange(key=key("a"), journal=lines))
    store.begin_listing(BASE)
    store.add_listed(BASE, [document("x\u2215y.md"), marked("z.md", "D9")])
    store.end_listing(BASE, ObservedListing(started_at=1.25, complete=True, documents=2))
    return store


def contents(store: LedgerStore) -> list[object]:
    listed = [store.listed_named(BASE, name) for name in ("x\u2215y.md", "z.md")]
    kept: list[object] = [*store.entries("docs"), *store.intents("docs"), *store.refused("docs")]
    return [
        *kept,
        *(store.history(limit=10_000), store.bindings(), store.listing(BASE), listed),
        *(list(store.rows("docs", one_rule("settings-now"))), store.high_water()),
    ]


def refusal(work: Callable[[], object]) -> str:
    with pytest.raises(Problem) as caught:
        work()
    return str(caught.value)


WAYS = [(one, other) for one in ("sqlite", "postgresql") for other in ("sqlite", "postgresql")]


@pytest.mark.parametrize(("one", "other"), WAYS)
def test_a_copy_is_the_same_ledger(fresh: Fresh, one: str, other: str) -> None:
    with (
        LedgerStore.open(fresh(one)) as store,
        LedgerStore.open(fresh(other)) as copy,
        LedgerStore.open(fresh(one)) as back,
    ):
        there = filled(store).copy_to(copy)
        assert there.rows["entries"] == len(HOSTILE) + 1
        assert there.rows["journal"] == BATCH + 5
        assert contents(copy) == contents(store)
        assert copy.copy_to(back) == there
        assert contents(back) == contents(store)
        assert copy.health().faults == ()

        # The copy goes on: a number that a reader may have seen is not given to another line.
        newest = store.history(limit=1)[0][0]
        copy.commit(EntryChange(key=key("a"), journal=(line("a", at=1e6),)))
        assert copy.history(limit=1)[0][0] > newest
        copy.add_listed(BASE, [document("new.md")])
        assert copy.listed_named(BASE, "new.md")


@pytest.mark.parametrize(("one", "other"), WAYS)
def test_a_number_that_was_pruned_does_not_come_back(fresh: Fresh, one: str, other: str) -> None:
    with LedgerStore.open(fresh(one)) as store, LedgerStore.open(fresh(other)) as copy:
        bound(store).commit(EntryChange(key=key("a"), journal=(line("a"), line("a"))))
        newest = store.history(limit=1)[0][0]
        assert store.prune_journal(1e9) == 2
        store.copy_to(copy)
        copy.commit(EntryChange(key=key("a"), journal=(line("a"),)))
        assert copy.history(limit=1)[0][0] > newest


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_nothing_is_copied_over_anything(fresh: Fresh, kind: str) -> None:
    with LedgerStore.open(fresh("sqlite")) as store, LedgerStore.open(fresh(kind)) as taken:
        put(bound(store), entry("a"))
        bound(taken)
        assert "KB-L063" in refusal(lambda: store.copy_to(taken))
        assert taken.counts("docs") == {}


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_copy_that_differs_is_refused(
    fresh: Fresh, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The copy is changed between writing and reading back."""
    with LedgerStore.open(fresh(kind)) as store, LedgerStore.open(fresh(kind)) as copy:
        put(bound(store), entry("a"))
        snapshot = copy._database.snapshot

        def meddled() -> object:
            put(copy, replace(entry("a"), rev="another"))
            return snapshot()

        monkeypatch.setattr(copy._database, "snapshot", meddled)
        assert "KB-L065" in refusal(lambda: store.copy_to(copy))


def test_a_backup_is_a_ledger(address: str, tmp_path: Path) -> None:
    file = tmp_path / "copy.db"
    with LedgerStore.open(address) as store:
        before = contents(filled(store))
        with LedgerStore.open(address, readonly=True) as beside:
            beside.backup(file)
        put(store, entry("later"))
        assert "KB-L060" in refusal(lambda: store.backup(file))
        assert "KB-L061" in refusal(lambda: store.backup(tmp_path / "nowhere" / "copy.db"))
    assert file.stat().st_mode & 0o777 == 0o600
    assert not [each for each in tmp_path.iterdir() if each.name.startswith((".copy", "copy.db."))]
    with LedgerStore.open(file, readonly=True) as old:
        assert contents(old) == before
        assert old.health().faults == ()


def test_health_counts_what_is_there(store: LedgerStore) -> None:
    put(store, entry("a"), entry("b"))
    store.commit(EntryChange(key=key("a"), intent=intent("a")))
    health = store.health()
    assert health.faults == ()
    assert health.entries == {"docs": {"synced": 2}}
    assert [each.key.path for each in health.intents] == ["a"]
    assert (health.rows["entries"], health.rows["intents"], health.rows["journal"]) == (2, 1, 0)


def test_a_row_that_cannot_be_read_is_named(address: str) -> None:
    def state_of(each: LedgerEntry) -> str:
        return each.state

    with LedgerStore.open(address) as store:
        put(bound(store), entry("a"), entry("b"))
        with store._database.writing() as connection:
            connection.exec_driver_sql("UPDATE entries SET state = 'happy' WHERE path = 'b'")
        (fault,) = store.health().faults
        assert fault.startswith("a row of entries cannot be read (docs b): 'happy'")
        assert state_of(next(store.entries("docs"))) == "synced"


def test_damage_is_reported(tmp_path: Path) -> None:
    file = tmp_path / "ledger.db"
    with LedgerStore.open(file) as store:
        put(bound(store), *(entry(f"{n:04}", f"id-{n}") for n in range(2000)))
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        sql = "UPDATE sqlite_master SET rootpage = 2 WHERE name = 'ux_entries_document'"
        connection.execute(sql)
        connection.commit()
    with LedgerStore.open(file, readonly=True) as store:
        assert store.health().faults
