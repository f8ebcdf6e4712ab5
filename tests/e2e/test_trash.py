"""A file is deleted, brought back, and comes back, under each `on_delete`."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from test_mirror import CREATE, DELETE, UPDATE, Requests
from typing_commands import Terminal, served

CONFIGURATION = (
    "version: 1\n"
    'server: {{url: "{url}", api_key: "${{DIFY_API_KEY}}"}}\n'
    "ledger: ./ledger.db\n"
    "mirrors:\n"
    "  - {{name: docs, source: ./docs, knowledge_base: Docs, settle: 0s{more}}}\n"
)
TOPAZ = "the drawer holds a topaz"


class Trash:
    """A mirror of two files on a served knowledge base."""

    def __init__(self, folder: Path, url: str, requests: Requests) -> None:
        self.docs, self.terminal, self.requests = folder / "docs", Terminal(folder), requests
        self._file, self._url = folder / "kbsync.yaml", url
        (self.docs / "guides").mkdir(parents=True)
        (self.docs / "b.md").write_text("a beech")
        self.file = self.docs / "guides" / "a.md"
        self.file.write_text(TOPAZ)

    def configure(self, more: str) -> None:
        self._file.write_text(CONFIGURATION.format(url=self._url, more=more))

    def apply(self, exit: int = 0) -> str:
        return self.terminal.type("apply", exit=exit)

    def planned(self) -> dict[str, int]:
        counts: dict[str, int] = json.loads(self.terminal.type("plan", "--json", exit=2))["counts"]
        return counts

    def finds(self) -> bool:
        return TOPAZ in self.terminal.type("search", "topaz", exit=(0, 1))

    def listed(self) -> list[dict[str, object]]:
        rows: list[dict[str, object]] = self.terminal.read("trash", "list")["trash"]
        return rows

    def writes(self) -> Counter[tuple[str, str]]:
        found = self.requests.writes()
        return Counter({call: found[call] for call in (CREATE, UPDATE, DELETE) if found[call]})


@pytest.fixture
def trash(tmp_path: Path) -> Trash:
    log = tmp_path / "requests"
    with served(tmp_path, "--request-log", str(log)) as url:
        yield Trash(tmp_path, url, Requests(log))


@pytest.mark.parametrize(("on_delete", "found"), [("disable", False), ("keep", True)])
def test_deleted_brought_back_and_come_back(trash: Trash, on_delete: str, found: bool) -> None:
    trash.configure(f", on_delete: {on_delete}, trash_for: 30d")
    trash.apply()
    assert trash.finds()
    trash.writes()

    trash.file.unlink()
    assert trash.planned() == {"trash": 1}
    assert "1 put into the trash" in trash.apply()
    assert trash.finds() is found
    (row,) = trash.listed()
    assert (row["path"], row["searchable"]) == ("guides/a.md", found)
    assert row["until"] - row["since"] == pytest.approx(30 * 86400, abs=5)
    assert (
        json.loads(trash.terminal.type("status", "--json"))["mirrors"][0]["documents"]["trashed"]
        == 1
    )
    assert trash.terminal.type("plan")

    trash.file.parent.rmdir()
    assert "brought back: guides/a.md" in trash.terminal.type("trash", "restore", "guides")
    assert trash.file.read_text() == TOPAZ
    assert [each.name for each in trash.file.parent.iterdir()] == ["a.md"]
    assert "1 restored" in trash.apply()
    assert trash.finds()
    assert trash.listed() == []

    trash.file.unlink()
    trash.apply()
    trash.file.write_text(TOPAZ)  # as from a backup
    assert "1 restored" in trash.apply()
    assert trash.finds()
    assert trash.writes() == {}
    assert trash.terminal.type("plan")

    trash.file.unlink()
    trash.apply()
    trash.file.write_text("the drawer holds a zircon")
    said = trash.apply()
    assert "1 restored" in said
    assert "1 updated" in said
    assert trash.writes() == {UPDATE: 1}


def test_without_a_trash_it_is_deleted_and_made_anew(trash: Trash) -> None:
    trash.configure("")
    trash.apply()
    trash.file.unlink()
    assert "1 deleted" in trash.apply()
    assert not trash.finds()
    assert trash.listed() == []
    assert "KB-V270" in trash.terminal.type("trash", "restore", "guides/a.md", exit=3)
    trash.file.write_text(TOPAZ)
    assert "1 created" in trash.apply()
    assert trash.finds()


def test_emptied_with_agreement_alone(trash: Trash) -> None:
    trash.configure(", on_delete: disable")
    trash.apply()
    trash.file.unlink()
    trash.apply()
    trash.writes()
    unasked = trash.terminal.type("trash", "empty", exit=64)  # nothing is a terminal here
    assert "1 documents in the trash for good: guides/a.md" in unasked
    assert "KB-V270" in trash.terminal.type("trash", "empty", "--yes", "other", exit=3)
    assert trash.writes() == {}
    assert "1 deleted" in trash.terminal.type("trash", "empty", "--yes")
    assert trash.writes() == {DELETE: 1}
    assert trash.listed() == []
    assert "emptied" in trash.terminal.type("history")


def test_the_guard_holds_back_an_emptying_that_is_large(trash: Trash) -> None:
    trash.configure(", on_delete: keep, guard: {removals: {least: 1, share: 0.01, most: 1}}")
    (trash.docs / "c.md").write_text("a cedar")
    trash.apply()
    trash.file.unlink()
    trash.apply()
    (trash.docs / "c.md").unlink()
    halted = trash.apply(exit=4)
    digest = halted.partition("--release ")[2].split()[0]
    trash.terminal.type("apply", "--release", digest)
    held = trash.terminal.type("trash", "empty", "--yes", exit=4)
    assert "KB-V275" in held
    assert len(trash.listed()) == 2
    release = held.partition("trash empty --yes --release ")[2].split()[0]
    assert "2 deleted" in trash.terminal.type("trash", "empty", "--yes", "--release", release)


def test_never_over_a_file(trash: Trash) -> None:
    trash.configure(", on_delete: disable")
    trash.apply()
    trash.file.unlink()
    trash.apply()
    trash.file.write_text("a file of a person")
    assert "KB-V271" in trash.terminal.type("trash", "restore", "guides/a.md", exit=3)
    assert trash.file.read_text() == "a file of a person"


def test_a_rule_for_some_files(trash: Trash) -> None:
    trash.configure(", rules: [{match: /guides/, on_delete: disable}]")
    (trash.docs / "c.md").write_text("a cedar")
    trash.apply()
    trash.file.unlink()
    (trash.docs / "b.md").unlink()
    assert trash.planned() == {"trash": 1, "delete": 1}
    trash.apply()
    assert [each["path"] for each in trash.listed()] == ["guides/a.md"]


def test_a_server_that_gives_no_bytes(tmp_path: Path) -> None:
    with served(tmp_path, "--dify", "1.12") as url:
        trash = Trash(tmp_path, url, Requests(tmp_path / "none"))
        trash.configure(", on_delete: disable")
        trash.apply()
        trash.file.unlink()
        trash.apply()
        said = trash.terminal.type("trash", "restore", "guides/a.md", exit=3)
        assert "KB-V272" in said
        assert "docs enable" in said
        assert not trash.file.exists()
        assert "0 of 1 brought back" in said
