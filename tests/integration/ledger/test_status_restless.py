"""`kbsync status` names files that keep changing, and what they cost in the last hour."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from ledger_samples import bound, entry, key, line, put

from kbsync.cli import obey
from kbsync.engine.ports import EntryChange
from kbsync.ledger import LedgerStore
from kbsync.model import Stat

CONFIGURATION = """\
version: 1
server: {url: embedded}
ledger: ./ledger.db
mirrors: [{name: docs, source: ., knowledge_base: Docs}]
"""


def test_a_restless_file_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "kbsync.yaml").write_text(CONFIGURATION)
    now = time.time()
    with LedgerStore.open(tmp_path / "ledger.db", command="kbsync apply") as store:
        bound(store)
        put(store, entry("log.txt", stat=Stat(1 << 20, 1, 1, 1)))
        put(store, entry("a.md"))
        for path, times in (("log.txt", 6), ("a.md", 3)):
            lines = [line(path, now - 9 * n, action="update") for n in range(times)]
            store.commit(EntryChange(key=key(path), journal=tuple(lines)))
    assert obey(["status"]) == 0
    shown = capsys.readouterr().out
    assert "log.txt keeps changing: 6 uploads in the last hour, 6.0 MiB" in shown
    assert "a.md" not in shown
