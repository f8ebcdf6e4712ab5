"""A knowledge base as declared, by the installed command over TCP, read back at the server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from running_daemon import keeping
from typing_commands import Terminal, served

SETTINGS = """\
      permission: all_team_members
      description: How we work
      tags: [ours, handbook]
      fields: {reviewed: time, owner: string}
"""


class Declared:
    """A mirror of one file, and its base at the server."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url, self.terminal = folder, url, Terminal(folder)
        (folder / "docs").mkdir()
        (folder / "docs" / "a.md").write_text("# Lamps\n\nThe keeper polishes lens 7 at dusk.\n")

    def configure(self, settings: str = "", more: str = "") -> None:
        (self.folder / "kbsync.yaml").write_text(
            "version: 1\n"
            f'server: {{url: "{self.url}", api_key: "${{DIFY_API_KEY}}"}}\n'
            "ledger: ./ledger.db\n"
            "mirrors:\n"
            "  - name: docs\n"
            "    source: ./docs\n"
            "    settle: 0s\n"
            f"{more}"
            "    knowledge_base:\n"
            "      name: Docs\n"
            f"{settings}"
        )

    def shown(self) -> dict[str, Any]:
        return dict(self.terminal.read("kb", "get", "Docs"))

    def plan(self, exit: int) -> dict[str, Any]:
        printed = self.terminal.type("plan", "--json", exit=exit).partition("\n")[0]
        return dict(json.loads(printed))


@pytest.fixture
def declared(tmp_path: Path) -> Iterator[Declared]:
    with served(tmp_path) as url:
        yield Declared(tmp_path, url)


def test_a_base_declared_with_all_team_members_has_it(declared: Declared) -> None:
    more = "    chunking: {retrieval: {search_method: keyword_search, top_k: 7}}\n"
    declared.configure(SETTINGS, more)
    validated = declared.terminal.type("validate")
    assert "KB-E220" not in validated
    planned = declared.plan(exit=2)
    assert planned["counts"] == {"create": 1}
    settings = {each["setting"]: each["after"] for each in planned["knowledge_bases"]}
    assert settings["permission"] == "all_team_members"
    assert {each["cause"] for each in planned["knowledge_bases"]} == {"new"}
    declared.terminal.type("apply")
    shown = declared.shown()
    assert (shown["permission"], shown["description"]) == ("all_team_members", "How we work")
    assert shown["retrieval"]["top_k"] == 7
    fields = declared.terminal.read("kb", "fields", "Docs")["fields"]
    kinds = {each["name"]: each["type"] for each in fields}
    assert {"reviewed": "time", "owner": "string"}.items() <= kinds.items()
    tags = declared.terminal.type("kb", "tags", "Docs")
    assert "ours" in tags
    assert "handbook" in tags
    assert declared.plan(exit=0)["knowledge_bases"] == []
    assert "set_base done" in declared.terminal.type("history")


def test_the_default_hides_it_from_colleagues_and_that_is_said(declared: Declared) -> None:
    declared.configure()
    assert "KB-E220" in declared.terminal.type("validate")
    assert [each["code"] for each in declared.plan(exit=2)["losses"]] == ["KB-E220"]
    declared.terminal.type("apply")
    assert declared.shown()["permission"] == "only_me"
    assert declared.plan(exit=0)["losses"] == []


def test_a_saved_plan_sets_what_was_read_and_nothing_else(declared: Declared) -> None:
    declared.configure()
    declared.terminal.type("apply")
    declared.configure(SETTINGS)
    declared.terminal.type("plan", "-o", "plan.json", exit=2)
    declared.terminal.type("kb", "update", "Docs", "--description", "How others work")
    refused = declared.terminal.type("apply", "plan.json", exit=3)
    assert "/knowledge base/description" in refused
    assert declared.shown()["permission"] == "only_me"
    declared.terminal.type("plan", "-o", "plan.json", exit=2)
    declared.terminal.type("apply", "plan.json")
    assert declared.shown()["description"] == "How we work"
    assert declared.plan(exit=0)["counts"] == {}


def test_a_part_of_a_plan_sets_nothing(declared: Declared) -> None:
    declared.configure()
    declared.terminal.type("apply")
    declared.configure(SETTINGS)
    declared.terminal.type("apply", "--target", "a.md")
    assert declared.shown()["permission"] == "only_me"


def test_a_tag_that_is_not_declared_any_more_is_taken_off(declared: Declared) -> None:
    declared.configure("      tags: [ours, handbook]\n")
    declared.terminal.type("apply")
    declared.terminal.type("kb", "add-tag", "theirs")
    rows = declared.terminal.type("kb", "tags").splitlines()
    theirs = next(row.split("\t")[0] for row in rows if row.endswith("\ttheirs"))
    declared.terminal.type("kb", "bind-tag", "Docs", theirs)
    declared.configure("      tags: [handbook]\n")
    declared.terminal.type("apply")
    tags = declared.terminal.type("kb", "tags", "Docs").split()
    assert set(tags[1::2]) == {"handbook", "theirs"}


def test_the_daemon_puts_back_what_was_changed(declared: Declared) -> None:
    declared.configure(SETTINGS, "    remote_resync: 1s\n")
    with keeping(declared.folder) as daemon:
        daemon.until(lambda: declared.shown()["permission"] == "all_team_members")
        declared.terminal.type("kb", "update", "Docs", "--permission", "only_me")
        daemon.until_said("set_base", path="/knowledge base/permission", cause="drift")
        assert declared.shown()["permission"] == "all_team_members"
        daemon.end()


def test_what_an_old_server_keeps(tmp_path: Path) -> None:
    with served(tmp_path, "--dify", "page") as url:
        declared = Declared(tmp_path, url)
        declared.configure("      permission: all_team_members\n")
        declared.terminal.type("apply")
        (row,) = declared.terminal.read("kb", "list")["rows"]
        assert row["permission"] == "all_team_members"
        declared.configure("      permission: only_me\n")
        assert "KB-E224" in declared.terminal.type("apply", exit=3)
        (row,) = declared.terminal.read("kb", "list")["rows"]
        assert row["permission"] == "all_team_members"
