"""The fourteen calls of "Maintaining Knowledge Base via API", one after another, over TCP."""

from pathlib import Path

import pytest
from typing_commands import Terminal, served

from kbsync.messages import command as say

SENTENCE = "The walrus valve is turned clockwise."

# Dozens of processes one after another, on whatever machine this is.
pytestmark = pytest.mark.timeout(300)


def test_fourteen_calls(tmp_path: Path) -> None:
    with served(tmp_path) as url:
        person = Terminal(tmp_path)
        person.type("init", "--url", url)
        _play(person)


def _play(person: Terminal) -> None:
    (person.folder / "guide.md").write_text(f"# Guide\n\n{SENTENCE}\n")
    (person.folder / "newer.md").write_text("# Guide\n\nThe valve was replaced by a lever.\n")

    # 3. create an empty knowledge base
    base = person.read("kb", "create", "Docs", "--technique", "economy")["id"]
    # 4. list knowledge bases
    assert [row["id"] for row in person.read("kb", "list")["rows"]] == [base]

    # 1. create a document from text
    made = person.read("docs", "create-text", "Docs", "note.txt", "A short note.", "--wait", "30")
    note = made["document"]["id"]
    assert made["batch"]
    # 2. create a document from a file
    sent = person.read("docs", "create-file", "Docs", "guide.md")
    guide, batch = sent["document"]["id"], sent["batch"]
    # 8. document indexing status
    progress = person.read("docs", "indexing", "Docs", batch)
    assert [row["id"] for row in progress] == [guide]
    _wait_until_indexed(person, batch)
    # 10. list documents
    listed = person.read("docs", "list", "Docs")["rows"]
    assert {row["id"]: row["name"] for row in listed} == {note: "note.txt", guide: "guide.md"}

    # 12. list chunks
    chunks = person.read("chunks", "list", "Docs", guide)["rows"]
    assert any(SENTENCE in chunk["content"] for chunk in chunks)
    # 11. add chunks
    added = person.read("chunks", "add", "Docs", guide, "Levers are oiled in May.", "Twice.")
    assert [chunk["content"] for chunk in added] == ["Levers are oiled in May.", "Twice."]
    # 14. update a chunk
    first = added[0]["id"]
    changed = person.read("chunks", "update", "Docs", guide, first, "--text", "Oiled in June.")
    assert changed["content"] == "Oiled in June."
    assert person.read("chunks", "get", "Docs", guide, first)["content"] == "Oiled in June."
    # 13. delete a chunk
    person.type("chunks", "delete", "Docs", guide, added[1]["id"], "--yes")
    left = person.read("chunks", "list", "Docs", guide)["rows"]
    assert [chunk["id"] for chunk in left] == [*(chunk["id"] for chunk in chunks), first]

    # 6. update a document by text
    longer = person.read(
        "docs", "update-text", "Docs", note, "note.txt", "A longer note.", "--wait", "30"
    )
    assert longer["document"]["id"] == note
    assert _contents(person, note) == ["A longer note."]
    # 7. update a document by file
    person.type("docs", "update-file", "Docs", guide, "newer.md", "--wait", "30")
    assert "lever" in " ".join(_contents(person, guide))
    assert SENTENCE not in " ".join(_contents(person, guide))
    assert person.read("docs", "get", "Docs", guide)["name"] == "newer.md"

    # 9. delete a document
    person.type("docs", "delete", "Docs", note, "--yes")
    assert say.NOT_THERE.code in person.type("docs", "get", "Docs", note, exit=1)
    # 5. delete a knowledge base
    person.type("kb", "delete", "Docs", "--yes")
    assert person.read("kb", "list")["rows"] == []


def _contents(person: Terminal, document: str) -> list[str]:
    rows = person.read("chunks", "list", "Docs", document, "--all")["rows"]
    return [row["content"] for row in rows]


def _wait_until_indexed(person: Terminal, batch: str) -> None:
    for _ in range(50):
        if person.read("docs", "indexing", "Docs", batch)[0]["status"] == "completed":
            return
    raise AssertionError("not indexed after 50 looks")
