"""What is left as it is is named by `status` too, with the exit code of `plan` and `apply`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pypdf
import pytest
from running_daemon import keeping
from typing_commands import Terminal

HEAD = "version: 1\nserver: {url: embedded}\nledger: ./ledger.db\nmirrors:\n"
MIRROR = "  - {name: docs, source: ./docs, knowledge_base: Docs, settle: 0s}\n"


def lock(path: Path) -> None:
    written = pypdf.PdfWriter()
    written.add_blank_page(100, 100)
    written.encrypt("secret")
    written.write(path)


def unmet(terminal: Terminal, exit: int | tuple[int, ...] = 3) -> Mapping[str, str]:
    """Return the code of what `status` says, by path; its count is theirs."""
    overview: Any = json.loads(terminal.type("status", "--json", exit=exit))["mirrors"][0]
    assert overview["documents"]["unmet"] == len(overview["unmet"])
    return {each["path"]: each["code"] for each in overview["unmet"]}


def empty(docs: Path) -> None:
    (docs / "empty.md").write_text("")


def swap_file(docs: Path) -> None:
    (docs / ".a.md.swp").write_text("left out by default")


def locked(docs: Path) -> None:
    lock(docs / "locked.pdf")


def excluded(docs: Path) -> None:
    (docs / ".kbsyncignore").write_text("a.md\n")


def unusable_ignore_file(docs: Path) -> None:
    (docs / "private").mkdir()
    (docs / "private" / ".kbsyncignore").write_bytes(b"a\0b\n")
    (docs / "private" / "new.md").write_text("private")


def grown_stale(docs: Path) -> None:
    (docs / "a.md").write_text("")


SITUATIONS: Mapping[Callable[[Path], None], tuple[int, set[str]]] = {
    empty: (0, set()),
    swap_file: (0, set()),
    locked: (3, {"KB-S152"}),
    excluded: (3, {"KB-E003"}),
    unusable_ignore_file: (3, {"KB-S016"}),
    grown_stale: (3, set()),
}


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    docs = tmp_path / "docs"
    docs.mkdir()
    for name in ("a.md", "b.md"):
        (docs / name).write_text(f"the text of {name}")
    (tmp_path / "kbsync.yaml").write_text(HEAD + MIRROR)
    terminal = Terminal(tmp_path)
    terminal.type("apply")
    assert unmet(terminal, 0) == {}
    return terminal


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda each: each.__name__)
def test_plan_apply_and_status_agree(terminal: Terminal, situation: Callable[[Path], None]) -> None:
    code, codes = SITUATIONS[situation]
    situation(terminal.folder / "docs")
    for verb in ("plan", "apply", "plan"):
        terminal.type(verb, exit=code)
        assert set(unmet(terminal, code).values()) == codes


def gone(docs: Path) -> None:
    docs.rename(docs.with_name("elsewhere"))


def a_file(docs: Path) -> None:
    gone(docs)
    docs.write_text("no folder")


def unusable_at_the_root(docs: Path) -> None:
    (docs / ".kbsyncignore.txt").write_text("private/\n")


@pytest.mark.parametrize("blocked", [gone, a_file, unusable_at_the_root])
def test_a_source_that_cannot_be_compared_is_said_by_all(
    terminal: Terminal, blocked: Callable[[Path], None]
) -> None:
    blocked(terminal.folder / "docs")
    for verb in ("status", "plan", "apply", "status"):
        assert "[KB-E029]" in terminal.type(verb, exit=3)
    (overview,) = json.loads(terminal.type("status", "--json", exit=3))["mirrors"]
    assert overview["blocked"]["code"] == "KB-E029"
    assert overview["documents"]["synced"] == 2


def test_a_locked_file_is_named_until_it_is_mended(terminal: Terminal) -> None:
    docs = terminal.folder / "docs"
    for name in ("one.pdf", "two.pdf"):
        lock(docs / name)
    terminal.type("apply", exit=3)
    shown = terminal.type("status", exit=3)
    assert "docs: 2 synced, 2 unmet" in shown
    assert "2 KB-S152: one.pdf: the document needs a password" in shown
    assert "kbsync status --failed" in shown
    named = terminal.type("status", "--failed", exit=3)
    assert "unmet: two.pdf: the document needs a password" in named
    assert "kbsync explain --mirror docs two.pdf" in named

    # A pass over a part compares everything and forgets nothing of the rest.
    (docs / "a.md").write_text("edited")
    terminal.type("apply", "--target", "a.md")
    assert unmet(terminal) == {"one.pdf": "KB-S152", "two.pdf": "KB-S152"}

    (docs / "one.pdf").unlink()
    (docs / "two.pdf").write_bytes(b"")
    terminal.type("apply", "--no-refresh")
    assert unmet(terminal, 0) == {}


def test_what_only_a_listing_shows_is_kept_until_the_next_one(terminal: Terminal) -> None:
    docs = terminal.folder / "docs"
    made = terminal.folder / "theirs" / "page.md"
    made.parent.mkdir()
    made.write_text("made by hand")
    terminal.type("docs", "create-file", "Docs", str(made), "--wait", "30")
    (docs / "page.md").write_text("from the folder")
    terminal.type("apply", exit=3)
    assert unmet(terminal) == {"page.md": "KB-E011"}
    terminal.type("plan", "--no-refresh", exit=3)
    assert unmet(terminal) == {"page.md": "KB-E011"}
    (docs / "page.md").unlink()
    terminal.type("plan")
    assert unmet(terminal, 0) == {}


def test_the_daemon_names_what_it_cannot_send_and_forgets_what_was_mended(
    terminal: Terminal,
) -> None:
    docs = terminal.folder / "docs"

    def named() -> Mapping[str, str]:
        return unmet(terminal, exit=(0, 3))

    with keeping(terminal.folder) as daemon:
        lock(docs / "locked.pdf")
        daemon.until(lambda: named() == {"locked.pdf": "KB-S152"})
        shown = terminal.type("status", exit=3)
        assert re.search(r"^  watching, .*1 unmet", shown, re.MULTILINE)
        assert "1 unmet" in terminal.type("status", "--running")
        (docs / "locked.pdf").unlink()
        daemon.until(lambda: named() == {})
        assert "unmet" not in terminal.type("status")
        daemon.end()
