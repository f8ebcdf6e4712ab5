"""What a server did with what it was sent, over all mirrors it has."""

from __future__ import annotations

from dataclasses import replace

from ledger_samples import binding, entry, put

from kbsync.ledger import LedgerStore
from kbsync.model import EntryState
from kbsync.planning.standstill import Pulse

INDEXING, FAILED = EntryState.INDEXING, EntryState.FAILED


def test_the_pulse_of_a_server_is_that_of_all_its_mirrors(store: LedgerStore) -> None:
    store.bind(binding("docs", "B"))
    store.bind(binding("wiki", "W"))
    store.bind(replace(binding("away", "A"), server="another"))
    assert store.pulse("s", since=0.0) == Pulse()
    put(
        store,
        entry("waits", state=INDEXING, sent_at=100.0, progress_at=100.0),
        entry("moves", state=INDEXING, sent_at=110.0, progress_at=400.0, progress=3),
        entry("done", sent_at=90.0, progress_at=120.0),
        entry("adopted", progress_at=900.0),
        entry("later", mirror="wiki", state=FAILED, sent_at=130.0, progress_at=380.0),
        entry("last", mirror="wiki", state=INDEXING, sent_at=390.0, progress_at=390.0),
        entry("other", mirror="away", sent_at=800.0, progress_at=801.0),
    )
    assert store.pulse("s", since=350.0) == Pulse(
        overtaker=130.0, ended_at=380.0, moving=110.0, moved_at=400.0, sent_at=390.0
    )
    assert store.pulse("s", since=400.0).moving is None


def test_what_was_synced_since_is_told_of_all_mirrors_on_a_base(store: LedgerStore) -> None:
    store.bind(binding("docs", "B"))
    store.bind(binding("wiki", "B"))
    store.bind(binding("away", "A"))
    put(
        store,
        entry("before", progress_at=99.0),
        entry("never told"),
        entry("since", progress_at=100.0),
        entry("under way", state=INDEXING, progress_at=300.0),
        entry("failed", state=FAILED, progress_at=300.0),
        entry("later", mirror="wiki", progress_at=200.0),
        entry("other", mirror="away", progress_at=200.0),
    )
    assert [each.key.path for each in store.proved_since("B", 100.0)] == ["since", "later"]
