"""Files that the server does not take: sent as text, as Markdown, row by row, and found."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest
from test_mirror import CREATE, UPDATE, Requests
from typing_commands import Terminal, by_hand, served

from kbsync.source.convert.converters import CONVERTERS, missing
from tests import rich_files

needs_converters = pytest.mark.skipif(
    bool(absent := sorted({package for ending in CONVERTERS for package in missing(ending)})),
    reason=f"install {' '.join(absent)}",
)

CONVERTED = (
    ", rules: [{match: ['*.py', '*.rst', '*.json'], send: text}, "
    "{match: ['*.ipynb', '*.pptx', '*.epub', '*.eml', '*.msg', '*.odt'], send: converted}]"
)


def configure(folder: Path, url: str, more: str = "") -> None:
    (folder / "kbsync.yaml").write_text(
        "version: 1\n"
        f'server: {{url: "{url}", api_key: "${{DIFY_API_KEY}}", timeout: 20s}}\n'
        "ledger: ./ledger.db\n"
        "mirrors:\n"
        f"  - {{name: docs, source: ./docs, knowledge_base: Docs, settle: 0s{more}}}\n"
    )


def chunks(url: str) -> dict[str, list[str]]:
    """The chunks of all documents, by the document's name."""
    with closing(by_hand(url)) as api:
        base = api.get("/datasets").json()["data"][0]["id"]
        listed = api.get(f"/datasets/{base}/documents", params={"limit": 100}).json()["data"]
        return {
            each["name"]: [
                chunk["content"]
                for chunk in api.get(
                    f"/datasets/{base}/documents/{each['id']}/segments", params={"limit": 100}
                ).json()["data"]
            ]
            for each in listed
        }


@needs_converters
@pytest.mark.seconds(25)
def test_a_tree_of_types_the_server_does_not_take_is_found_by_search(tmp_path: Path) -> None:
    docs, log = tmp_path / "docs", tmp_path / "requests.jsonl"
    (docs / "src").mkdir(parents=True)
    files: dict[str, tuple[bytes, str]] = {
        "src/tool.py": (b"def granite(x: list[str]) -> dict[str, int]:\n    ...\n", "granite"),
        "guide.rst": (b"Basalt\n======\n\nA column of basalt.\n", "basalt"),
        "data.json": (b'{"stone": "obsidian"}', "obsidian"),
        "note.ipynb": (
            rich_files.notebook({"cell_type": "code", "source": "marble = 1 < 2 > 0"}),
            "marble",
        ),
        "talk.pptx": (rich_files.pptx(("Quartz", ["a vein"]), notes="gneiss"), "gneiss"),
        "book.epub": (rich_files.epub("<h1>One</h1><p>of slate", "<p>of shale"), "shale"),
        "mail.eml": (rich_files.eml("Plan", "The dolomite arrives."), "dolomite"),
        "mail.msg": (rich_files.msg("Plan", "The travertine arrives."), "travertine"),
        "text.odt": (rich_files.odt("All about pumice."), "pumice"),
    }
    for name, (content, _) in files.items():
        (docs / name).write_bytes(content)
    terminal, requests = Terminal(tmp_path), Requests(log)
    with served(tmp_path, "--request-log", str(log)) as url:
        configure(tmp_path, url, CONVERTED)
        terminal.type("apply")
        for name, (_, word) in files.items():
            found = terminal.type("search", word)
            assert f"1. {name}\n" in found, (name, found)
        assert "list[str]) -> dict[str, int]" in chunks(url)["src∕tool.py.txt"][0]
        requests.writes()
        assert terminal.read("plan")["counts"] == {}
        assert terminal.read("verify")["mirrors"][0]["counts"] == {"same": len(files)}

        # Written anew with the same bytes, edited, renamed.
        (docs / "talk.pptx").write_bytes(files["talk.pptx"][0])
        (docs / "mail.eml").write_bytes(rich_files.eml("Plan", "The limestone arrives."))
        (docs / "book.epub").rename(docs / "novel.epub")
        requests.writes()
        terminal.type("apply")
        assert requests.changes() == {UPDATE: 1}
        assert "mail.eml" in terminal.type("search", "limestone")
        assert "send: text  (rules[0]" in terminal.type("explain", "docs/src/tool.py")


