"""A disk without space: a clear message, nothing lost, and on it goes once there is some."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from ledger_samples import bound, entry, key, line, put

from kbsync.engine.ports import EntryChange
from kbsync.ledger import LedgerStore
from kbsync.messages import Problem


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of two megabytes; only root can make one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("a small file system can only be mounted by root")
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    if subprocess.run(command, check=False, capture_output=True, timeout=10).returncode:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True, timeout=10)


def _fill(store: LedgerStore) -> list[str]:
    """Commit until a commit fails; return the paths that were committed."""
    committed: list[str] = []
    with pytest.raises(Problem) as caught:
        _commit_on(store, committed)
    assert caught.value.notice.code == "KB-L040"
    assert "all before it are" in str(caught.value)
    return committed


def _commit_on(store: LedgerStore, committed: list[str]) -> None:
    for number in range(100_000):
        path = f"{number:06}"
        noted = line(path, at=float(number), detail="x" * 2000)
        store.commit(EntryChange(key=key(path), entry=entry(path), journal=(noted,)))
        committed.append(path)


def _goes_on(store: LedgerStore, committed: list[str]) -> None:
    assert [each.key.path for each in store.entries("docs")] == committed
    assert len(store.history(limit=100_000)) == len(committed)
    put(store, entry("later"))
    assert store.entry(key("later")) == entry("later")
    assert store.check() == ()


def test_a_full_disk(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * 500_000)
    with LedgerStore.open(small_disk / "ledger.db") as store:
        committed = _fill(bound(store))
        assert store.entry(key(committed[-1])) is not None
        with pytest.raises(Problem, match="KB-L040"):
            _fill_once(store)
        ballast.unlink()
        _goes_on(store, committed)
    with LedgerStore.open(small_disk / "ledger.db") as store:
        assert store.counts("docs") == {"synced": len(committed) + 1}


def _fill_once(store: LedgerStore) -> None:
    noted = line("more", detail="x" * 600_000)
    store.commit(EntryChange(key=key("more"), entry=entry("more"), journal=(noted,)))


def test_a_disk_that_was_full_before_it_was_opened(small_disk: Path) -> None:
    """SQLite calls it a fault of the disk: what it cannot enlarge is no data of its own."""
    path, ballast = small_disk / "ledger.db", small_disk / "ballast"
    with LedgerStore.open(path) as store:
        bound(store)
    with pytest.raises(OSError, match="No space"):
        _take_all(ballast)
    with pytest.raises(Problem) as caught:
        _open_and_write(path)
    assert caught.value.notice.code in ("KB-L040", "KB-L197")
    ballast.unlink()
    _open_and_write(path)


def _take_all(ballast: Path) -> None:
    with ballast.open("wb", buffering=0) as out:
        while True:
            out.write(bytes(4096))


def _open_and_write(path: Path) -> None:
    with LedgerStore.open(path) as store:
        put(store, entry("a"))


def test_a_file_that_may_not_grow(tmp_path: Path) -> None:
    with LedgerStore.open(tmp_path / "ledger.db") as store:
        with store._database.writing() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 120")
        committed = _fill(bound(store))
        with store._database.writing() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 1000000")
        _goes_on(store, committed)


def test_another_program_that_locks_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kbsync.ledger.sqlite_file.BUSY_SECONDS", 0.05)
    with LedgerStore.open(tmp_path / "ledger.db") as store:
        bound(store)
        other = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Problem, match="KB-L042"):
            put(store, entry("a"))
        other.execute("ROLLBACK")
        other.close()
        put(store, entry("a"))
