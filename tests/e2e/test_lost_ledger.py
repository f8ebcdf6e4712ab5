"""A ledger that is lost, old, or not the only one: what counts is what the server counted."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ledgers import FILE, FileLedger, Ledger
from test_mirror import ASSIGN, Requests, configure
from test_moves import Story as MovingStory
from typing_commands import Terminal, by_hand, served

pytestmark = pytest.mark.timeout(300)

FILES = 105  # more than a page of a listing
FEWER = 24
BY_HAND = "Written by hand, about a walrus."


class Story(MovingStory):
    """A mirrored folder and its server, by its address."""

    def __init__(self, folder: Path, url: str, log: Path) -> None:
        super().__init__(folder, url, log)
        self.url = url
        self.requests = Requests(log)

    def assign(self, document_id: str, name: str, value: str) -> None:
        """Give a document a value, as an operator does by hand."""
        with by_hand(self.url) as api:
            (base,) = api.get("/datasets").json()["data"]
            place = f"/datasets/{base['id']}"
            field = api.post(f"{place}/metadata", json={"type": "string", "name": name}).json()
            kept = api.get(f"{place}/documents/{document_id}").json()["doc_metadata"]
            own = [each for each in kept if each["id"] != "built-in"]
            values = [*own, {"id": field["id"], "name": name, "value": value}]
            row = {"document_id": document_id, "metadata_list": values, "partial_update": True}
            assigned = api.post(f"{place}/documents/metadata", json={"operation_data": [row]})
            assigned.raise_for_status()


@contextmanager
def story_of(folder: Path, *quirks: str, ledger: str = FILE) -> Iterator[Story]:
    log = folder / "requests.jsonl"
    with served(folder, "--request-log", str(log), *quirks) as url:
        configure(folder, url, ledger=ledger)
        story = Story(folder, url, log)
        try:
            yield story
        finally:
            story.close()


def page(number: int) -> str:
    return f"part{number % 4}/page{number:03}.md"


def prepared(story: Story, folder: Path, files: int) -> dict[str, Any]:
    """Mirror a folder into a base that holds a document made by hand; return that document."""
    story.terminal.type("kb", "create", "Docs")
    by_hand = folder / "by-hand.md"
    by_hand.write_text(BY_HAND)
    story.terminal.type("docs", "create-file", "Docs", str(by_hand))
    for number in range(files):
        story.write(**{page(number): f"The otter numbered {number} dives."})
    assert story.apply()["create"] == files
    return walrus(story)


def walrus(story: Story) -> dict[str, Any]:
    (row,) = [each for each in story.base.documents() if each["name"] == "by-hand.md"]
    return row


def counted(story: Story, *words: str, exit: int = 0) -> Counter[str]:
    """Type a command; return what the server counted, marks aside."""
    story.requests.writes()
    story.terminal.type(*words, exit=exit)
    counts = Counter[str]()
    for (_, route), number in story.requests.changes().items():
        counts[route] += number
    return counts


def status(story: Story) -> dict[str, Any]:
    said = story.terminal.type("status", "--foreign", "--json", exit=(0, 3))
    (mirror,) = json.loads(said)["mirrors"]
    return dict(mirror)


def test_a_lost_ledger_is_rebuilt_without_an_upload(tmp_path: Path, ledger: Ledger) -> None:
    # How long a listing is makes no difference to a database.
    files = FILES if isinstance(ledger, FileLedger) else FEWER
    with story_of(tmp_path, ledger=ledger.address) as story:
        by_hand = prepared(story, tmp_path, files)
        before = story.base.paths()
        ledger.lose()
        plan = json.loads(story.terminal.type("plan", "--json", exit=2))
        assert plan["counts"] == {"adopt": files}
        assert not counted(story, "apply")
        assert story.base.paths() == before
        assert story.terminal.read("plan")["counts"] == {}
        assert not counted(story, "apply")
        shown = status(story)
        assert shown["documents"]["synced"] == files
        assert [each["name"] for each in shown["foreign_documents"]] == ["by-hand.md"]
        assert shown["foreign"] == 1
        assert walrus(story) == by_hand

        (story.docs / page(7)).write_text("# Page\n\nThe otter sleeps now.\n")
        (story.docs / page(8)).unlink()
        ledger.lose()
        assert sum(counted(story, "apply").values()) == 2
        assert len(story.base.documents()) == files
        assert "otter sleeps now" in story.terminal.type("search", "otter sleeps now")
        assert walrus(story) == by_hand


def test_a_ledger_from_three_changes_ago_uploads_nothing(tmp_path: Path, ledger: Ledger) -> None:
    with story_of(tmp_path, ledger=ledger.address) as story:
        by_hand = prepared(story, tmp_path, files=FEWER)
        ledger.keep()
        for number in range(5):
            story.write(**{page(number): f"The otter numbered {number} changed its mind."})
        story.apply()
        for number in range(200, 204):
            story.write(**{page(number): f"The otter numbered {number} is new."})
        (story.docs / page(20)).unlink()
        (story.docs / page(21)).unlink()
        story.apply()
        story.write(**{page(20): "The otter is back.", page(3): "The otter thinks again."})
        story.apply()
        before = story.base.paths()
        ledger.put_back()
        assert not counted(story, "apply")
        assert story.base.paths() == before
        assert story.terminal.read("plan")["counts"] == {}
        assert status(story)["documents"]["synced"] == FEWER + 3
        assert walrus(story) == by_hand


def test_a_ledger_lost_before_the_indexing_finds_its_documents(
    tmp_path: Path, ledger: Ledger
) -> None:
    # Of a version that may have all of them in flight.
    quirks = ("--quirk", "stuck-indexing", "--quirk", "version=1.15.0")
    with story_of(tmp_path, *quirks, ledger=ledger.address) as story:
        for number in range(12):
            story.write(**{page(number): f"The otter numbered {number} dives."})
        story.terminal.type("apply", "--no-wait", exit=6)
        ledger.lose()
        plan = json.loads(story.terminal.type("plan", "--json", exit=2))
        assert plan["counts"] == {"adopt": 12}


def test_two_ledgers_on_one_base_end_in_a_named_problem(tmp_path: Path, ledger: Ledger) -> None:
    with story_of(tmp_path, ledger=ledger.address) as story:
        prepared(story, tmp_path, files=12)
        other = Terminal(tmp_path / "other")
        other.folder.mkdir()
        shutil.copytree(story.docs, other.folder / "docs")
        (other.folder / "docs" / page(1)).write_text("# Page\n\nAnother otter altogether.\n")
        configure(other.folder, story.url)
        other.type("apply")  # to it, its ledger is lost: it takes over
        for _ in range(3):
            assert "KB-E052" in story.terminal.type("apply", exit=5)
            assert "KB-E052" in story.terminal.type("plan", exit=5)
        assert not counted(story, "apply", exit=5)
        other.type("apply")

        story.terminal.type("mirror", "forget", "docs")
        sent = counted(story, "apply")
        assert sum(sent.values()) == 1  # the page that is not the same in both folders
        assert "KB-E052" in other.type("apply", exit=5)


def test_a_copied_ledger_that_lives_on_ends_in_a_conflict(tmp_path: Path) -> None:
    with story_of(tmp_path) as story:
        prepared(story, tmp_path, files=5)
        other = Terminal(tmp_path / "other")
        other.folder.mkdir()
        shutil.copytree(story.docs, other.folder / "docs")
        shutil.copytree(tmp_path / Path(FILE).parent, other.folder / Path(FILE).parent)
        (other.folder / "docs" / page(1)).write_text("# Page\n\nAnother otter altogether.\n")
        configure(other.folder, story.url)
        uploads, printed = 0, ""
        for _ in range(5):
            for each in (other, story.terminal):
                story.requests.writes()
                printed += each.type("apply", exit=(0, 3))
                uploads += sum(story.requests.changes().values())
        assert "KB-E013" in printed
        assert uploads <= 5


def test_marks_that_are_dropped_are_not_tried_for_ever(tmp_path: Path, ledger: Ledger) -> None:
    with story_of(tmp_path, "--quirk", "dropped-metadata", ledger=ledger.address) as story:
        story.write(**{"a.md": "The otter dives."})
        assert "KB-E050" in story.terminal.type("apply", exit=3)
        assert story.requests.writes()[ASSIGN] == 2
        assert status(story)["documents"]["synced"] == 1


def test_values_of_operators_survive_servers_that_replace(tmp_path: Path, ledger: Ledger) -> None:
    with story_of(tmp_path, "--quirk", "no-partial-update", ledger=ledger.address) as story:
        story.write(**{"a.md": "The otter dives."})
        story.apply()
        (row,) = story.base.documents()
        story.assign(row["id"], "author", "Ada")
        story.write(**{"a.md": "The otter dives again."})
        story.apply()
        (row,) = story.base.documents()
        values = {each["name"]: each["value"] for each in row["doc_metadata"]}
        assert values["author"] == "Ada"
        assert story.base.paths() == {"a.md": row["id"]}
        assert story.terminal.read("plan")["counts"] == {}


def test_a_server_without_metadata_is_reported_once(tmp_path: Path, ledger: Ledger) -> None:
    with story_of(tmp_path, "--quirk", "no-metadata", ledger=ledger.address) as story:
        story.write(**{"a.md": "The otter dives."})
        assert story.terminal.type("apply").count("KB-E051") == 1
        assert "KB-E051" not in story.terminal.type("apply")
        assert story.terminal.read("plan")["counts"] == {}
        ledger.lose()
        assert not counted(story, "apply", exit=3)  # foreign now, and of our name