@needs_converters
def test_what_cannot_be_converted_is_named_before_it_is_sent(tmp_path: Path) -> None:
    docs, log = tmp_path / "docs", tmp_path / "requests.jsonl"
    docs.mkdir()
    (docs / "broken.pptx").write_bytes(b"no presentation")
    (docs / "cut.odt").write_bytes(rich_files.odt("x")[:300])
    (docs / "empty.ipynb").write_bytes(rich_files.notebook())
    (docs / "photo.py").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)))
    (docs / "other.xyz").write_text("text")
    rules = (
        ", rules: [{match: '*.py', send: text}, "
        "{match: ['*.pptx', '*.odt', '*.ipynb', '*.xyz'], send: converted}]"
    )
    terminal, requests = Terminal(tmp_path), Requests(log)
    with served(tmp_path, "--request-log", str(log)) as url:
        configure(tmp_path, url, rules)
        plan = (
            terminal.read("plan")
            if False
            else json.loads(terminal.type("plan", "--json", exit=(2, 3)))
        )
        skipped = {each["path"]: each["code"] for each in plan["skipped"]}
        held = {each["path"]: each["code"] for each in plan["actions"] if "code" in each}
        assert skipped == {"photo.py": "KB-S235", "other.xyz": "KB-S233"}
        assert held["broken.pptx"] == "KB-S154"
        shown = terminal.type("apply", exit=3)
        assert "KB-S230" in shown
        assert CREATE not in requests.changes()


