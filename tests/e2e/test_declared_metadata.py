"""Metadata that is declared: rules, front matter and sidecars; nothing of it embeds anything."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from front import opened
from typing_commands import Terminal, by_hand, served

from kbsync.engine.execute.marking import BATCH

HEAD = "version: 1\nserver: %s\nledger: ./ledger.db\nmirrors:\n"
MIRROR = "  - {name: docs, source: ./docs, knowledge_base: Docs, settle: 0s%s}\n"
EMBEDDED = "{url: embedded}"
CALLS = 15


def declare(folder: Path, more: str = "", server: str = EMBEDDED) -> None:
    (folder / "kbsync.yaml").write_text(HEAD % server + MIRROR % more)


def page(title: str, text: str = "granite", more: str = "") -> str:
    return f"---\ntitle: {title}\n{more}---\n# Page\n{text}\n"


def rows(terminal: Terminal) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in terminal.read("docs", "list", "--all", "Docs")["rows"]}


def values(terminal: Terminal) -> dict[str, dict[str, object]]:
    """What each document carries beside its mark."""
    return {name: own_values(row) for name, row in rows(terminal).items()}


def own_values(row: dict[str, Any]) -> dict[str, object]:
    return {
        each["name"]: each["value"]
        for each in row["metadata"] or ()
        if each["id"] != "built-in"
        and not each["name"].startswith("kbsync_")
        and each["value"] is not None
    }


def uploaded(terminal: Terminal) -> dict[str, str]:
    return {name: row["rev"] for name, row in rows(terminal).items()}


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    (tmp_path / "docs" / "guides").mkdir(parents=True)
    return Terminal(tmp_path)


@pytest.mark.parametrize(
    "files", [30, pytest.param(BATCH + 10, marks=pytest.mark.once_a_change)], ids=["one", "more"]
)
def test_front_matter_of_many_files_costs_no_upload_and_fifteen_calls(
    terminal: Terminal, files: int
) -> None:
    """Values of one batch of documents, or of more."""
    docs, more = terminal.folder / "docs", ", front_matter: [title, weight, date]"
    for number in range(files):
        more_fields = f"weight: {number}\ndate: 2024-05-01\n"
        (docs / f"{number:03}.md").write_text(
            page(f"Page {number}", f"basalt {number}", more_fields)
        )
    with served(terminal.folder) as url, opened(url) as front:
        declare(terminal.folder, more, f"{{url: '{front.url}', api_key_env: DIFY_API_KEY}}")
        terminal.type("apply")
        before = uploaded(terminal)
        for number in range(files):
            fields = f"weight: {number + 1}\ndate: 2025-05-01\n"
            (docs / f"{number:03}.md").write_text(page(f"New {number}", f"basalt {number}", fields))
        calls = Counter[str]()

        def count(method: str, path: str) -> None:
            calls[f"{method} {path.rpartition('/')[2]}"] += 1

        front.behaviour = count
        assert f"{files} given other metadata" in terminal.type("apply")
        counted = dict(calls)
        assert sum(counted.values()) <= CALLS, counted
        assert uploaded(terminal) == before
        held = values(terminal)
        assert held["007.md"] == {"title": "New 7", "weight": 8, "date": 1746057600}
        assert {len(each) for each in held.values()} == {3}
        assert "nothing to do" in terminal.type("plan")


def test_where_values_come_from_and_which_of_them_counts(terminal: Terminal) -> None:
    docs = terminal.folder / "docs"
    declare(
        terminal.folder,
        ', metadata: {team: docs, where: "{parent}", of: "{stem}.{extension}", bytes: "{size}"}, '
        "front_matter: [title, team], "
        "rules: [{match: guides/, metadata: {team: guides, kind: how}}]",
    )
    (docs / "guides" / "a.md").write_text(page("A"))
    (docs / "guides" / "b.md").write_text(page("B", more="team: front\n"))
    (docs / "c.md").write_text(page("C", more="team: front\n"))
    (docs / "c.md.kbsync.yaml").write_text(
        "metadata: {team: beside, since: 2024-05-01, of: null}\n"
    )
    terminal.type("apply")
    found = values(terminal)
    size = (docs / "guides" / "a.md").stat().st_size
    a = {"team": "guides", "where": "guides", "of": "a.md", "bytes": size, "title": "A"}
    assert found["guides∕a.md"] == a | {"kind": "how"}
    assert found["guides∕b.md"]["team"] == "front"
    assert found["c.md"] == {
        "team": "beside",
        "since": 1714521600,
        "bytes": (docs / "c.md").stat().st_size,
        "title": "C",
    }
    assert set(found) == {"guides∕a.md", "guides∕b.md", "c.md"}
    assert "nothing to do" in terminal.type("plan")
    shown = terminal.type("explain", "docs/c.md")
    assert "team: beside [string]  (the sidecar)" in shown
    assert "title: C [string]  (front matter)" in shown
    assert "since: 2024-05-01 00:00:00Z [time]  (the sidecar)" in shown
    shown = terminal.type("explain", "docs/guides/a.md")
    assert "team: guides [string]  (rules[0], match: guides/)" in shown
    assert "a file of kbsync" in terminal.type("explain", "docs/c.md.kbsync.yaml")


def test_what_is_taken_away_here_is_taken_away_there_and_others_keep_theirs(
    terminal: Terminal,
) -> None:
    docs = terminal.folder / "docs"
    declare(terminal.folder, ", metadata: {team: docs, kind: page}, front_matter: [title]")
    (docs / "a.md").write_text(page("A"))
    (docs / "a.md.kbsync.yaml").write_text("metadata: {reviewed: 2024-05-01}\n")
    terminal.type("apply")
    before = uploaded(terminal)
    declare(terminal.folder, ", metadata: {team: docs}, front_matter: []")
    (docs / "a.md.kbsync.yaml").unlink()
    plan = json.loads(terminal.type("plan", "--json", exit=2))
    assert plan["counts"] == {"set_metadata": 1}
    terminal.type("apply")
    assert values(terminal)["a.md"] == {"team": "docs"}
    assert uploaded(terminal) == before
    assert "nothing to do" in terminal.type("plan")


def test_values_that_were_changed_at_the_server_are_written_again(terminal: Terminal) -> None:
    docs = terminal.folder / "docs"
    (docs / "a.md").write_text(page("A"))
    with served(terminal.folder) as url:
        server = f"{{url: '{url}', api_key_env: DIFY_API_KEY}}"
        declare(terminal.folder, ", metadata: {team: docs, rank: 3}", server)
        terminal.type("apply")
        base = terminal.read("kb", "list")["rows"][0]["id"]
        document = rows(terminal)["a.md"]["id"]
        with by_hand(url) as hand:
            listed = hand.get(f"/datasets/{base}/metadata").json()["doc_metadata"]
            ids = {each["name"]: each["id"] for each in listed}
            kinds = {each["name"]: each["type"] for each in listed}
            assert (kinds["team"], kinds["rank"]) == ("string", "number")
            made = hand.post(
                f"/datasets/{base}/metadata", json={"type": "string", "name": "theirs"}
            )
            theirs = made.json()["id"]
            metadata = [
                {"id": ids["team"], "name": "team", "value": "somebody"},
                {"id": ids["rank"], "name": "rank", "value": None},
                {"id": theirs, "name": "theirs", "value": "kept"},
            ]
            change = {"document_id": document, "metadata_list": metadata, "partial_update": True}
            hand.post(f"/datasets/{base}/documents/metadata", json={"operation_data": [change]})
        before = uploaded(terminal)
        assert json.loads(terminal.type("plan", "--json", exit=2))["counts"] == {"set_metadata": 1}
        terminal.type("apply")
        assert values(terminal)["a.md"] == {"team": "docs", "rank": 3, "theirs": "kept"}
        assert uploaded(terminal) == before
        # A field that is there with another type is named; the other values are written.
        declare(terminal.folder, ", metadata: {team: 7, rank: 4}", server)
        assert "KB-E261" in terminal.type("apply", exit=3)
        assert values(terminal)["a.md"] == {"rank": 4, "team": "docs", "theirs": "kept"}
        assert "KB-E261" in terminal.type("plan", exit=3)


def test_what_cannot_be_read_is_named_and_keeps_its_metadata(terminal: Terminal) -> None:
    docs = terminal.folder / "docs"
    declare(terminal.folder, ", front_matter: [title]")
    (docs / "a.md").write_text(page("A"))
    (docs / "b.md").write_text(page("B"))
    (docs / "c.md").write_text(page("C"))
    terminal.type("apply")
    before = values(terminal)
    (docs / "a.md").write_text(page("[A"))
    (docs / "b.md.kbsync.yaml").write_text("metadata: [x]\n")
    (docs / "c.md").write_text(page("C, new"))
    (docs / "gone.md.kbsync.yaml").write_text("metadata: {}\n")
    planned = terminal.type("plan", exit=2)
    assert all(code in planned for code in ("KB-S263", "KB-S261", "KB-S262"))
    assert "KB-S263" in terminal.type("apply", exit=3)
    assert values(terminal) == before | {"c.md": {"title": "C, new"}}
    assert "2 left as is" in terminal.type("plan", exit=3)
    (docs / "a.md").write_text(page("A2"))
    (docs / "b.md.kbsync.yaml").unlink()
    (docs / "gone.md.kbsync.yaml").unlink()
    terminal.type("apply")
    assert values(terminal)["a.md"] == {"title": "A2"}
    assert "nothing to do" in terminal.type("plan")


def test_front_matter_that_is_left_out_is_another_text_of_the_same_file(terminal: Terminal) -> None:
    docs = terminal.folder / "docs"
    declare(terminal.folder)
    (docs / "a.md").write_text(page("A"))
    (docs / "b.md").write_text("no front matter\n")
    # A stat that is to be believed is older than the clock's tick.
    terminal.type("apply")
    terminal.type("apply")
    declare(terminal.folder, ", front_matter: [title]")
    plan = json.loads(terminal.type("plan", "--json", exit=2))
    assert [(each["path"], each["cause"]) for each in plan["actions"]] == [("a.md", "settings")]
    terminal.type("apply")
    assert values(terminal)["a.md"] == {"title": "A"}
    chunks = terminal.read("chunks", "list", "Docs", "a.md")["rows"]
    assert "title" not in "".join(each["content"] for each in chunks)
    assert "nothing to do" in terminal.type("plan")


def test_documents_that_searches_do_not_look_at(terminal: Terminal) -> None:
    docs = terminal.folder / "docs"
    declare(terminal.folder, ", rules: [{match: '*.txt', enabled: false}]")
    (docs / "a.md").write_text("granite\n")
    (docs / "b.txt").write_text("basalt\n")
    (docs / "c.md").write_text("gneiss\n")
    (docs / "c.md.kbsync.yaml").write_text("enabled: false\n")

    def enabled() -> dict[str, bool]:
        return {name: row["enabled"] for name, row in rows(terminal).items()}

    terminal.type("apply")
    assert enabled() == {"a.md": True, "b.txt": False, "c.md": False}
    assert "nothing to do" in terminal.type("plan")
    # An edit reaches a document that is disabled, which stays so.
    before = uploaded(terminal)
    (docs / "b.txt").write_text("basalt, edited\n")
    terminal.type("apply")
    after = uploaded(terminal)
    assert {name for name in after if after[name] != before[name]} == {"b.txt"}
    assert enabled() == {"a.md": True, "b.txt": False, "c.md": False}
    # Whoever enables what is declared disabled is overruled by the next pass.
    terminal.type("docs", "enable", "Docs", "b.txt", "c.md")
    assert terminal.type("plan", exit=2).count("disable: as declared") == 2
    terminal.type("apply")
    assert enabled() == {"a.md": True, "b.txt": False, "c.md": False}
    assert uploaded(terminal) == after
    # What is declared no more is undone; a file that goes takes its document with it.
    (docs / "c.md.kbsync.yaml").unlink()
    (docs / "b.txt").unlink()
    terminal.type("apply")
    assert enabled() == {"a.md": True, "c.md": True}
    # An operator's switch is left alone, unless the contrary is declared.
    terminal.type("docs", "disable", "Docs", "a.md")
    assert "KB-E006" in terminal.type("apply", exit=3)
    declare(terminal.folder, ", rules: [{match: '*.md', enabled: true}]")
    assert "enable: as declared" in terminal.type("plan", exit=2)
    terminal.type("apply")
    assert enabled() == {"a.md": True, "c.md": True}
    assert "nothing to do" in terminal.type("plan")


def test_a_server_without_metadata_is_said_once_and_nothing_else_changes(
    terminal: Terminal,
) -> None:
    docs = terminal.folder / "docs"
    (docs / "a.md").write_text(page("A"))
    with served(terminal.folder, "--dify", "0.15") as url:
        server = f"{{url: '{url}', api_key_env: DIFY_API_KEY}}"
        declare(terminal.folder, ", metadata: {team: docs}, front_matter: [title]", server)
        terminal.type("apply")
        printed = terminal.type("plan", exit=(0, 3))
        assert "nothing to do" in printed
