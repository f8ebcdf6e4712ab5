"""A backup that becomes the ledger: what is in its trash rests from then on."""

from __future__ import annotations

import time
from pathlib import Path

from ledger_samples import bound, entry, key, put

from kbsync.ledger import LedgerStore
from kbsync.ledger.restoring import restore
from kbsync.model import EntryState, LedgerEntry

DAY = 86_400.0


def a_backup(folder: Path, *entries: LedgerEntry, recorded: float = 0.0) -> Path:
    backup = folder / "backup.db"
    with LedgerStore.open(folder / "before.db") as store:
        put(bound(store), *entries)
        store.raise_high_water(recorded)
        store.backup(backup)
    return backup


def test_the_time_of_what_is_in_the_trash_begins_anew(address: str, tmp_path: Path) -> None:
    long_ago = time.time() - 30 * DAY
    in_trash = {"state": EntryState.TRASHED, "trashed_at": long_ago}
    timed = entry("timed", expires_at=long_ago + DAY, **in_trash)
    for_good, there = entry("for good", **in_trash), entry("there")
    backup = a_backup(tmp_path, timed, for_good, there)
    began = time.time()
    restore(backup, address)
    with LedgerStore.open(address) as store:
        kept = store.entry(key("timed"))
        assert kept is not None
        assert kept.trashed_at is not None
        assert began <= kept.trashed_at <= time.time()
        assert kept.expires_at is not None
        assert abs(kept.expires_at - kept.trashed_at - DAY) < 1
        rests = store.entry(key("for good"))
        assert rests is not None
        assert (rests.trashed_at, rests.expires_at) == (kept.trashed_at, None)
        assert store.entry(key("there")) == there
        assert store.high_water() == kept.trashed_at


def test_no_time_lies_behind_the_clock_of_a_ledger_that_is_ahead(tmp_path: Path) -> None:
    ahead = time.time() + DAY
    trashed = {"state": EntryState.TRASHED, "trashed_at": ahead - 5, "expires_at": ahead + 5}
    backup = a_backup(tmp_path, entry("a", **trashed), recorded=ahead)
    restore(backup, tmp_path / "ledger.db")
    with LedgerStore.open(tmp_path / "ledger.db") as store:
        kept = store.entry(key("a"))
        assert kept is not None
        assert (kept.trashed_at, kept.expires_at) == (ahead, ahead + 10)
    assert not list(tmp_path.glob("ledger.db.restored*"))
