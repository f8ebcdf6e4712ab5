"""Every row of the tables of calls, made against a served knowledge base over TCP."""

import json
from pathlib import Path
from typing import Any

import pytest
from typing_commands import KEY, served

from kbsync.cli import obey as run
from kbsync.cli.api import chunks, documents, knowledge_bases
from kbsync.messages import command as say
from kbsync.messages import remote

CALLS = {
    (group, verb.verb)
    for group, table in (("kb", knowledge_bases), ("docs", documents), ("chunks", chunks))
    for verb in table.VERBS
}


class Hands:
    """Types commands in this process and remembers which."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.called: set[tuple[str, str]] = set()

    def type(self, *words: str, exit: int = 0) -> str:
        code = run(list(words))
        out, err = self._capsys.readouterr()
        assert code == exit, (words, code, out, err)
        assert KEY not in out + err
        if exit == 0 and len(words) > 1 and words[0] != "init":
            self.called.add((words[0], words[1]))
        return err if exit else out

    def read(self, *words: str) -> Any:
        return json.loads(self.type(*words, "--json"))


@pytest.fixture
def hands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Hands:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DIFY_API_KEY", KEY)
    return Hands(capsys)


def test_every_call(hands: Hands, tmp_path: Path) -> None:
    with served(tmp_path) as url:
        hands.type("init", "--url", url)
        base = _bases(hands)
        document = _documents(hands, tmp_path)
        _chunks(hands, document)
        _children(hands)
        _names(hands, base)
        hands.type("docs", "delete", "Books", document, "--yes")
        hands.type("kb", "delete", base, "--yes")
    assert hands.called == CALLS


def _bases(hands: Hands) -> str:
    made = hands.read("kb", "create", "Docs", "--technique", "economy", "--description", "mine")
    assert made["retrieval"]["search_method"] == "keyword_search"
    assert hands.read("kb", "list", "--mine", "--keyword", "doc")["total"] == 1
    changed = hands.read("kb", "update", "Docs", "--name", "Books", "--permission", "only_me")
    assert (changed["id"], changed["name"]) == (made["id"], "Books")
    assert hands.read("kb", "get", "Books")["description"] == "mine"

    field = hands.read("kb", "add-field", "Books", "author")
    assert field["type"] == "string"
    hands.read("kb", "add-field", "Books", "pages", "--type", "number")
    assert hands.read("kb", "rename-field", "Books", "author", "writer")["id"] == field["id"]
    names = [each["name"] for each in hands.read("kb", "fields", "Books")["fields"]]
    assert names == ["writer", "pages"]
    assert "document_name" in hands.type("kb", "built-in", "Books")
    hands.type("kb", "show-built-in", "Books")
    assert hands.read("kb", "fields", "Books")["built_in_enabled"] is True
    hands.type("kb", "hide-built-in", "Books")
    assert hands.read("kb", "fields", "Books")["built_in_enabled"] is False

    tag = hands.read("kb", "add-tag", "fiction")["id"]
    hands.type("kb", "bind-tag", "Books", tag)
    hands.type("kb", "rename-tag", tag, "novels")
    assert [each["name"] for each in hands.read("kb", "tags", "Books")] == ["novels"]
    hands.type("kb", "unbind-tag", "Books", tag)
    assert hands.read("kb", "tags", "Books") == []
    hands.type("kb", "delete-tag", tag, "--yes")
    assert hands.read("kb", "tags") == []

    assert isinstance(hands.read("kb", "models", "rerank"), list)
    return str(made["id"])


def _documents(hands: Hands, folder: Path) -> str:
    (folder / "tale.txt").write_bytes("Der Bär läuft übers Eis.".encode("latin-1"))
    (folder / "empty.exe").write_bytes(b"MZ")
    sent = hands.read("docs", "create-file", "Books", "tale.txt", "--wait", "30")
    tale = str(sent["document"]["id"])
    assert hands.read("docs", "indexing", "Books", sent["batch"])[0]["status"] == "completed"
    assert remote.TYPE_OR_SIZE.code in hands.type(
        "docs", "create-file", "Books", "empty.exe", exit=1
    )
    # In another encoding the server would have guessed; the file came as UTF-8.
    hits = hands.read("kb", "retrieve", "Books", "Bär", "--top", "2")
    assert [hit["chunk"]["content"] for hit in hits] == ["Der Bär läuft übers Eis."]

    given = ("writer=Nansen", "pages=12")
    assigned = hands.read("docs", "assign", "Books", "tale.txt", *given)["metadata"]
    own = {each["name"]: each["value"] for each in assigned if each["id"] != "built-in"}
    assert own == {"writer": "Nansen", "pages": 12}
    assert hands.read("kb", "retrieve", "Books", "Bär", "--filter", "writer=Nansen")
    assert not hands.read("kb", "retrieve", "Books", "Bär", "--filter", "writer=Amundsen")
    hands.type("kb", "delete-field", "Books", "pages", "--yes")
    assert say.NO_SUCH_FIELD.code in hands.type("docs", "assign", "Books", tale, "pages=1", exit=1)

    beside = ("docs", "create-file", "Books", "tale.txt", "--twin", "--wait", "30")
    twin = hands.read(*beside)["document"]["id"]
    assert twin != tale
    assert say.SEVERAL_DOCUMENTS.code in hands.type("docs", "get", "Books", "tale.txt", exit=1)
    hands.type("docs", "create-text", "Books", "third.txt", "Noch ein Märchen.")
    hands.type(
        *("docs", "update-text", "Books", twin, "other.txt", "Neu.", "--wait", "30"),
        *("--rule", '{"mode": "automatic"}'),
    )
    assert hands.read("docs", "get", "Books", "other.txt")["id"] == twin
    for verb, status in (
        ("disable", "disabled"),
        ("enable", "available"),
        ("archive", "archived"),
        ("un-archive", "available"),
    ):
        hands.type("docs", verb, "Books", twin)
        listed = hands.read("docs", "list", "Books", "--status", status, "--all")["rows"]
        assert twin in [row["id"] for row in listed]
    (folder / "tale.txt").write_text("# Neu\n\nDas Eis bricht.\n")
    hands.type("docs", "update-file", "Books", tale, "tale.txt", "--raw", "--wait", "30")
    return tale


def _chunks(hands: Hands, document: str) -> None:
    where = ("Books", document)
    added = hands.read("chunks", "add", *where, "Eins.", "Zwei.", "--keyword", "zahl")
    assert [each["status"] for each in added] == ["completed", "completed"]
    assert added[0]["keywords"] == ["zahl"]
    first = added[0]["id"]
    assert hands.read("chunks", "update", *where, first, "--text", "Drei.")["content"] == "Drei."
    assert hands.read("chunks", "update", *where, first, "--disable")["enabled"] is False
    assert hands.read("chunks", "get", *where, first)["content"] == "Drei."
    page = hands.read("chunks", "list", *where, "--limit", "1", "--page", "2")
    assert (len(page["rows"]), page["total"]) == (1, 3)
    hands.type("chunks", "delete", *where, first, "--yes")
    assert first not in hands.type("chunks", "list", *where)


def _children(hands: Hands) -> None:
    hands.type("kb", "create", "Tree")
    rule = {
        "mode": "hierarchical",
        "rules": {
            "pre_processing_rules": [],
            "segmentation": {"separator": "\n\n", "max_tokens": 500, "chunk_overlap": 0},
            "parent_mode": "paragraph",
            "subchunk_segmentation": {"separator": "\n", "max_tokens": 200, "chunk_overlap": 0},
        },
    }
    shape = ("--form", "hierarchical_model", "--rule", json.dumps(rule))
    made = hands.read(
        *("docs", "create-text", "Tree", "t.txt", "Ein Satz.\nNoch einer.", *shape),
        *("--wait", "30"),
    )
    where = ("Tree", made["document"]["id"])
    chunk = hands.read("chunks", "list", *where)["rows"][0]["id"]
    added = hands.read("chunks", "add-child", *where, chunk, "Ein Kind.")["id"]
    hands.type("chunks", "update-child", *where, chunk, added, "Zwei Kinder.")
    rows = hands.read("chunks", "children", *where, chunk)["rows"]
    assert {row["id"]: row["content"] for row in rows}[added] == "Zwei Kinder."
    hands.type("chunks", "delete-child", *where, chunk, added, "--yes")
    assert added not in hands.type("chunks", "children", *where, chunk, "--all")


def _names(hands: Hands, base: str) -> None:
    assert say.NO_SUCH_BASE.code in hands.type("kb", "get", "Unknown", exit=5)
    assert say.NO_SUCH_DOCUMENT.code in hands.type("docs", "get", "Books", "unknown.md", exit=1)
    assert say.NEEDS_YES.code in hands.type("kb", "delete", base, exit=64)
    assert say.NO_SUCH_SERVER.code in hands.type("kb", "list", "--server", "moon", exit=64)
    assert remote.NAME_TAKEN.code in hands.type("kb", "create", "Books", exit=5)
    hands.type("kb", "create", "X", "--retrieval", "[1]", exit=64)
    hands.type("docs", "assign", base, "tale.txt", "writer", exit=64)
