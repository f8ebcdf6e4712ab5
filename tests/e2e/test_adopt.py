"""Documents that a person made by hand become ours; what counts is what the server counted."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from ledgers import Ledger
from running_daemon import keeping
from test_mirror import CREATE, DELETE, UPDATE, Requests, configure
from typing_commands import Terminal, by_hand, served

from kbsync.messages import adoption as say
from kbsync.messages import command as verb_say

# Hundreds of documents, on whatever machine this is.
pytestmark = pytest.mark.timeout(300)

UPLOADS = (CREATE, UPDATE)
MANY = 105  # more than a page of a listing


class Hands:
    """Somebody who made documents before kbsync came."""

    def __init__(self, url: str) -> None:
        self._api = by_hand(url)
        made = self._post("/datasets", json={"name": "Docs", "indexing_technique": "economy"})
        self.base = str(made["id"])

    def close(self) -> None:
        self._api.close()

    def _post(self, path: str, **words: Any) -> dict[str, Any]:
        reply = self._api.post(path, **words)
        reply.raise_for_status()
        return dict(reply.json())

    def upload(self, name: str, content: bytes, *, twin: bool = False) -> str:
        rule = {"indexing_technique": "economy", "process_rule": {"mode": "automatic"}}
        words = {**rule, "duplicate": not twin}
        made = self._post(
            f"/datasets/{self.base}/document/create-by-file",
            data={"data": json.dumps(words)},
            files={"file": (name, content, "text/markdown")},
        )
        return str(made["document"]["id"])

    def documents(self) -> dict[str, dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while not found or len(found) % 100 == 0:
            page = {"page": len(found) // 100 + 1, "limit": 100}
            rows = self._api.get(f"/datasets/{self.base}/documents", params=page).json()["data"]
            found += rows
            if not rows:
                break
        return {row["id"]: row for row in found}


def text(number: int) -> bytes:
    return f"# Page {number}\n\nThe harbour of number {number} freezes in winter.\n".encode()


def downloads(log: Path) -> int:
    return log.read_text().count('"/datasets/{ds}/documents/{doc}/download"')


def uploads(counted: Counter[tuple[str, str]]) -> int:
    return sum(counted[call] for call in UPLOADS)


def test_more_than_a_page_of_documents_by_base_name_without_an_upload(
    tmp_path: Path, ledger: Ledger
) -> None:
    log = tmp_path / "requests.jsonl"
    terminal, requests = Terminal(tmp_path), Requests(log)
    with served(tmp_path, "--request-log", str(log)) as url, ExitStack() as opened:
        configure(tmp_path, url, ledger=ledger.address)
        hands = opened.enter_context(closing(Hands(url)))
        for number in range(MANY):
            folder = tmp_path / "docs" / f"part{number % 7}"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"page{number}.md").write_bytes(text(number))
            hands.upload(f"page{number}.md", text(number))
        before = hands.documents()
        requests.writes()

        by_size = ("adopt", "--by", "basename", "--trust", "size")
        assert verb_say.NEEDS_YES.code in terminal.type(*by_size, exit=64)
        shown = json.loads(terminal.type(*by_size, "--dry-run", "--json", exit=2))
        assert shown["taken"] is False
        assert shown["counts"] == {
            **{"adopt": MANY, "known": MANY, "anew": 0, "bytes_anew": 0},
            **{"left": 0, "files": 0, "documents": 0, "to_compare": 0},
        }
        printed = terminal.type(*by_size, "--yes")
        assert f"{MANY} to adopt; {MANY} without an upload; 0 to index anew" in printed
        assert not requests.writes()
        assert terminal.read("status")["mirrors"][0]["documents"]["synced"] == MANY

        terminal.type("apply")
        terminal.type("apply")
        counted = requests.writes()
        assert uploads(counted) == 0
        assert counted[DELETE] == 0
        assert hands.documents().keys() == before.keys()
        status = terminal.read("status")["mirrors"][0]
        assert (status["documents"]["synced"], status["foreign"]) == (MANY, 0)
        marks = [
            {each["name"]: each["value"] for each in row["doc_metadata"]}
            for row in hands.documents().values()
        ]
        assert {mark["kbsync_path"] for mark in marks} == {
            f"part{number % 7}/page{number}.md" for number in range(MANY)
        }
        assert "nothing to adopt" in terminal.type(*by_size)

        # From now on they are as any other: an edit is one update, and takes our name along.
        (tmp_path / "docs" / "part3" / "page3.md").write_text("# Page 3\n\nIt thawed.\n")
        terminal.type("apply")
        assert uploads(requests.writes()) == 1
        after = hands.documents()
        assert after.keys() == before.keys()
        assert [row["name"] for row in after.values()].count("part3\u2215page3.md") == 1


def test_what_is_not_known_to_be_the_same_is_indexed_anew(tmp_path: Path, ledger: Ledger) -> None:
    log = tmp_path / "requests.jsonl"
    terminal, requests = Terminal(tmp_path), Requests(log)
    (tmp_path / "docs").mkdir()
    for number in range(4):
        (tmp_path / "docs" / f"page{number}.md").write_bytes(text(number))
    with served(tmp_path, "--request-log", str(log)) as url, ExitStack() as opened:
        configure(tmp_path, url, ledger=ledger.address)
        hands = opened.enter_context(closing(Hands(url)))
        for number in range(3):
            grown = b"And it grew.\n" if number == 2 else b""
            hands.upload(f"page{number}.md", text(number) + grown)
        before = hands.documents()
        requests.writes()

        printed = terminal.type("adopt", "--trust", "size", "--dry-run", exit=2)
        size = len(text(2))
        assert f"3 to adopt; 2 without an upload; 1 to index anew ({size} B to upload)" in printed
        assert "1 files and 0 documents stay without each other" in printed
        terminal.type("adopt", "--yes")
        assert not requests.writes()
        terminal.type("apply")
        counted = requests.writes()
        assert (counted[UPDATE], counted[CREATE], counted[DELETE]) == (3, 1, 0)
        after = hands.documents()
        assert before.keys() < after.keys()
        assert len(after) == 4
        assert terminal.read("plan")["counts"] == {}


def twenty(folder: Path, hands: Hands) -> dict[str, str]:
    """Make 20 files and their documents by hand; two are of other bytes, and as many."""
    (folder / "docs").mkdir()
    made = {}
    for number in range(20):
        (folder / "docs" / f"page{number}.md").write_bytes(text(number))
        other = text(number).replace(b"freezes", b"thawed ") if number in (7, 13) else text(number)
        made[f"page{number}.md"] = hands.upload(f"page{number}.md", other)
    return made


def test_by_content_what_is_the_same_is_never_sent(tmp_path: Path, ledger: Ledger) -> None:
    log = tmp_path / "requests.jsonl"
    terminal, requests = Terminal(tmp_path), Requests(log)
    with served(tmp_path, "--request-log", str(log)) as url, ExitStack() as opened:
        configure(tmp_path, url, ledger=ledger.address)
        hands = opened.enter_context(closing(Hands(url)))
        made = twenty(tmp_path, hands)
        requests.writes()

        shown = json.loads(
            terminal.type("adopt", "--trust", "content", "--dry-run", "--json", exit=2)
        )
        size = sum(len(text(number)) for number in range(20))
        assert shown["forecast"] == {"downloads": 20, "bytes": size, "minutes": None}
        assert (shown["counts"]["to_compare"], shown["counts"]["known"]) == (20, 0)
        assert {each["upload"] for each in shown["actions"]} == {None}
        assert verb_say.NEEDS_YES.code in terminal.type("adopt", "--trust", "content", exit=64)
        assert downloads(log) == 0

        printed = terminal.type("adopt", "--trust", "content", "--yes")
        assert "20 to adopt; 0 without an upload; 0 to index anew (0 B to upload); 20 to" in printed
        assert "20 adopted; 18 without an upload; 2 to index anew" in printed
        anew = [line for line in printed.splitlines() if "indexed anew by" in line]
        assert len(anew) == 2
        assert all(made[f"page{n}.md"] in line for n, line in zip((13, 7), anew, strict=True))
        assert downloads(log) == 20
        assert not requests.writes()

        assert json.loads(terminal.type("plan", "--json", exit=2))["counts"]["update"] == 2
        terminal.type("apply")
        counted = requests.writes()
        assert (counted[UPDATE], counted[CREATE], counted[DELETE]) == (2, 0, 0)
        assert hands.documents().keys() == set(made.values())
        assert terminal.type("verify").endswith("docs: 20 same\n")


def test_by_content_with_a_daemon(tmp_path: Path) -> None:
    log = tmp_path / "requests.jsonl"
    terminal, requests = Terminal(tmp_path), Requests(log)
    with served(tmp_path, "--request-log", str(log)) as url, ExitStack() as opened:
        configure(tmp_path, url, ", read_only: true")
        hands = opened.enter_context(closing(Hands(url)))
        twenty(tmp_path, hands)
        requests.writes()
        with keeping(tmp_path) as daemon:
            shown = json.loads(terminal.type("adopt", "--trust", "content", "--yes", "--json"))
            assert (shown["counts"]["known"], shown["counts"]["anew"]) == (18, 2)
            assert shown["forecast"]["downloads"] == downloads(log) == 20
            daemon.end()
        assert not requests.writes()


def test_by_content_where_the_server_gives_no_bytes_out(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    with served(tmp_path, "--dify", "1.12") as url, ExitStack() as opened:
        configure(tmp_path, url)
        hands = opened.enter_context(closing(Hands(url)))
        twenty(tmp_path, hands)
        printed = terminal.type("adopt", "--trust", "content", "--yes", exit=5)
        assert say.NO_BYTES.code in printed
        assert "1.12.1" in printed
        assert "--trust size" in printed
        assert terminal.read("status")["mirrors"][0]["documents"]["synced"] == 0


def test_what_is_unclear_is_left_and_named(tmp_path: Path, ledger: Ledger) -> None:
    log = tmp_path / "requests.jsonl"
    terminal, requests = Terminal(tmp_path), Requests(log)
    for path in ("a/twice.md", "b/twice.md", "a/once.md", "one.md", "clear.md"):
        (tmp_path / "docs" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "docs" / path).write_text(f"# {path}\n\nWords about it.\n")
    with served(tmp_path, "--request-log", str(log)) as url, ExitStack() as opened:
        configure(tmp_path, url, ledger=ledger.address)
        hands = opened.enter_context(closing(Hands(url)))
        twice = hands.upload("twice.md", b"# Which\n\nOf the two?\n")
        one, other = (hands.upload("one.md", b"# One\n\nOf two.\n", twin=True) for _ in range(2))
        clear = hands.upload("clear.md", b"# Clear\n\nAs day.\n")
        stranger = hands.upload("stranger.md", b"# Foreign\n\nAt all.\n")
        requests.writes()

        printed = terminal.type("adopt", "--by", "basename", "--yes", exit=3)
        assert say.SEVERAL_FILES.code in printed
        assert say.SEVERAL_DOCUMENTS.code in printed
        assert f"* clear.md <- clear.md {clear}" in printed
        assert "1 to adopt" in printed
        assert "2 left as unclear" in printed

        rows = [("a/twice.md", twice), ("one.md", one), ("b/twice.md", one), ("gone.md", stranger)]
        rows += [("a/once.md", clear), ("one.md", other)]
        (tmp_path / "map.csv").write_text("".join(f"{path},{each}\n" for path, each in rows))
        shown = json.loads(terminal.type("adopt", "--map", "map.csv", "--json", "--yes", exit=3))
        assert [each["path"] for each in shown["actions"]] == ["a/twice.md"]
        assert {each["name"]: each["code"] for each in shown["left"]} == {
            "one.md": say.PATH_TWICE.code,
            "b/twice.md": say.DOCUMENT_TWICE.code,
            "gone.md": say.NO_SUCH_FILE.code,
            "a/once.md": say.NO_SUCH_DOCUMENT.code,
        }
        (tmp_path / "map.yaml").write_text(f"one.md: {other}\n")
        terminal.type("adopt", "--map", "map.yaml", "--yes")
        assert not requests.writes()
        terminal.type("apply")
        after = hands.documents()
        assert {twice, one, other, clear, stranger} <= after.keys()
        assert after[one]["name"] == "one.md"
        assert terminal.read("status")["mirrors"][0]["foreign"] == 2
        assert len(after) == 7


def test_bad_words_are_refused_before_anything_is_asked(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    (tmp_path / "docs").mkdir()
    configure(tmp_path, "http://127.0.0.1:9/v1")
    refusals = {
        say.MAP_INCOMPLETE.code: [("--by", "map"), ("--by", "name", "--map", "map.csv")],
        say.MAP_UNREADABLE.code: [("--map", "nowhere.csv")],
        say.MAP_MALFORMED.code: [("--map", "map.csv"), ("--map", "map.yaml")],
    }
    (tmp_path / "map.csv").write_text("path,document_id\na.md\n")
    (tmp_path / "map.yaml").write_text("- a.md\n")
    for code, typed in refusals.items():
        for words in typed:
            assert code in terminal.type("adopt", *words, exit=64)


def test_a_document_another_mirror_holds_is_never_taken(tmp_path: Path, ledger: Ledger) -> None:
    log = tmp_path / "requests.jsonl"
    terminal, requests = Terminal(tmp_path), Requests(log)
    for folder in ("docs", "more"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "page.md").write_text("# A page\n\nWords about it.\n")
    with served(tmp_path, "--request-log", str(log)) as url, ExitStack() as opened:
        configure(tmp_path, url, ", prefix: first", ledger=ledger.address)
        config = tmp_path / "kbsync.yaml"
        second = "{name: more, source: ./more, knowledge_base: Docs, settle: 0s, prefix: second}"
        config.write_text(config.read_text() + f"  - {second}\n")
        hands = opened.enter_context(closing(Hands(url)))
        terminal.type("apply", "docs")
        requests.writes()
        assert say.MIRROR_NOT_NAMED.code in terminal.type("adopt", exit=64)
        printed = terminal.type("adopt", "more", "--by", "basename", "--yes")
        assert "nothing to adopt" in printed
        assert "1 files and 0 documents stay without each other" in printed
        assert not requests.writes()
        assert len(hands.documents()) == 1
