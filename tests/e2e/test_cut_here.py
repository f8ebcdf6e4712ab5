"""Documents that are cut here: an edit writes the chunks it changes, and uploads nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typing_commands import Terminal

CONFIG = """\
version: 1
server: {url: embedded}
ledger: ./ledger.db
mirrors:
  - name: docs
    source: ./docs
    knowledge_base: Docs
    settle: 0s
    update_strategy: chunks
    chunking: {mode: custom, max_tokens: 300}
"""
WORDS = [
    "granite",
    "basalt",
    "quartz",
    "shale",
    "marble",
    "slate",
    "chalk",
    "gneiss",
    "flint",
    "schist",
]


def paragraph(number: int) -> str:
    words = [WORDS[(number * step) % len(WORDS)] for step in range(1, 25)]
    return f"Paragraph p{number} speaks of " + " ".join(words) + "."


def book(paragraphs: int) -> list[str]:
    blocks = []
    for number in range(paragraphs):
        if number % 10 == 0:
            blocks.append(f"## Section {number}")
        blocks.append(paragraph(number))
    return blocks


def chunks(terminal: Terminal, document: str) -> dict[str, str]:
    listed = terminal.read("chunks", "list", "Docs", document, "--all")["rows"]
    return {each["id"]: each["content"] for each in listed}


def rev(terminal: Terminal) -> str:
    (row,) = terminal.read("docs", "list", "Docs")["rows"]
    return str(row["rev"])


@pytest.mark.seconds(30)
def test_one_paragraph_of_a_document_of_two_thousand_chunks(tmp_path: Path) -> None:
    terminal, docs = Terminal(tmp_path), tmp_path / "docs"
    docs.mkdir()
    (tmp_path / "kbsync.yaml").write_text(CONFIG)
    blocks = book(2100)
    (docs / "book.md").write_text("\n\n".join(blocks))
    terminal.type("apply")
    before, sent = chunks(terminal, "book.md.txt"), rev(terminal)
    assert len(before) >= 2000
    assert "p1234" in terminal.type("search", "p1234")

    place = blocks.index(paragraph(1234))
    blocks[place] = "This paragraph is about the obsidian of Lipari."
    (docs / "book.md").write_text("\n\n".join(blocks))
    plan = json.loads(terminal.type("plan", "--json", exit=2))
    assert plan["counts"] == {"update": 1}
    terminal.type("apply")
    after = chunks(terminal, "book.md.txt")
    writes = len(after.keys() - before.keys()) + len(before.keys() - after.keys())
    assert 2 <= writes <= 3
    assert rev(terminal) == sent
    assert "Lipari" in terminal.type("search", "Lipari")
    assert "p1234" not in terminal.type("search", "p1234", exit=(0, 1))
    assert "nothing to do" in terminal.type("plan")
    assert "1 same" in terminal.type("verify")
    terminal.type("chunks", "delete", "Docs", "book.md.txt", next(iter(after)), "--yes")
    assert "KB-Y280" in terminal.type("verify", exit=3)


def test_types_that_are_no_text_are_updated_in_place(tmp_path: Path) -> None:
    terminal, docs = Terminal(tmp_path), tmp_path / "docs"
    docs.mkdir()
    (tmp_path / "kbsync.yaml").write_text(CONFIG)
    (docs / "a.html").write_text("<p>basalt</p>")
    (docs / "b.txt").write_text("granite\n\nquartz")
    terminal.type("apply")
    names = {row["name"] for row in terminal.read("docs", "list", "Docs")["rows"]}
    assert names == {"a.html", "b.txt"}
    (docs / "a.html").write_text("<p>marble</p>")
    terminal.type("apply")
    assert "marble" in terminal.type("search", "marble")
    assert "basalt" not in terminal.type("search", "basalt", exit=(0, 1))


@pytest.mark.parametrize("enabled", [True, False])
def test_a_chunk_that_was_edited_at_the_server_is_put_back(tmp_path: Path, enabled: bool) -> None:
    terminal, docs = Terminal(tmp_path), tmp_path / "docs"
    docs.mkdir()
    rule = "" if enabled else "    rules: [{match: '*.md', enabled: false}]\n"
    (tmp_path / "kbsync.yaml").write_text(CONFIG + rule)
    (docs / "book.md").write_text("\n\n".join(book(40)))
    terminal.type("apply")
    before, sent = chunks(terminal, "book.md.txt"), rev(terminal)
    victim = next(iter(before))
    terminal.type("chunks", "update", "Docs", "book.md.txt", victim, "--text", "by hand alone")
    plan = json.loads(terminal.type("plan", "--json", exit=2))
    assert [each["cause"] for each in plan["actions"]] == ["drift"]
    terminal.type("apply")
    after = chunks(terminal, "book.md.txt")
    assert sorted(after.values()) == sorted(before.values())
    assert len(before.keys() - after.keys()) == 1
    assert rev(terminal) == sent
    (row,) = terminal.read("docs", "list", "Docs")["rows"]
    assert row["enabled"] is enabled
    assert "nothing to do" in terminal.type("plan")


RECORDS = """\
version: 1
server: {url: embedded}
ledger: ./ledger.db
mirrors:
  - name: faq
    source: ./docs
    knowledge_base: Docs
    settle: 0s
    rules:
      - {match: ["*.jsonl", "*.csv"], send: rows, update_strategy: chunks}
"""


@pytest.mark.parametrize("ending", ["jsonl", "csv"])
def test_a_record_is_a_chunk_and_one_that_changes_is_written_alone(
    tmp_path: Path, ending: str
) -> None:
    def written(answers: list[str]) -> str:
        pairs = [(f"What is q{n}?", answer) for n, answer in enumerate(answers)]
        if ending == "csv":
            return "\n".join(["question,answer", *(f"{q},{a}" for q, a in pairs)])
        return "\n".join(json.dumps({"question": q, "answer": a}) for q, a in pairs)

    terminal, docs = Terminal(tmp_path), tmp_path / "docs"
    docs.mkdir()
    (tmp_path / "kbsync.yaml").write_text(RECORDS)
    answers = [f"answer{n} basalt" for n in range(20)]
    (docs / f"faq.{ending}").write_text(written(answers))
    terminal.type("apply")
    name = f"faq.{ending}.txt"
    before, sent = chunks(terminal, name), rev(terminal)
    assert len(before) == 20
    assert "question: What is q3?\nanswer: answer3 basalt" in before.values()
    answers[3] = "obsidian"
    (docs / f"faq.{ending}").write_text(written(answers))
    terminal.type("apply")
    after = chunks(terminal, name)
    assert len(after.keys() - before.keys()) == len(before.keys() - after.keys()) == 1
    assert rev(terminal) == sent
    assert "obsidian" in terminal.type("search", "obsidian")
    assert "answer3" not in terminal.type("search", "answer3", exit=(0, 1))


def test_a_line_that_is_no_record_is_named(tmp_path: Path) -> None:
    terminal, docs = Terminal(tmp_path), tmp_path / "docs"
    docs.mkdir()
    (tmp_path / "kbsync.yaml").write_text(RECORDS)
    (docs / "faq.jsonl").write_text('{"a": 1}\n[1, 2]\n')
    assert "line 2 is no JSON object" in terminal.type("apply", exit=3)
