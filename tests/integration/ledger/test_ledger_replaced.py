"""A ledger that is removed, replaced, restored or written by others while a process has it open."""

from __future__ import annotations

import gc
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from cluster import Cluster
from ledger_samples import bound, entry, key, put

from kbsync.ledger import LedgerStore
from kbsync.messages import Problem


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "state").mkdir()
    return tmp_path / "state" / "ledger.db"


@pytest.fixture
def store(place: Path) -> Iterator[LedgerStore]:
    with LedgerStore.open(place) as store:
        put(bound(store), entry("first"))
        yield store


def beside(place: Path, end: str) -> Path:
    return place.with_name(place.name + end)


def remove(place: Path) -> None:
    for each in place.parent.glob("ledger.db*"):
        each.unlink()


def replace(place: Path) -> None:
    shutil.copyfile(place, beside(place, ".copy"))
    beside(place, ".copy").rename(place)


def overwrite(place: Path) -> None:
    place.write_bytes(beside(place, ".backup").read_bytes())


def write_besides(place: Path) -> None:
    with closing(sqlite3.connect(place)) as other, other:
        other.execute("UPDATE meta SET high_water = 1")


def take_the_lock(place: Path) -> None:
    beside(place, ".lock").unlink()
    with closing(sqlite3.connect(place)):
        other = LedgerStore.open(place)
    LOCKS.append(other)


LOCKS: list[LedgerStore] = []

CHANGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "removed": (remove, "KB-L193"),
    "file alone removed": (lambda place: place.unlink(), "KB-L193"),
    "folder removed": (lambda place: shutil.rmtree(place.parent), "KB-L193"),
    "folder moved away": (lambda place: place.parent.rename(place.parents[1] / "x"), "KB-L193"),
    "replaced": (replace, "KB-L194"),
    "a link in its place": (lambda place: (place.unlink(), place.symlink_to("/")), "KB-L194"),
    "overwritten": (overwrite, "KB-L195"),
    "log removed": (lambda place: beside(place, "-wal").unlink(), "KB-L196"),
    "index removed": (lambda place: beside(place, "-shm").unlink(), "KB-L196"),
    "lock taken": (take_the_lock, "KB-L198"),
    "written by another": (write_besides, "KB-L199"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_nothing_more_is_written(store: LedgerStore, place: Path, change: str) -> None:
    store.backup(beside(place, ".backup"))
    happens, code = CHANGES[change]
    put(store, entry("second"))
    assert store.lost() is None
    happens(place)
    with pytest.raises(Problem, match=code):
        put(store, entry("third"))
    lost = store.lost()
    assert lost is not None
    assert lost.code == code
    for reads in (lambda: store.entry(key("first")), lambda: list(store.entries("docs"))):
        with pytest.raises(Problem, match=code):
            reads()
    while LOCKS:
        LOCKS.pop().close()


@pytest.mark.parametrize("change", [name for name in CHANGES if name != "written by another"])
def test_a_look_without_a_write_is_enough(store: LedgerStore, place: Path, change: str) -> None:
    store.backup(beside(place, ".backup"))
    happens, code = CHANGES[change]
    happens(place)
    lost = store.lost()
    assert lost is not None
    assert lost.code == code
    while LOCKS:
        LOCKS.pop().close()


def test_what_changes_nothing_is_no_change(store: LedgerStore, place: Path) -> None:
    beside(place, ".lock").unlink()
    os.utime(place)
    place.chmod(0o640)
    beside(place, ".hard").hardlink_to(place)
    with LedgerStore.open(place, readonly=True) as reader:
        assert reader.check() == ()
    put(store, entry("second"))
    assert store.lost() is None
    with pytest.raises(Problem, match="KB-L021"):  # the lock was taken again
        LedgerStore.open(place)


def test_a_checkpoint_of_our_own_is_no_change(store: LedgerStore, place: Path) -> None:
    with store._database.writing() as connection:
        connection.exec_driver_sql("PRAGMA wal_autocheckpoint = 1")
    size = place.stat().st_size, place.stat().st_mtime_ns
    for number in range(30):
        put(store, entry(f"{number}"))
    assert (place.stat().st_size, place.stat().st_mtime_ns) != size
    assert store.lost() is None


@pytest.mark.parametrize("change", ["removed", "file alone removed", "replaced", "overwritten"])
def test_a_restored_copy_holds_what_it_held(store: LedgerStore, place: Path, change: str) -> None:
    """Neither the log of the old one nor what closes later gets into it."""
    backup = beside(place, ".backup")
    store.backup(backup)
    kept = backup.read_bytes()
    put(store, entry("second"))
    CHANGES[change][0](place)
    assert store.lost() is not None
    place.write_bytes(kept)
    beside(place, ".lock").unlink(missing_ok=True)
    # Another process: SQLite shares what it knows of a file that is open within one.
    script = (
        "import sqlite3, sys; found = sqlite3.connect(sys.argv[1])\n"
        "print(*found.execute('PRAGMA quick_check'), *found.execute('SELECT path FROM entries'))"
    )
    command = [sys.executable, "-I", "-S", "-c", script, str(place)]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    assert shown == "('ok',) ('first',)\n"


def test_closing_a_lost_ledger_leaves_the_next_one_alone(place: Path) -> None:
    first = LedgerStore.open(place)
    put(bound(first), entry("first"))
    remove(place)
    with LedgerStore.open(place) as second:
        put(bound(second), entry("second"))
        first.close()
        del first
        gc.collect()
        assert beside(place, "-wal").exists()
        assert second.lost() is None
        put(second, entry("third"))
    with LedgerStore.open(place) as second:
        assert second.counts("docs") == {"synced": 2}


def test_what_was_in_a_removed_log_is_in_the_file(place: Path) -> None:
    with LedgerStore.open(place) as store:
        put(bound(store), entry("first"))
        beside(place, "-wal").unlink()
        assert store.lost() is not None
        assert store.returned()
    with LedgerStore.open(place) as store:
        assert store.counts("docs") == {"synced": 1}


@pytest.mark.parametrize("sound", [True, False])
def test_a_copy_that_is_put_back_is_known(store: LedgerStore, place: Path, sound: bool) -> None:
    store.backup(beside(place, ".backup"))
    kept = beside(place, ".backup").read_bytes()
    assert not store.returned(), "it was never away"
    remove(place)
    assert store.lost() is not None
    assert not store.returned()
    place.write_bytes(kept if sound else kept[: len(kept) // 2])
    assert store.returned() is sound


# -- PostgreSQL ------------------------------------------------------------------------------------


def drop(cluster: Cluster, schema: str, store: LedgerStore) -> None:
    cluster.query(f'DROP SCHEMA "{schema}" CASCADE')


def drop_and_lose_the_connection(cluster: Cluster, schema: str, store: LedgerStore) -> None:
    drop(cluster, schema, store)
    end_connections(cluster)


def end_connections(cluster: Cluster) -> None:
    cluster.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE pid <> pg_backend_pid() AND application_name LIKE 'kbsync%'"
    )


def another_writes(cluster: Cluster, schema: str, store: LedgerStore) -> None:
    cluster.query(f'UPDATE "{schema}".meta SET generation = generation + 1')


@pytest.mark.parametrize(
    ("happens", "code"),
    [
        (drop, "KB-L193"),
        (drop_and_lose_the_connection, "KB-L193"),
        (another_writes, "KB-L045"),
    ],
)
def test_a_schema_that_is_another_one(
    cluster: Cluster, happens: Callable[[Cluster, str, LedgerStore], None], code: str
) -> None:
    address = cluster.fresh()
    schema = address.rpartition("schema=")[2]
    with LedgerStore.open(address) as store:
        put(bound(store), entry("first"))
        happens(cluster, schema, store)
        said = []
        for path in ("second", "third"):
            with pytest.raises(Problem) as caught:
                put(store, entry(path))
            said.append(caught.value.notice.code)
        assert said[-1] == code
        assert store.lost() is not None
    gone = cluster.query(f"SELECT count(*) FROM pg_namespace WHERE nspname = '{schema}'")
    assert "0" in str(gone) or code != "KB-L193", "none was made in its place"


def test_a_connection_that_ends_under_a_stream_leaves_no_traceback(
    cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    with LedgerStore.open(cluster.fresh()) as store:
        put(bound(store), entry("first"))
        stream = store.entries("docs")
        assert next(stream).key == key("first")
        end_connections(cluster)
        stream.close()
        assert [each.key for each in store.entries("docs")] == [key("first")]
    assert caplog.records == []


def test_a_database_that_is_dropped(cluster: Cluster) -> None:
    def refused(path: str) -> str:
        with pytest.raises(Problem) as caught:
            put(store, entry(path))
        return str(caught.value)

    cluster.query("CREATE DATABASE dropped")
    with LedgerStore.open(cluster.url("ledger", "dropped")) as store:
        put(bound(store), entry("first"))
        cluster.query("DROP DATABASE dropped WITH (FORCE)")
        assert "KB-L043" in refused("second")
        assert 'database "dropped" does not exist' in refused("third")
        cluster.query("CREATE DATABASE dropped")
        assert "KB-L193" in refused("fourth")
        assert store.lost() is not None
    schemas = "SELECT 1 FROM pg_namespace WHERE nspname = 'ledger'"
    assert not cluster.query(schemas, "dropped"), "none was made in its place"
