"""A ledger of an older format is upgraded with everything in it; one of a newer is refused."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from ledger_samples import bound, document, entry, key, put

from kbsync.engine.ports import EntryChange, ObservedListing
from kbsync.ledger import LedgerStore, engines, migrate, tenure
from kbsync.ledger.indexes import METADATA
from kbsync.ledger.location import find_location
from kbsync.ledger.sqlite_file import make_file
from kbsync.ledger.tables import APPLICATION_ID, REVISION
from kbsync.messages import Problem
from kbsync.model import (
    Binding,
    DocKey,
    EntryState,
    Fingerprint,
    Intent,
    JournalLine,
    LedgerEntry,
    Op,
    Ownership,
    Readiness,
    Rejection,
    RemoteDocument,
    Stat,
)
from kbsync.model.files import NO_CTIME

# Written by the code of format 0002, and dumped.
OF_0002 = Path(__file__).with_name("ledger_0002.sql")

NEXT = """
revision = "9999"
down_revision = "{before}"
branch_labels = None
depends_on = None

import sqlalchemy as sa
from alembic import op


def upgrade() -> None:
    op.add_column("bindings", sa.Column("note", sa.Text()))
    {after}
"""


def refusal(work: Callable[[], object]) -> str:
    with pytest.raises(Problem) as caught:
        work()
    return str(caught.value)


@pytest.fixture
def next_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Let the program know a format more; `after` runs at the end of its upgrade."""

    def learn(after: str = "pass") -> None:
        scripts = tmp_path / "a % folder" / "migrations"
        shutil.copytree(migrate.SCRIPTS, scripts, ignore=shutil.ignore_patterns("__pycache__"))
        (scripts / "versions" / "9999_next.py").write_text(
            NEXT.format(before=REVISION, after=after)
        )
        monkeypatch.setattr(migrate, "SCRIPTS", scripts)
        monkeypatch.setattr(migrate, "REVISION", "9999")

    return learn


