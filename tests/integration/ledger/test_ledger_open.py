"""Opening: one writer, readers beside it, and everything that may stand where a ledger should."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from unittest import mock

import pytest
from ledger_samples import bound, entry, key, line, put
from sqlalchemy import Connection

from kbsync.engine.ports import EntryChange
from kbsync.ledger import LedgerStore, database
from kbsync.ledger.lock import advisory_key
from kbsync.messages import Problem

HOLD = """
import sys
from kbsync.ledger import LedgerStore
store = LedgerStore.open(sys.argv[1], command="kbsync run")
print("open", flush=True)
sys.stdin.read()
"""


@contextmanager
def another_process(address: str) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the ledger until its input ends."""
    pipe = subprocess.PIPE
    arguments = [sys.executable, "-c", HOLD, address]
    with subprocess.Popen(arguments, stdin=pipe, stdout=pipe, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        try:
            yield holder
        finally:
            holder.kill()


def refusal(work: Callable[[], object]) -> str:
    with pytest.raises(Problem) as caught:
        work()
    return str(caught.value)


def test_the_holder_is_named(address: str) -> None:
    with another_process(address) as holder:
        refused = refusal(lambda: LedgerStore.open(address))
    assert "KB-L021" in refused
    assert f"process {holder.pid} on {socket.gethostname()[:24]}" in refused
    assert "kbsync run" in refused
    assert "next: " in refused


def test_a_dead_holder_is_no_obstacle(address: str) -> None:
    with another_process(address) as holder:
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        # A server needs a moment to see that its client died: the lock is its session's.
        store = _open_soon(address)
        assert store.counts("docs") == {}
        store.close()


def _open_soon(address: str) -> LedgerStore:
    for _ in range(2000):
        try:
            return LedgerStore.open(address)
        except Problem as problem:
            if not address.startswith("postgresql"):
                raise
            last = problem
    raise last


def test_two_in_one_process_exclude_each_other(address: str) -> None:
    with LedgerStore.open(address):
        assert "KB-L021" in refusal(lambda: LedgerStore.open(address))
    LedgerStore.open(address).close()


def test_the_next_writer_opens_it_as_soon_as_the_last_has_closed_it(address: str) -> None:
    """PostgreSQL may notice much later that the connection ended."""
    store = LedgerStore.open(address)
    with mock.patch.object(Connection, "close"):
        store.close()
    LedgerStore.open(address).close()


def test_a_lock_file_with_nonsense_in_it_is_taken(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.db"
    lock = tmp_path / "ledger.db.lock"
    lock.write_bytes(b"\xff[1")
    with LedgerStore.open(ledger, command="kbsync apply"):
        holder = json.loads(lock.read_text())
        assert (holder["pid"], holder["command"]) == (str(os.getpid()), "kbsync apply")
        lock.write_bytes(b"[]")
        assert "process unknown" in refusal(lambda: LedgerStore.open(ledger))


def test_a_linked_lock_file_is_refused(tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_text("keep me")
    (tmp_path / "ledger.db.lock").symlink_to(target)
    assert "KB-L022" in refusal(lambda: LedgerStore.open(tmp_path / "ledger.db"))
    assert target.read_text() == "keep me"


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    ledger = tmp_path / "new" / "state" / "ledger.db"
    with LedgerStore.open(ledger) as store:
        bound(store)
        modes = {each.name: each.stat().st_mode & 0o777 for each in ledger.parent.iterdir()}
        assert set(modes) >= {"ledger.db", "ledger.db-wal", "ledger.db.lock"}
        assert set(modes.values()) == {0o600}
        assert ledger.parent.stat().st_mode & 0o777 == 0o700
        assert ledger.parent.parent.stat().st_mode & 0o777 == 0o700


def test_a_reader_sees_what_was_committed(address: str) -> None:
    with LedgerStore.open(address) as writer:
        put(bound(writer), entry("a"))
        with LedgerStore.open(address, readonly=True) as reader:
            assert reader.entry(key("a")) == entry("a")
            stream = reader.entries("docs")
            put(writer, entry("b"))
            assert reader.counts("docs") == {"synced": 2}
            assert [each.key.path for each in stream] == ["a", "b"]
            assert "KB-L047" in refusal(lambda: put(reader, entry("c")))
    with LedgerStore.open(address, readonly=True) as reader:
        assert reader.counts("docs") == {"synced": 2}


def test_a_reader_makes_nothing(address: str) -> None:
    refused = refusal(lambda: LedgerStore.open(address, readonly=True))
    assert "KB-L020" in refused
    assert "kbsync apply" in refused
    if not address.startswith("postgresql"):
        assert not Path(address).parent.exists()


def test_an_empty_file_is_no_ledger_yet(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.db"
    ledger.touch()
    assert "KB-L020" in refusal(lambda: LedgerStore.open(ledger, readonly=True))
    LedgerStore.open(ledger).close()
    LedgerStore.open(ledger, readonly=True).close()


@pytest.mark.parametrize("readonly", [True, False])
def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path, readonly: bool) -> None:
    ledger = tmp_path / "notes.txt"
    ledger.write_bytes(b"my notes, which are precious\n" * 100)
    before = ledger.read_bytes()
    assert "KB-L023" in refusal(lambda: LedgerStore.open(ledger, readonly=readonly))
    assert ledger.read_bytes() == before


@pytest.mark.parametrize("readonly", [True, False])
def test_another_database_is_left_alone(tmp_path: Path, readonly: bool) -> None:
    ledger = tmp_path / "shop.db"
    with closing(sqlite3.connect(ledger)) as other:
        other.execute("CREATE TABLE meta (key TEXT)")
    before = ledger.read_bytes()
    assert "KB-L025" in refusal(lambda: LedgerStore.open(ledger, readonly=readonly))
    assert ledger.read_bytes() == before


def test_a_damaged_ledger_is_refused(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.db"
    with LedgerStore.open(ledger) as store:
        put(bound(store), *(entry(f"{n:04}") for n in range(500)))
        assert store.check() == ()
    whole = bytearray(ledger.read_bytes())
    leaf = whole.index(b"settings-now") // 4096 * 4096
    whole[leaf : leaf + 200] = b"\x7f" * 200
    ledger.write_bytes(whole)
    refused = refusal(lambda: LedgerStore.open(ledger))
    assert "KB-L024" in refused
    assert "kbsync plan" in refused
    with LedgerStore.open(ledger, readonly=True) as reader:
        assert reader.check() != ()
        assert "KB-L024" in refusal(lambda: list(reader.entries("docs")))


def test_another_schema_is_left_alone(cluster: object) -> None:
    cluster.query("CREATE SCHEMA shop")  # type: ignore[attr-defined]
    cluster.query("CREATE TABLE shop.meta (key text)")  # type: ignore[attr-defined]
    url = cluster.url("shop")  # type: ignore[attr-defined]
    assert "KB-L025" in refusal(lambda: LedgerStore.open(url))
    assert "KB-L025" in refusal(lambda: LedgerStore.open(url, readonly=True))


def test_a_database_that_is_not_utf8_is_refused(cluster: object) -> None:
    cluster.query("CREATE DATABASE old ENCODING 'LATIN1' TEMPLATE template0")  # type: ignore[attr-defined]
    url = cluster.url("kbsync", "old")  # type: ignore[attr-defined]
    refused = refusal(lambda: LedgerStore.open(url))
    assert "KB-L029" in refused
    assert "LATIN1" in refused


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    pytest.importorskip("psycopg")
    url = f"postgresql://kbsync:secret@/kbsync?host={tmp_path}"
    refused = refusal(lambda: LedgerStore.open(url))
    assert "KB-L043" in refused
    assert "secret" not in refused


def test_a_role_that_may_not_make_the_schema_is_told_how(cluster: object) -> None:
    cluster.query("CREATE ROLE guest LOGIN")  # type: ignore[attr-defined]
    url = cluster.url("fresh").replace("kbsync@", "guest@")  # type: ignore[attr-defined]
    refused = refusal(lambda: LedgerStore.open(url))
    assert "KB-L031" in refused
    assert 'CREATE SCHEMA "fresh" AUTHORIZATION "guest"' in refused


def test_the_store_outlives_a_restart_of_the_server(cluster: object) -> None:
    with LedgerStore.open(cluster.url("restarted")) as store:  # type: ignore[attr-defined]
        put(bound(store), entry("a"))
        cluster.stop()  # type: ignore[attr-defined]
        assert "KB-L043" in refusal(lambda: put(store, entry("b")))
        assert "KB-L043" in refusal(lambda: store.entry(key("a")))
        cluster.start()  # type: ignore[attr-defined]
        put(store, entry("c"))
        assert [each.key.path for each in store.entries("docs")] == ["a", "c"]
        assert "KB-L021" in refusal(
            lambda: LedgerStore.open(cluster.url("restarted"))  # type: ignore[attr-defined]
        )


def test_a_ledger_written_by_another_meanwhile_is_not_touched(cluster: object) -> None:
    url = cluster.url("taken")  # type: ignore[attr-defined]
    with LedgerStore.open(url) as store:
        put(bound(store), entry("a"))
        cluster.stop()  # type: ignore[attr-defined]
        cluster.start()  # type: ignore[attr-defined]
        with LedgerStore.open(url) as other:
            put(other, entry("b"))
        assert "KB-L043" in refusal(lambda: put(store, entry("c")))
        assert "KB-L045" in refusal(lambda: put(store, entry("c")))
        assert "KB-L045" in refusal(lambda: put(store, entry("c")))


def test_who_lost_the_lock_writes_no_server_before_it_holds_it_again(
    cluster: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = cluster.url("fenced")  # type: ignore[attr-defined]
    monkeypatch.setattr(database, "SURE", 0.0)
    with LedgerStore.open(url) as store:
        put(bound(store), entry("a"))
        assert store.fence() is None
        cluster.stop()  # type: ignore[attr-defined]
        found = store.fence()
        assert found is not None
        assert found.code == "KB-L043"
        cluster.start()  # type: ignore[attr-defined]
        assert store.fence() is None  # its lock was free, and is its own again
        cluster.stop()  # type: ignore[attr-defined]
        cluster.start()  # type: ignore[attr-defined]
        with LedgerStore.open(url):
            codes = [notice.code for notice in (store.fence(), store.fence()) if notice]
        assert codes[-1] == "KB-L045"
        assert "KB-L045" in refusal(lambda: put(store, entry("c")))


def test_processes_that_share_the_lock_are_counted(cluster: object) -> None:
    psycopg = pytest.importorskip("psycopg")
    url = cluster.url("shared")  # type: ignore[attr-defined]
    where = f"host={cluster.folder} user=kbsync dbname=kbsync"  # type: ignore[attr-defined]
    lock = f"SELECT pg_advisory_lock_shared({advisory_key('shared')})"
    names = ["kbsync 7 here kbsync work", "kbsync 7 here kbsync work", "kbsync 8 there kbsync work"]
    connections = [psycopg.connect(where, application_name=name) for name in names]
    for each in connections:
        each.execute(lock)
    refused = refusal(lambda: LedgerStore.open(url))
    assert "KB-L450" in refused
    assert "processes at work: 2, the first is 7 on here" in refused
    for each in connections:
        each.close()


def test_time_does_not_go_back_over_a_restart(address: str) -> None:
    with LedgerStore.open(address) as store:
        later = store.clock.now() + 3600
        store.commit(EntryChange(key=key("a"), journal=(line("a", at=later),)))
    with LedgerStore.open(address) as store:
        assert store.clock.now() >= later
        store.clock.record()
        assert store.high_water() > later


def test_what_reads_keeps_few_pages_in_memory(tmp_path: Path) -> None:
    with LedgerStore.open(tmp_path / "ledger.db") as store:
        with store._database.snapshot() as reader:
            kept = reader.exec_driver_sql("PRAGMA cache_size").scalar_one()
        with store._database.writing() as writer:
            more = writer.exec_driver_sql("PRAGMA cache_size").scalar_one()
    assert -4096 <= kept < 0
    assert more < kept
