"""Done means found: on a server that loses what is indexed at the same time from search."""

from __future__ import annotations

import json
import shlex
import sqlite3
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from test_mirror import configure
from typing_commands import Terminal, by_hand, served

from kbsync.messages import verification as say

pytestmark = pytest.mark.timeout(300)

FILES = 60
# A document is being indexed so long that those sent with it overwrite each other's keywords.
SLOW = ("--indexing-delay", "0.15", "--workers", "8")


def word(number: int) -> str:
    return f"marker{number:03}word"


def write(folder: Path, files: int = FILES) -> None:
    (folder / "docs").mkdir()
    for number in range(files):
        text = f"# Page\n\nThe {word(number)} of this page, and {word(number)} again.\n"
        (folder / "docs" / f"{number:03}.md").write_text(text)


def found(hands: httpx.Client, number: int) -> bool:
    base = hands.get("/datasets").json()["data"][0]["id"]
    model = {"search_method": "keyword_search", "reranking_enable": False, "top_k": 3}
    asked = {
        "query": word(number),
        "retrieval_model": {**model, "score_threshold_enabled": False},
    }
    return bool(hands.post(f"/datasets/{base}/retrieve", json=asked).json()["records"])


def lose(folder: Path, *numbers: int) -> None:
    """Take keywords away behind the server's back, as other programs' uploads do."""
    with closing(sqlite3.connect(folder / "base.db", timeout=30)) as db, db:
        for number in numbers:
            done = db.execute(
                "UPDATE segment SET lost = 1 WHERE document ="
                " (SELECT id FROM document WHERE name = ?)",
                (f"{number:03}.md",),
            )
            assert done.rowcount == 1


def test_every_document_is_found_though_twenty_are_in_flight(tmp_path: Path) -> None:
    person, log = Terminal(tmp_path), tmp_path / "requests.jsonl"
    write(tmp_path)
    with (
        served(tmp_path, *SLOW, "--request-log", str(log)) as url,
        closing(by_hand(url)) as hands,
    ):
        configure(tmp_path, url, more=", max_indexing: 20")
        person.type("apply")
        assert [number for number in range(FILES) if not found(hands, number)] == []
    routes = [json.loads(line)["route"] for line in log.read_text().splitlines()]
    switches = sum("/status/" in route for route in routes)
    assert switches > 0, "nothing was lost, so that nothing was mended"
    assert person.read("status")["mirrors"][0]["documents"] == {
        "synced": FILES,
        "failed": 0,
        "unfindable": 0,
        "stale": 0,
        "unmet": 0,
    }


def test_a_search_for_all_of_them_names_what_is_lost_and_what_mends_it(tmp_path: Path) -> None:
    person = Terminal(tmp_path)
    write(tmp_path, files=12)
    with served(tmp_path) as url, closing(by_hand(url)) as hands:
        configure(tmp_path, url)
        person.type("apply")
        assert person.type("verify", "--search").endswith("docs: 12 found\n")
        lose(tmp_path, 3, 7)
        assert not found(hands, 3)
        printed = person.type("verify", "--search", exit=3)
        assert "unfindable: 003.md" in printed
        assert "unfindable: 007.md" in printed
        assert not found(hands, 3), "it mends nothing by itself"
        shown = json.loads(person.type("verify", "--search", "--json", exit=3))["mirrors"][0]
        assert {row["code"] for row in shown["findings"]} == {say.UNFINDABLE.code}
        command = next(line for line in printed.splitlines() if "next: kbsync retry" in line)
        person.type(*shlex.split(command.partition("kbsync ")[2]))
        assert person.type("verify", "--search").endswith("docs: 12 found\n")
        assert found(hands, 3)
        assert "KB-D110" in person.type("doctor")