def test_an_older_ledger_is_upgraded_and_kept(
    address: str, next_format: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    with LedgerStore.open(address) as store:
        put(bound(store), entry("a"))
    with monkeypatch.context():
        next_format()
        refused = refusal(lambda: LedgerStore.open(address, readonly=True))
        assert "KB-L027" in refused
        assert REVISION in refused
        with LedgerStore.open(address) as store:
            assert store.entry(key("a")) == entry("a")
        LedgerStore.open(address, readonly=True).close()
    monkeypatch.undo()
    for readonly in (True, False):
        refused = refusal(lambda: LedgerStore.open(address, readonly=readonly))  # noqa: B023
        assert "KB-L026" in refused
        assert "9999" in refused
    if not address.startswith("postgresql"):
        copy = Path(f"{address}.before-9999")
        assert copy.stat().st_mode & 0o777 == 0o600
        with LedgerStore.open(copy) as old:
            assert old.entry(key("a")) == entry("a")


def test_a_failed_upgrade_leaves_the_ledger_as_it_was(
    address: str, next_format: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    with LedgerStore.open(address) as store:
        put(bound(store), entry("a"))
    next_format('op.execute("SELECT * FROM nowhere")')
    refused = refusal(lambda: LedgerStore.open(address))
    assert "KB-L030" in refused
    assert "nowhere" in refused
    monkeypatch.undo()
    with LedgerStore.open(address) as store:
        assert store.entry(key("a")) == entry("a")
        bound(store)


@contextmanager
def _of_format(address: str, revision: str) -> Iterator[sa.Connection]:
    """Lend a connection to a new ledger of an older format."""
    location = find_location(address)
    make_file(location)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(migrate, "REVISION", revision)
        with engines.writer_engine(location, "").connect() as connection:
            if location.path is None:
                engines.prepare_schema(connection, location, make=True)
            with connection.begin():
                migrate.run_revisions(connection)
                if location.path is not None:
                    connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
                yield connection


def test_a_ledger_of_the_first_format_takes_its_listings_anew(address: str) -> None:
    with _of_format(address, "0001") as connection:
        for statement in (
            "INSERT INTO bindings VALUES ('docs', 's', 'B', 'Docs', '/docs', NULL)",
            "INSERT INTO entries (mirror, path, base_id, document_id, document_name, state, size,"
            " mtime_ns, inode, content, settings, metadata_hash, rev, word_count, failures) VALUES"
            " ('docs', 'a', 'B', 'doc-a', 'a', 'synced', 10, 20, 30, 'c', 'settings-now', 'm',"
            " 'rev', 7, 0)",
            "INSERT INTO listings VALUES ('B', 1.0, true, 0)",
        ):
            connection.exec_driver_sql(statement)
    with LedgerStore.open(address) as store:
        assert store.entry(key("a")) == entry("a", stat=Stat(10, 20, 30, NO_CTIME))
        assert store.listing("B") is None
        store.add_listed("B", [document("a", "1")])
        assert store.listed("B", "1") == document("a", "1")


@pytest.fixture
def of_0002(address: str) -> str:
    """The address of a ledger that the code of format 0002 wrote."""
    dump = OF_0002.read_text()
    if not address.startswith("postgresql"):
        make_file(find_location(address))
        with closing(sqlite3.connect(address)) as connection:
            connection.executescript(dump)
        return address
    with closing(sqlite3.connect(":memory:")) as source, _of_format(address, "0002") as target:
        source.executescript(dump)
        _copy_rows(source, target)
    return address


def _copy_rows(source: sqlite3.Connection, target: sa.Connection) -> None:
    found = sa.MetaData()
    found.reflect(target)
    for table in found.sorted_tables:
        if table.name == "alembic_version":
            continue
        cursor = source.execute(f"SELECT * FROM {table.name}")
        names = [column[0] for column in cursor.description]
        rows = [dict(zip(names, row, strict=True)) for row in cursor]
        target.execute(table.insert(), rows)
    # As SQLite has it in `sqlite_sequence`; on this database writers that connect are counted.
    target.exec_driver_sql("SELECT setval(pg_get_serial_sequence('journal', 'id'), 5)")
    target.exec_driver_sql("INSERT INTO meta VALUES ('generation', '41')")


def test_a_ledger_of_format_0002_holds_the_same_afterwards(of_0002: str) -> None:
    with LedgerStore.open(of_0002) as store:
        _holds_what_the_dump_says(store)
        assert store.health().faults == ()
    with LedgerStore.open(of_0002, readonly=True) as store:
        _holds_what_the_dump_says(store)


def _holds_what_the_dump_says(store: LedgerStore) -> None:
    server = "https://dify.example/v1"
    docs = Binding(
        mirror="docs",
        server=server,
        base_id="B",
        base_name="Docs",
        source="/srv/docs",
        device=2**63 + 5,
    )
    wiki = Binding(mirror="wiki", server=server, base_id="B2", base_name="Wiki", source="/srv/wiki")
    assert store.bindings() == (docs, wiki)
    assert list(store.entries("docs")) == [
        _entry("a.md"),
        _entry(
            "guides/it's; DROP TABLE entries; --.md",
            stat=Stat(2**62, -5, 2**64 - 1, NO_CTIME),
            retry_at=0.1 + 0.2,
            word_count=None,
        ),
        _entry("moved.md", superseded="doc-old"),
        _entry(
            "ü/\U0001f600.md",
            state=EntryState.FAILED,
            reason=("KB-R010", "the server said\nno"),
            failures=3,
            retry_at=1740000600.5,
        ),
    ]
    indexing = _entry("index.md", "wiki", state=EntryState.INDEXING, metadata_hash=None)
    assert list(store.entries("wiki")) == [indexing]
    _holds_calls_and_listings(store)
    _holds_what_stood_under_prefixed_keys(store)


def _entry(path: str, mirror: str = "docs", **changes: object) -> LedgerEntry:
    values: dict[str, object] = {
        "document_id": f"doc-{mirror}-{path}",
        "document_name": path.replace("/", "\u2215"),
        "batch": "20250101000000123456",
        "stat": Stat(10, 20, 30, NO_CTIME),
    }
    return entry(path, mirror=mirror, **(values | changes))


def _holds_calls_and_listings(store: LedgerStore) -> None:
    assert list(store.intents("docs")) == [
        Intent(
            key=key("a.md"),
            op=Op.UPDATE,
            name="a.md",
            started_at=1740000000.25,
            document_id="doc-docs-a.md",
            fingerprint=Fingerprint(content="new", settings="settings-now"),
            stat=Stat(11, 21, 2**64 - 1, NO_CTIME),
            ids_seen=frozenset({"x", "y"}),
            rev_before="rev",
            attempt=2,
        )
    ]
    assert list(store.refused("docs")) == [
        Rejection(
            key=key("large.pdf"),
            fingerprint=Fingerprint(content="refused", settings="settings-now"),
            reason=("KB-R001", "too large"),
            at=1740000001.5,
            stat=Stat(12, 22, 32, NO_CTIME),
        )
    ]
    assert store.history() == (
        (5, _line("wiki", "index.md", 1740000004.0, "delete", "done", "removed")),
        (4, _line("docs", "a.md", 1740000003.0, "update", "throttled", "drift")),
        (3, _line("docs", "a.md", 1740000002.125, "create", "done", "missing")),
    )
    listing = ObservedListing(started_at=1740000005.5, complete=True, documents=2)
    assert store.listing("B") == listing
    (marked,) = store.listed_marked("B", DocKey(mirror="docs", path="a.md"))
    assert marked.metadata["topic"] == "x"
    by_hand = RemoteDocument(
        id="hand",
        name="by hand.txt",
        rev="r2",
        word_count=None,
        readiness=Readiness.AVAILABLE,
        size=None,
        enabled=False,
    )
    assert store.listed("B", "hand") == by_hand


def _line(mirror: str, path: str, at: float, action: str, outcome: str, detail: str) -> JournalLine:
    return JournalLine(
        at=at,
        mirror=mirror,
        path=path,
        action=action,
        document_id=f"doc-{mirror}-{path}",
        outcome=outcome,
        milliseconds=12,
        detail=detail,
    )


def _holds_what_stood_under_prefixed_keys(store: LedgerStore) -> None:
    predecessors = frozenset({"before", "long before"})
    owners = {mirror: store.ownership(mirror) for mirror in ("docs", "drafts", "wiki", "100%")}
    assert owners == {
        "docs": Ownership(token="token-now", predecessors=predecessors, whole=False),
        "drafts": Ownership(token="token-of-a-mirror-without-a-base"),
        "wiki": Ownership(token="token-of-wiki"),
        "100%": None,
    }
    assert store.paused() == {"wiki": 1740000006.5, "100%:_paused": 1740000007.0}
    assert store.halts("") == {
        "ab" * 32: frozenset({"one", "two"}),
        "cd" * 32: frozenset({"three"}),
    }
    agreed = [store.agreed_at(mirror) for mirror in ("docs", "wiki", "drafts")]
    assert agreed == [1740000010.25, 1740000011.0, 0.0]
    assert store.high_water() == 1740000012.0625


def test_an_upgraded_ledger_works_on(of_0002: str) -> None:
    with LedgerStore.open(of_0002) as store:
        store.commit(
            EntryChange(key=key("a.md"), journal=(_line("docs", "a.md", 1.8e9, "c", "d", "e"),))
        )
        assert store.history(limit=1)[0][0] == 6
        assert store.high_water() == 1.8e9
        store.resume("wiki")
        store.agree("drafts", 1.9e9)
        store.note_halt("ab" * 32, frozenset({"four"}), 1.9e9)
        assert store.rename_mirror("wiki", "handbook") == 1
    with LedgerStore.open(of_0002) as store:
        assert store.paused() == {"100%:_paused": 1740000007.0}
        assert store.agreed_at("drafts") == 1.9e9
        assert store.halts("ab") == {"ab" * 32: frozenset({"four"})}
        assert store.ownership("handbook") == Ownership(token="token-of-wiki")
        assert store.clock.now() >= 1.8e9


def test_readers_of_a_ledger_of_format_0002_are_refused_until_it_is_upgraded(of_0002: str) -> None:
    assert "KB-L027" in refusal(lambda: LedgerStore.open(of_0002, readonly=True))
    LedgerStore.open(of_0002).close()
    LedgerStore.open(of_0002, readonly=True).close()
    if not of_0002.startswith("postgresql"):
        with closing(sqlite3.connect(f"{of_0002}.before-{REVISION}")) as kept:
            dump = "\n".join(kept.iterdump())
        assert dump in re.sub(r"(?m)^(--|PRAGMA).*\n", "", OF_0002.read_text())


@pytest.mark.parametrize("address", ["postgresql"], indirect=True)
def test_the_generation_of_a_ledger_goes_on(of_0002: str) -> None:
    """How often a process connected to write; a file has no generations."""
    for expected in (42, 43):
        with LedgerStore.open(of_0002) as store, store.database.snapshot() as connection:
            assert tenure.generation(connection) == expected


def _index(found: Mapping[str, Any]) -> tuple[str, ...]:
    options = found.get("dialect_options", {}).items()
    where = [f"{name} {what}" for name, what in options]
    return (found["name"], str(found["unique"]), *found["column_names"], *where)


def _made(connection: sa.Connection) -> dict[str, object]:
    """Return the tables, and the rows of those that are never empty."""
    found = sa.inspect(connection)
    rows = ["SELECT version_num FROM alembic_version", "SELECT id, high_water FROM meta"]
    return {row: connection.exec_driver_sql(row).all() for row in rows} | {
        name: {
            "columns": {each["name"]: (str(each["type"]), each["nullable"]) for each in columns},
            "key": found.get_pk_constraint(name),
            "references": found.get_foreign_keys(name),
            "checks": found.get_check_constraints(name),
            "indexes": sorted(_index(each) for each in found.get_indexes(name)),
            "options": found.get_table_options(name),
        }
        for (_, name), columns in found.get_multi_columns().items()
    }


def test_the_revisions_make_what_a_new_ledger_is_made_as(address: str) -> None:
    with _of_format(f"{address}_old", REVISION) as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
        by_revisions = _made(connection)
    LedgerStore.open(address).close()
    engine = engines.reader_engine(find_location(address), "")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
        anew = _made(connection)
    engine.dispose()
    assert anew == by_revisions
