"""kill -9 in the middle of commits: what was acknowledged is there, and no half of a group."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from kbsync.ledger import LedgerStore
from kbsync.messages import Problem

# Every commit writes a group of three entries, an intent and a journal line, then acknowledges it.
WORK = """
import sys
sys.path.insert(0, sys.argv[2])
from ledger_samples import bound, entry, intent, key, line
from kbsync.engine.ports import EntryChange
from kbsync.ledger import LedgerStore
store = bound(LedgerStore.open(sys.argv[1]))
for number in range(1_000_000):
    paths = [f"{number:06}/{part}" for part in range(3)]
    store.commit_all([
        EntryChange(
            key=key(path), entry=entry(path), intent=intent(path), journal=(line(path, number),)
        )
        for path in paths
    ])
    print(number, flush=True)
"""


@pytest.mark.parametrize("commits", [1, 7, 40])
def test_what_was_told_is_there_and_nothing_by_halves(address: str, commits: int) -> None:
    arguments = [sys.executable, "-c", WORK, address, str(Path(__file__).parent)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        acknowledged = [int(worker.stdout.readline()) for _ in range(commits)]
        worker.send_signal(signal.SIGKILL)
        acknowledged += [int(line) for line in worker.stdout]
    with _reopened(address) as store:
        kept = [each.key.path for each in store.entries("docs")]
        assert len(kept) % 3 == 0
        assert len(kept) // 3 in {len(acknowledged), len(acknowledged) + 1}
        assert kept == [f"{n:06}/{part}" for n in range(len(kept) // 3) for part in range(3)]
        assert [each.key.path for each in store.intents("docs")] == kept
        history = store.history(limit=len(kept) + 10)
        assert sorted(line.path for _, line in history) == kept
        assert store.high_water() == max(1000.5, float(len(kept) // 3 - 1))
        assert store.check() == ()


def _reopened(address: str) -> LedgerStore:
    """Open it again; a PostgreSQL server needs a moment to see that its client died."""
    for _ in range(2000):
        try:
            return LedgerStore.open(address)
        except Problem as problem:
            if not address.startswith("postgresql"):
                raise
            last = problem
    raise last
