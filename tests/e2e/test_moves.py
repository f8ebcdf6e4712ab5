"""Files renamed in every way a disk knows; what counts is what the server counted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from ledgers import FILE, Ledger
from test_mirror import CREATE, DELETE, UPDATE, Requests, configure
from typing_commands import Terminal, by_hand, served

pytestmark = pytest.mark.timeout(300)

MANY = 60  # twice as many are more than a page of a listing
MOST = 3
"""Writes at the server that a rename of so many files may cost: its marks, in batches."""


class Base:
    """The knowledge base as it stands at the server."""

    def __init__(self, api: httpx.Client) -> None:
        self._api = api
        (base,) = self._read("/datasets", limit=1)["data"]
        self._place = f"/datasets/{base['id']}/documents"

    def _read(self, path: str, **words: int) -> dict[str, Any]:
        return dict(self._api.get(path, params=words).raise_for_status().json())

    def documents(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        page: dict[str, Any] = {"has_more": True}
        while page["has_more"]:
            page = self._read(self._place, page=len(found) // 100 + 1, limit=100)
            found += page["data"]
        return found

    def paths(self) -> dict[str, str]:
        """The path that each document's mark names, with the document's id."""
        marks = {}
        for row in self.documents():
            values = {each["name"]: each["value"] for each in row["doc_metadata"] or ()}
            if "kbsync_path" in values:
                marks[values["kbsync_path"]] = row["id"]
        return marks

    def names(self) -> dict[str, str]:
        return {row["id"]: row["name"] for row in self.documents()}

    def text(self, document_id: str) -> str:
        chunks = self._read(f"{self._place}/{document_id}/segments")["data"]
        return "\n".join(chunk["content"] for chunk in chunks)


class Story:
    """A mirrored folder and its server."""

    def __init__(self, folder: Path, url: str, log: Path) -> None:
        self.docs = folder / "docs"
        self.terminal = Terminal(folder)
        self._api = by_hand(url)
        self._requests = Requests(log)

    @property
    def base(self) -> Base:
        return Base(self._api)

    def close(self) -> None:
        self._api.close()

    def write(self, **texts: str) -> None:
        for path, text in texts.items():
            place = self.docs / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(f"# Page\n\n{text}\n")

    def rename(self, **names: str) -> None:
        """Rename all at once, through a place outside the folder."""
        away = self.docs.parent / "away"
        away.mkdir()
        for number, old in enumerate(names):
            (self.docs / old).rename(away / str(number))
        for number, new in enumerate(names.values()):
            (self.docs / new).parent.mkdir(parents=True, exist_ok=True)
            (away / str(number)).rename(self.docs / new)
        away.rmdir()

    def apply(self) -> dict[str, int]:
        """Apply, and return the writes the server counted by what they are."""
        self._requests.writes()
        self.terminal.type("apply")
        writes = self._requests.writes()
        kinds = {"create": CREATE, "update": UPDATE, "delete": DELETE}
        sent = {kind: writes.pop(call) for kind, call in kinds.items() if call in writes}
        return {**sent, "other": sum(writes.values())}

    def assert_mirrored(self) -> None:
        """Every file has its document, found by its mark, and there is no other."""
        paths, base = self.base.paths(), self.base
        files = [each for each in self.docs.rglob("*") if each.is_file()]
        assert set(paths) == {each.relative_to(self.docs).as_posix() for each in files}
        assert len(base.documents()) == len(files)
        for each in files:
            text = each.read_text().split("\n")[2]
            assert text in base.text(paths[each.relative_to(self.docs).as_posix()])
        assert self.terminal.read("plan")["counts"] == {}


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


def test_a_folder_moves_and_new_files_take_its_place(tmp_path: Path, ledger: Ledger) -> None:
    old = {f"old/{n:03}.md": f"The heron numbered {n} stands in the reeds." for n in range(MANY)}
    with story_of(tmp_path, ledger=ledger.address) as story:
        story.write(**old)
        assert story.apply()["create"] == MANY
        before = story.base.paths()
        (story.docs / "old").rename(story.docs / "new")
        plan = json.loads(story.terminal.type("plan", "--json", exit=2))
        assert plan["counts"] == {"move": MANY}

        sent = story.apply()
        assert sent.keys() == {"other"}
        assert 1 <= sent["other"] <= MOST
        moved = {path.replace("new/", "old/"): held for path, held in story.base.paths().items()}
        assert moved == before
        story.assert_mirrored()
        (found,) = story.terminal.read("search", "heron numbered 42", "--top", "1")["results"]
        assert found["path"] == "new/042.md"

        story.write(**{path: f"Another page stands at {path} today." for path in old})
        assert story.apply()["create"] == MANY
        story.assert_mirrored()
        after = story.base.paths()
        assert {path: after[path.replace("old/", "new/")] for path in old} == before
        assert len(set(story.base.names().values())) == 2 * MANY


def test_rows_swaps_and_rings_of_files_send_nothing(tmp_path: Path) -> None:
    with story_of(tmp_path) as story:
        story.write(**{f"{name}.md": f"The {name} page." for name in "abcdefgh"})
        story.apply()
        story.rename(**{"a.md": "b.md", "b.md": "a.md"})
        assert story.apply() == {"other": 1}
        story.rename(**{"a.md": "b.md", "b.md": "c.md", "c.md": "sub/deep/c.md"})
        story.rename(**{"d.md": "e.md", "e.md": "f.md", "f.md": "d.md"})
        assert story.apply() == {"other": 1}
        story.assert_mirrored()

        story.write(**{"b.md": "The a page, was it?", "d.md": "And what was this?"})
        assert {**story.apply(), "other": 0} == {"update": 2, "other": 0}
        story.assert_mirrored()


def test_names_that_differ_by_case_and_files_in_place_of_folders(tmp_path: Path) -> None:
    with story_of(tmp_path) as story:
        story.write(**{"Read.md": "A case apart.", "guide.md": "First a file."})
        story.apply()
        story.rename(**{"Read.md": "READ.md"})
        story.rename(**{"guide.md": "guide.md.away"})
        (story.docs / "guide.md").mkdir()
        story.rename(**{"guide.md.away": "guide.md/guide.md"})
        assert story.apply() == {"other": 1}
        story.assert_mirrored()

        story.rename(**{"READ.md": "read.md", "guide.md/guide.md": "away.md"})
        (story.docs / "guide.md").rmdir()
        story.rename(**{"away.md": "guide.md"})
        assert story.apply() == {"other": 1}
        story.assert_mirrored()


def test_a_moved_document_gets_the_name_of_its_path_when_it_is_edited(tmp_path: Path) -> None:
    with story_of(tmp_path) as story:
        story.write(**{"a.md": "The first page."})
        story.apply()
        story.rename(**{"a.md": "b.md"})
        story.apply()
        story.write(**{"a.md": "A second page.", "b.md": "The first page, edited."})
        story.apply()
        story.assert_mirrored()
        names, paths = story.base.names(), story.base.paths()
        assert names[paths["b.md"]] == "b.md"
        story.write(**{"a.md": "A second page, edited."})
        story.apply()
        story.assert_mirrored()
        assert set(story.base.names().values()) == {"a.md", "b.md"}


def test_of_equal_files_it_is_not_guessed_which_one_moved(tmp_path: Path) -> None:
    with story_of(tmp_path) as story:
        story.write(**{"a.md": "Twins.", "b.md": "Twins.", "c.md": "Alone."})
        story.apply()
        story.rename(**{"a.md": "x/a.md", "b.md": "x/b.md", "c.md": "x/c.md"})
        sent = story.apply()
        assert (sent["create"], sent["delete"]) == (2, 2)
        story.assert_mirrored()


def test_a_server_without_metadata_gets_the_file_anew(tmp_path: Path) -> None:
    with story_of(tmp_path, "--quirk", "no-metadata") as story:
        story.write(**{"a.md": "The first page.", "z.md": "The last page."})
        story.apply()
        story.rename(**{"a.md": "b.md"})
        assert story.apply() == {"create": 1, "delete": 1, "other": 0}
        assert set(story.base.names().values()) == {"b.md", "z.md"}
        assert story.terminal.read("plan")["counts"] == {}


@pytest.mark.parametrize("quirk", ["no-merge", "no-partial-update"])
def test_older_servers_keep_moved_documents_and_new_ones_apart(tmp_path: Path, quirk: str) -> None:
    with story_of(tmp_path, "--quirk", quirk) as story:
        story.write(**{"a.md": "The first page."})
        story.apply()
        story.rename(**{"a.md": "b.md"})
        assert story.apply() == {"other": 1}
        story.write(**{"a.md": "A second page."})
        assert story.apply()["create"] == 1
        story.assert_mirrored()


def test_a_lost_ledger_finds_moved_documents_by_their_marks(tmp_path: Path, ledger: Ledger) -> None:
    with story_of(tmp_path, ledger=ledger.address) as story:
        story.write(**{"a.md": "The first page.", "z.md": "The last page."})
        story.apply()
        story.rename(**{"a.md": "b.md"})
        story.apply()
        story.write(**{"a.md": "A second page."})
        story.apply()
        before = story.base.paths()
        ledger.lose()
        sent = story.apply()
        assert sent.keys() == {"other"}
        assert story.base.paths() == before
        story.assert_mirrored()


def test_a_restored_ledger_learns_from_the_marks_what_moved_since(
    tmp_path: Path, ledger: Ledger
) -> None:
    with story_of(tmp_path, ledger=ledger.address) as story:
        story.write(**{f"{name}.md": f"The {name} page." for name in "abcz"})
        story.apply()
        ledger.keep()
        story.rename(**{"a.md": "d.md", "b.md": "c.md", "c.md": "b.md"})
        story.apply()
        story.write(**{"a.md": "A new page stands here."})
        story.apply()
        before = story.base.paths()
        ledger.put_back()
        assert story.apply() == {"other": 0}
        assert story.base.paths() == before
        story.assert_mirrored()


def test_a_server_whose_updates_wedge_keeps_the_document(tmp_path: Path) -> None:
    with story_of(tmp_path, "--quirk", "wedging-update") as story:
        story.write(**{"a.md": "The first page."})
        story.apply()
        before = story.base.paths()["a.md"]
        story.rename(**{"a.md": "b.md"})
        story.apply()
        story.write(**{"a.md": "A second page."})
        story.apply()
        story.write(**{"b.md": "The first page, edited."})
        story.apply()
        story.assert_mirrored()
        assert story.base.paths()["b.md"] == before
