"""`kbsync doctor` while the mirror is sound, and after it is damaged."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from test_mirror import configure
from typing_commands import Terminal, served

pytestmark = pytest.mark.timeout(300)


def codes(person: Terminal, *words: str, exit: int = 0) -> list[str]:
    lines = person.type("doctor", *words, exit=exit).splitlines()
    return [line.rpartition("[")[2].rstrip("]") for line in lines if line.endswith("]")]


def fill(folder: Path) -> None:
    (folder / "docs").mkdir()
    (folder / "docs" / "moon.md").write_text("# Moon\n\nThe moon is 4.5 billion years old.\n")
    (folder / "docs" / "velvet comet.md").write_text("# Comet\n\nA velvet comet passes.\n")


def test_a_sound_mirror_from_its_first_day(tmp_path: Path) -> None:
    person = Terminal(tmp_path)
    fill(tmp_path)
    with served(tmp_path) as url:
        configure(tmp_path, url)
        first = codes(person)
        assert {"KB-D030", "KB-V018", "KB-D009", "KB-D047"} <= set(first)
        assert not (tmp_path / "state").exists()
        person.type("apply")
        (tmp_path / "docs" / "velvet comet.md").unlink()
        person.type("apply")
        printed = person.read("doctor")
        assert printed["sound"] is True
        found = {each["code"]: each for each in printed["checks"]}
        assert {"KB-D031", "KB-D035", "KB-D036", "KB-D001", "KB-D004"} <= found.keys()
        assert "moon.md is found" in found["KB-D060"]["text"].replace("a sentence of ", "")
        assert "velvet comet.md was deleted" in found["KB-D063"]["text"]
        assert {each["level"] for each in printed["checks"]} == {"ok"}
        assert not {"servers"} & {each["check"] for each in offline(person)}


def offline(person: Terminal) -> list[dict[str, str]]:
    checks: list[dict[str, str]] = person.read("doctor", "--offline")["checks"]
    return checks


def test_a_document_that_is_not_found(tmp_path: Path) -> None:
    """Somebody switched every chunk's document off behind the ledger's back."""
    person = Terminal(tmp_path)
    fill(tmp_path)
    with served(tmp_path) as url:
        configure(tmp_path, url)
        person.type("apply")
        for name in ("moon.md", "velvet comet.md"):
            person.type("docs", "disable", "Docs", name)
        assert "KB-D061" in codes(person, exit=1)


def test_old_servers_are_known_by_what_they_lack(tmp_path: Path) -> None:
    person = Terminal(tmp_path)
    fill(tmp_path)
    with served(tmp_path, "--dify", "0.6") as url:
        configure(tmp_path, url)
        assert "KB-R049" in codes(person), "before the first upload"
        assert "KB-R049" in person.type("plan", exit=2)
        person.type("apply")
        assert "KB-D004" not in codes(person)
    (tmp_path / "second").mkdir()
    with served(tmp_path / "second", "--quirk", "wedging-update") as url:
        configure(tmp_path, url)
        found = codes(person, exit=5)
        assert "KB-V016" in found
        assert "KB-D001" not in found
        assert "KB-E061" in found


def test_a_damaged_ledger_and_a_closed_door(tmp_path: Path) -> None:
    person = Terminal(tmp_path)
    fill(tmp_path)
    with served(tmp_path) as url:
        configure(tmp_path, url)
        person.type("apply")
    assert "KB-R025" in codes(person, exit=5)
    connection = sqlite3.connect(tmp_path / "state" / "ledger.db")
    connection.execute("UPDATE entries SET state = 'nonsense'")
    connection.commit()
    connection.close()
    assert "KB-D033" in codes(person, "--offline", exit=1)


def test_a_configuration_that_cannot_be_read(tmp_path: Path) -> None:
    person = Terminal(tmp_path)
    (tmp_path / "kbsync.yaml").write_text("version: 1\nmirors: []\n")
    assert "KB-C020" in codes(person, exit=64)
    assert person.type("doctor", "--json", exit=64).count('"check": "configuration"') >= 1