@needs_converters
def test_a_row_is_one_chunk(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    sheets = {
        "Prices": [["stone", "price"], ["granite", 1], [None, 2], ["#basalt", "a\n=====\nb"]],
        "Internal": [["secret", "x"], ["obsidian", 1]],
    }
    book = rich_files.xlsx(sheets, merged="A2:A3", hidden="Internal")
    (docs / "a.xlsx").write_bytes(book)
    (docs / "b.csv").write_text("name;size\n007;1,5\nzebra;" + "long " * 200 + "\n")
    terminal = Terminal(tmp_path)
    with served(tmp_path) as url:
        configure(tmp_path, url, ", send: rows")
        terminal.type("apply")
        stored = chunks(url)
        assert stored["a.xlsx.txt"] == [
            "Sheet: Prices\nstone: granite\nprice: 1",
            "Sheet: Prices\nstone: granite\nprice: 2",
            "Sheet: Prices\nstone: #basalt\nprice: a\n  =====\n  b",
        ]
        assert stored["b.csv.txt"] == [
            "name: 007\nsize: 1,5",
            "name: zebra\nsize: " + " ".join(["long"] * 200),
        ]
        assert terminal.read("plan")["counts"] == {}


def test_relative_links_are_rewritten_in_what_is_sent(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    (docs / "guides").mkdir(parents=True)
    (docs / "guides" / "a.md").write_text("See [b](../b.md) and `[c](c.md)`, granite.\n")
    (docs / "b.txt").write_text("See [a](a.md), basalt.\n")
    terminal = Terminal(tmp_path)
    with served(tmp_path) as url:
        configure(tmp_path, url, ", links: 'https://docs.example/kb'")
        terminal.type("apply")
        assert chunks(url) == {
            "guides∕a.md": ["See [b](https://docs.example/kb/b.md) and `[c](c.md)`, granite."],
            "b.txt": ["See [a](a.md), basalt."],
        }
        configure(tmp_path, url)
        plan = json.loads(terminal.type("plan", "--json", exit=2))
        assert [(each["path"], each["cause"]) for each in plan["actions"]] == [
            ("guides/a.md", "settings")
        ]


def test_a_table_that_would_lose_rows_is_named_with_the_way_out(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "a.csv").write_text("name\nAnna, Berlin\n")
    (docs / "b.csv").write_text("name;town\nAnna;Berlin, Mitte\n")
    terminal = Terminal(tmp_path)
    with served(tmp_path) as url:
        configure(tmp_path, url)
        shown = terminal.type("plan", exit=2)
        assert "of 1 of the files to be sent text would be lost, as of a.csv [KB-S492]" in shown
        configure(tmp_path, url, ", rules: [{match: a.csv, send: rows}]")
        assert "KB-S492" not in terminal.type("plan", exit=2)
        terminal.type("apply")
        found = chunks(url)
        assert found["b.csv"] == ["name: Anna;town: Berlin, Mitte"]
        assert {"Anna", "Berlin"} <= set(" ".join(found["a.csv.txt"]).replace(":", "").split())


def test_markdown_that_would_lose_text_is_named_with_the_way_out(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "a.md").write_text("A `List<String>` of granite.\n")
    (docs / "b.md").write_text("See <https://example.com/basalt>.\n")
    (docs / "c.md").write_text("Plain<br>obsidian.\n")
    terminal = Terminal(tmp_path)
    with served(tmp_path) as url:
        configure(tmp_path, url)
        shown = terminal.type("plan", exit=2)
        assert "KB-S236" in shown
        assert "of 2 of the files" in shown
        assert "as of a.md" in shown
        lost = json.loads(terminal.type("plan", "--json", exit=2))["losses"]
        assert [each["code"] for each in lost].count("KB-S236") == 1
        configure(tmp_path, url, ", rules: [{match: ['a.md', 'b.md'], send: text}]")
        assert "KB-S236" not in terminal.type("plan", exit=2)
        terminal.type("apply")
        assert chunks(url) == {
            "a.md.txt": ["A `List<String>` of granite."],
            "b.md.txt": ["See <https://example.com/basalt>."],
            "c.md": ["Plainobsidian."],
        }
        # What was sent is not looked at again.
        configure(tmp_path, url)
        (docs / "c.md").write_text("Plain <obsidian>.\n")
        assert "of 3 of the files" in terminal.type("plan", exit=2)


def test_a_file_beside_the_name_another_becomes(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "a.md").write_text("granite <one>\n")
    (docs / "a.md.txt").write_text("basalt two\n")
    terminal = Terminal(tmp_path)
    with served(tmp_path) as url:
        configure(tmp_path, url, ", rules: [{match: '*.md', send: text}]")
        terminal.type("apply")
        stored = chunks(url)
        assert sorted(each for (each,) in stored.values()) == ["basalt two", "granite <one>"]
        assert terminal.read("plan")["counts"] == {}
        (docs / "a.md").write_text("granite <three>\n")
        terminal.type("apply")
        assert sorted(each for (each,) in chunks(url).values()) == ["basalt two", "granite <three>"]


@pytest.mark.parametrize("strategy", ["in_place", "chunks"])
def test_a_table_that_goes_back_to_what_it_was_is_sent_again(tmp_path: Path, strategy: str) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    before = "stone,price\n" + "".join(f"granite{n},{n}\n" for n in range(9))
    after = before.replace("granite5", "basalt5")
    terminal = Terminal(tmp_path)
    with served(tmp_path) as url:
        configure(tmp_path, url, f", send: rows, update_strategy: {strategy}")
        for text in (before, after, before):
            (docs / "a.csv").write_text(text)
            terminal.type("apply")
            rows = text.splitlines()[1:]
            expected = [f"stone: {row.split(',')[0]}\nprice: {row.split(',')[1]}" for row in rows]
            assert sorted(chunks(url)["a.csv.txt"]) == sorted(expected)
            assert terminal.read("plan")["counts"] == {}
