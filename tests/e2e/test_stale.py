"""A file that was emptied or outgrew the limit: its old text is named, and taken out when asked."""

from __future__ import annotations

import json
import re
from pathlib import Path

import openpyxl
from typing_commands import Terminal

MIRROR = "  - {name: docs, source: ./docs, knowledge_base: Docs, settle: 0s, max_file_size: 1KB}\n"
BASE = "knowledge_base: Docs, settle: 0s}\n"
HEAD = "version: 1\nserver: {url: embedded}\nledger: ./ledger.db\nmirrors:\n"


def test_old_text_is_counted_apart_and_taken_out_of_search_with_agreement(tmp_path: Path) -> None:
    terminal, docs = Terminal(tmp_path), tmp_path / "docs"
    docs.mkdir()
    (tmp_path / "kbsync.yaml").write_text(HEAD + MIRROR)
    (docs / "secret.md").write_text("the password of the safe is swordfish")
    (docs / "growing.md").write_text("topaz")
    (docs / "fine.md").write_text("fine")
    terminal.type("apply")
    (docs / "secret.md").write_text("")
    (docs / "growing.md").write_text("grown " * 1000)

    assert "2 stale" in terminal.type("plan", exit=3)
    assert "2 stale" in terminal.type("apply", exit=3)
    shown = terminal.type("status", exit=3)
    assert "1 synced, 2 stale" in shown
    assert "kbsync apply --prune-stale" in shown
    overview = json.loads(terminal.type("status", "--json", exit=3))["mirrors"][0]
    assert overview["documents"] == {
        "synced": 1,
        "failed": 0,
        "unfindable": 0,
        "stale": 2,
        "unmet": 0,
    }
    assert {each["path"]: each["code"] for each in overview["stale"]} == {
        "growing.md": "KB-S008",
        "secret.md": "KB-S007",
    }
    assert json.loads(terminal.type("plan", "--json", exit=3))["stale"] == 2
    assert "swordfish" in terminal.type("search", "swordfish")

    assert json.loads(terminal.type("plan", "--prune-stale", "--json", exit=2))["counts"] == {
        "delete": 2
    }
    unasked = terminal.type("apply", "--prune-stale", exit=64)  # nothing is a terminal here
    assert re.search(r"2 stale documents: growing.md, secret.md", unasked)
    terminal.type("plan", "--prune-stale", "-o", "stale.json", exit=2)
    assert "1 deleted" in terminal.type(
        "apply", "--prune-stale", "--yes", "--target", "growing.md", exit=0
    )
    terminal.type("apply", "stale.json", exit=3)  # another plan than the one that was read
    assert "1 deleted" in terminal.type("apply", "--prune-stale", "--yes")
    assert "swordfish" not in terminal.type("search", "swordfish", exit=(0, 1))
    assert "stale" not in terminal.type("status")
    terminal.type("plan")


def test_a_document_that_no_server_can_read_any_more(tmp_path: Path) -> None:
    """As when a scan, or a workbook without values, takes the place of a document."""
    terminal, docs = Terminal(tmp_path), tmp_path / "docs"
    docs.mkdir()
    (tmp_path / "kbsync.yaml").write_text(HEAD + "  - {name: docs, source: ./docs, " + BASE)
    book = openpyxl.Workbook()
    book.active["A1"], book.active["A2"] = "word", "swordfish"
    book.save(docs / "safe.xlsx")
    terminal.type("apply")
    book.active["A1"] = book.active["A2"] = "=1+1"
    book.save(docs / "safe.xlsx")
    shown = terminal.type("apply", exit=3)
    assert "1 stale" in shown
    assert "KB-E140" in shown
    assert "docs: 1 stale" in terminal.type("status", exit=3)
    assert "1 deleted" in terminal.type("apply", "--prune-stale", "--yes")
    assert "swordfish" not in terminal.type("search", "swordfish", exit=(0, 1))
