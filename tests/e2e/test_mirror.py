"""A folder against `kbsync serve` over TCP; what counts is what the server counted."""

import json
import shutil
from collections import Counter
from pathlib import Path

import pytest
from ledgers import FILE, Ledger
from typing_commands import Terminal, served

from kbsync.planning.marks import FIELDS

FILES = 20
RETRIEVE = ("POST", "/datasets/{ds}/retrieve")
CREATE = ("POST", "/datasets/{ds}/document/create-by-file")
UPDATE = ("PATCH", "/datasets/{ds}/documents/{doc}")
FIELD = ("POST", "/datasets/{ds}/metadata")
ASSIGN = ("POST", "/datasets/{ds}/documents/metadata")
DELETE = ("DELETE", "/datasets/{ds}/documents/{doc}")


class Requests:
    """Counts the write requests the server logged since the last look."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._read = 0

    def writes(self) -> Counter[tuple[str, str]]:
        lines = self._log.read_text().splitlines()
        fresh, self._read = lines[self._read :], len(lines)
        rows = [json.loads(line) for line in fresh]
        calls = Counter((row["method"], row["route"]) for row in rows if row["method"] != "GET")
        calls.pop(RETRIEVE, None)  # a search, by POST
        return calls

    def changes(self) -> Counter[tuple[str, str]]:
        """Count what the writes do to documents; marks are metadata, and few."""
        calls = self.writes()
        fields, assignments = calls.pop(FIELD, 0), calls.pop(ASSIGN, 0)
        assert fields in (0, len(FIELDS))
        assert assignments <= 4 + sum(calls.values()) / 3  # more than one when the server is slow
        return calls


def sentence(number: int) -> str:
    return f"The lighthouse keeper numbered {number} polishes lens {number * 7919} at dusk."


def write_files(folder: Path, first: int = 0, files: int = FILES) -> None:
    for number in range(first, first + files):
        place = folder / f"part{number % 5}" / f"page{number}.md"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(f"# Page {number}\n\n{sentence(number)}\n")


def configure(folder: Path, url: str, more: str = "", ledger: str = FILE) -> None:
    (folder / "kbsync.yaml").write_text(
        "version: 1\n"
        f'server: {{url: "{url}", api_key: "${{DIFY_API_KEY}}"}}\n'
        f'ledger: "{ledger}"\n'
        f"mirrors:\n  - {{name: docs, source: ./docs, knowledge_base: Docs, settle: 0s{more}}}\n"
    )


def documents(folder: Path, terminal: Terminal) -> dict[str, str]:
    found = terminal.read("history", "--limit", "100000")["lines"]
    newest: dict[str, str] = {}
    for line in reversed(found):
        newest[line["path"]] = line["document_id"]
    return newest


@pytest.mark.parametrize("quirks", [(), ("--quirk", "wedging-update")])
def test_a_folder_is_mirrored_and_only_what_changed_is_sent(
    tmp_path: Path, quirks: tuple[str, ...], ledger: Ledger
) -> None:
    log = tmp_path / "requests.jsonl"
    terminal, requests = Terminal(tmp_path), Requests(log)
    write_files(tmp_path / "docs")
    with served(tmp_path, "--request-log", str(log), *quirks) as url:
        configure(tmp_path, url, ledger=ledger.address)
        terminal.type("apply")
        assert requests.changes() == {("POST", "/datasets"): 1, CREATE: FILES}
        for number in (3, 12, 17):
            assert f"page{number}.md" in terminal.type("search", sentence(number))

        terminal.type("apply")
        assert not requests.writes()
        assert terminal.read("plan")["counts"] == {}

        before = documents(tmp_path, terminal)
        for number in (1, 2, 3):
            page = tmp_path / "docs" / f"part{number}" / f"page{number}.md"
            page.write_text(f"# Page {number}\n\nRewritten: quartz harbour {number}.\n")
        for number in (10, 11):
            (tmp_path / "docs" / f"part{number % 5}" / f"page{number}.md").unlink()
        for number in range(4):
            (tmp_path / "docs" / f"added{number}.txt").write_text(f"Velvet comet {number}.\n")
        plan = json.loads(terminal.type("plan", "--json", exit=2))
        assert plan["counts"] == {"update": 3, "delete": 2, "create": 4}
        terminal.type("apply")
        expected = {CREATE: 7, DELETE: 2} if quirks else {CREATE: 4, UPDATE: 3, DELETE: 2}
        assert requests.changes() == expected
        after = documents(tmp_path, terminal)
        assert all(after[path] == before[path] for path in before)
        assert "page1.md" in terminal.type("search", "quartz harbour")
        assert "page1.md" in terminal.type("search", "- quartz -h harbour: all of it")
        status = terminal.read("status")["mirrors"][0]
        assert status["documents"]["synced"] == FILES + 2
        assert status["documents"]["failed"] == 0
        assert status["foreign"] == 0


def test_an_empty_completion_is_a_failure_and_is_not_sent_again(
    tmp_path: Path, ledger: Ledger
) -> None:
    log = tmp_path / "requests.jsonl"
    terminal, requests = Terminal(tmp_path), Requests(log)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "blank.html").write_text("<html></html>")
    (tmp_path / "docs" / "page.md").write_text("# A page\n\nWith words.\n")
    with served(tmp_path, "--request-log", str(log)) as url:
        configure(tmp_path, url, ledger=ledger.address)
        terminal.type("apply", exit=3)
        requests.writes()
        printed = terminal.type("apply", exit=3)
        assert "blank.html" in printed
        assert "found no text" in printed
        assert not requests.writes()
        terminal.type("retry", "blank.html", exit=3)
        assert requests.changes() == {UPDATE: 1}
        (tmp_path / "docs" / "blank.html").write_text("<html><p>Now with words</p></html>")
        terminal.type("apply")
        assert terminal.read("status")["mirrors"][0]["documents"]["failed"] == 0


def test_old_chunks_beside_the_new_ones_are_a_failure_with_a_repair(tmp_path: Path) -> None:
    log = tmp_path / "requests.jsonl"
    terminal, requests = Terminal(tmp_path), Requests(log)
    write_files(tmp_path / "docs", files=3)
    edited = tmp_path / "docs" / "part0" / "page0.md"
    with served(tmp_path, "--request-log", str(log), "--quirk", "leftover-chunks") as url:
        configure(tmp_path, url)
        terminal.type("apply")
        edited.write_text("# Another page\n\nWith other words.\n")
        requests.writes()
        assert "left chunks of its earlier text" in terminal.type("apply", exit=3)
        terminal.type("apply", exit=3)
        assert requests.changes() == {UPDATE: 1}
    with served(tmp_path, "--request-log", str(log)) as url:
        configure(tmp_path, url)
        terminal.type("retry", "part0/page0.md")
        states = terminal.read("status")["mirrors"][0]["documents"]
        assert states == {"synced": 3, "failed": 0, "unfindable": 0, "stale": 0, "unmet": 0}


def test_a_source_that_vanished_removes_nothing(tmp_path: Path, ledger: Ledger) -> None:
    log = tmp_path / "requests.jsonl"
    terminal, requests = Terminal(tmp_path), Requests(log)
    write_files(tmp_path / "docs")
    with served(tmp_path, "--request-log", str(log)) as url:
        configure(tmp_path, url, ledger=ledger.address)
        terminal.type("apply")
        requests.writes()
        (tmp_path / "docs").rename(tmp_path / "away")
        terminal.type("apply", exit=3)
        assert not requests.writes()
        (tmp_path / "docs").mkdir()
        printed = terminal.type("apply", exit=4)
        assert "KB-G010" in printed
        assert not requests.writes()
        write_files(tmp_path / "docs" / "another", FILES, FILES // 5)
        terminal.type("apply", exit=4)
        assert requests.changes() == {CREATE: FILES // 5}
        shutil.rmtree(tmp_path / "docs")
        (tmp_path / "away").rename(tmp_path / "docs")
        terminal.type("apply")
        assert requests.writes() == {DELETE: FILES // 5}


def test_a_halted_set_is_released_by_its_digest(tmp_path: Path, ledger: Ledger) -> None:
    log = tmp_path / "requests.jsonl"
    terminal, requests = Terminal(tmp_path), Requests(log)
    write_files(tmp_path / "docs")
    with served(tmp_path, "--request-log", str(log)) as url:
        configure(tmp_path, url, ledger=ledger.address)
        terminal.type("apply")
        requests.writes()
        shutil.rmtree(tmp_path / "docs")
        (tmp_path / "docs").mkdir()
        guard = json.loads(terminal.type("plan", "--json", exit=4))["guard"]
        assert guard["halted"]
        assert guard["actions"] == FILES
        terminal.type("apply", "--release", "0123456789ab", exit=64)
        assert not requests.writes()
        terminal.type("apply", "--release", guard["digest"][:12])
        assert requests.writes() == {DELETE: FILES}


def test_a_hand_made_document_is_never_written_over(tmp_path: Path, ledger: Ledger) -> None:
    log = tmp_path / "requests.jsonl"
    terminal, requests = Terminal(tmp_path), Requests(log)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "page.md").write_text("# Mine\n\nFrom the folder.\n")
    with served(tmp_path, "--request-log", str(log)) as url:
        configure(tmp_path, url, ledger=ledger.address)
        terminal.type("kb", "create", "Docs")
        (tmp_path / "theirs").mkdir()
        theirs = tmp_path / "theirs" / "page.md"
        theirs.write_text("# Theirs\n\nMade by hand.\n")
        terminal.type("docs", "create-file", "Docs", str(theirs))
        requests.writes()
        printed = terminal.type("apply", exit=3)
        assert "KB-E011" in printed
        assert not requests.writes()
        assert "Made by hand" in terminal.type("search", "Made by hand")
