"""Rules by pattern: a changed rule concerns the documents it matches, and no other."""

from __future__ import annotations

import json
from pathlib import Path

from typing_commands import Terminal

HEAD = "version: 1\nserver: {url: embedded}\nledger: ./ledger.db\nmirrors:\n"
MIRROR = "  - {name: docs, source: ./docs, knowledge_base: Docs, settle: 0s%s}\n"
RULE = ", rules: [{match: '**/*.html', chunking: {mode: custom, max_tokens: %d}}]"


def declare(folder: Path, more: str = "") -> None:
    (folder / "kbsync.yaml").write_text(HEAD + MIRROR % more)


def revs(terminal: Terminal) -> dict[str, str]:
    listed = terminal.read("docs", "list", "Docs")["rows"]
    return {each["name"]: each["rev"] for each in listed}


def test_a_changed_process_rule_concerns_the_documents_it_matches_alone(tmp_path: Path) -> None:
    terminal, docs = Terminal(tmp_path), tmp_path / "docs"
    docs.mkdir()
    declare(tmp_path)
    for number in range(6):
        (docs / f"{number}.md").write_text(f"granite {number} " * 40)
        (docs / f"{number}.html").write_text(f"<p>{f'basalt {number} ' * 40}</p>")
    terminal.type("apply")
    before = revs(terminal)
    assert len(before) == 12

    declare(tmp_path, RULE % 60)
    plan = json.loads(terminal.type("plan", "--json", exit=2))
    assert {each["path"] for each in plan["actions"]} == {f"{n}.html" for n in range(6)}
    assert {(each["action"], each["cause"]) for each in plan["actions"]} == {("update", "settings")}
    assert plan["unchanged"] == 6
    assert "6 to update; 6 unchanged" in terminal.type("plan", exit=2)
    terminal.type("apply")
    after = revs(terminal)
    assert {name for name in after if after[name] != before[name]} == {
        f"{n}.html" for n in range(6)
    }
    assert "nothing to do" in terminal.type("plan")

    shown = terminal.type("explain", "docs/1.html")
    assert "chunking: custom  (rules[0], match: **/*.html)" in shown
    assert "rules[0]" not in terminal.type("explain", "docs/1.md")
    declare(tmp_path, RULE % 70)
    assert json.loads(terminal.type("plan", "--json", exit=2))["counts"] == {"update": 6}


def test_a_rule_for_the_encoding_of_some_files(tmp_path: Path) -> None:
    terminal, docs = Terminal(tmp_path), tmp_path / "docs"
    (docs / "alt").mkdir(parents=True)
    (docs / "alt" / "a.txt").write_bytes("Привет, гранит и базальт".encode("koi8-r"))
    (docs / "b.txt").write_text("Grüße aus Granit")
    declare(tmp_path, ", encoding: cp1252, rules: [{match: alt/, encoding: koi8-r}]")
    terminal.type("apply")
    assert "гранит" in terminal.type("search", "гранит")
    assert "Granit" in terminal.type("search", "Granit")
    assert "koi8-r" in terminal.type("explain", "docs/alt/a.txt")


def test_a_rule_that_is_wrong_is_named_with_its_line(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    (tmp_path / "docs").mkdir()
    (tmp_path / "kbsync.yaml").write_text(
        HEAD
        + "  - name: docs\n    source: ./docs\n    knowledge_base: Docs\n    rules:\n"
        + "      - match: '*.pdf'\n        chunking: {mode: hierarchical}\n"
        + "      - match: 'private\\pay.md'\n        language: German\n"
        + "      - language: German\n"
    )
    shown = terminal.type("validate", exit=64)
    assert "kbsync.yaml:11" in shown
    assert "mirrors[0].rules[1].match" in shown
    assert "mirrors[0].rules[2]" in shown
