"""On a real terminal: tables, colours unless NO_COLOR, and a question before a deletion."""

import json
import os
import pty
import re
import select
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from canary import KEY
from typing_commands import COMMAND, SECONDS, Terminal, environment, served

COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture
def person(tmp_path: Path) -> Iterator[Terminal]:
    with served(tmp_path) as url:
        person = Terminal(tmp_path)
        person.type("init", "--url", url)
        person.type("kb", "create", "[red]Docs[/red]")
        yield person


def on_terminal(person: Terminal, *words: str, answer: str = "", **env: str) -> tuple[int, str]:
    """Type a command at a pseudo-terminal; return its exit code and what was seen."""
    ours, theirs = pty.openpty()
    try:
        with subprocess.Popen(
            [str(COMMAND), *words],
            cwd=person.folder,
            env=environment(TERM="xterm-256color", COLUMNS="100", **env),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        ) as process:
            os.close(theirs)
            os.write(ours, answer.encode())
            seen = b"".join(_read(ours))
            return process.wait(timeout=SECONDS), seen.decode()
    finally:
        os.close(ours)


def _read(terminal: int) -> Iterator[bytes]:
    while select.select([terminal], [], [], SECONDS)[0]:
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # the other side is closed
            return
        if not piece:
            return
        yield piece


def test_a_table_with_and_without_colour(person: Terminal) -> None:
    code, seen = on_terminal(person, "kb", "list")
    assert code == 0
    assert COLOUR.search(seen)
    assert "[red]Docs[/red]" in COLOUR.sub("", seen)
    assert "technique" in COLOUR.sub("", seen)
    code, seen = on_terminal(person, "kb", "list", NO_COLOR="1")
    assert "[red]Docs[/red]" in seen
    assert "\x1b" not in seen
    assert "\x1b" not in person.type("kb", "list")


def test_a_plan_with_and_without_colour(tmp_path: Path) -> None:
    person = Terminal(tmp_path)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a\x1b[31m.md").write_text("# A page\n\nWith words.\n")
    person.type("init")
    code, seen = on_terminal(person, "plan")
    assert code == 2
    assert "\x1b[32m+ a\\x1b[31m.md  (new, 22 B)\x1b[0m" in seen
    code, seen = on_terminal(person, "plan", NO_COLOR="1")
    assert "+ a\\x1b[31m.md  (new, 22 B)" in seen
    assert "\x1b" not in seen
    assert "\x1b" not in person.type("plan", exit=2)
    # The log of a CI job is no terminal, and may be asked for them all the same.
    assert "\x1b[32m+ a\\x1b[31m.md" in person.type("plan", exit=2, env={"FORCE_COLOR": "1"})
    both = {"FORCE_COLOR": "1", "NO_COLOR": "1"}
    assert "\x1b" not in person.type("plan", exit=2, env=both)


def test_init_asks_for_folder_server_and_one_of_its_knowledge_bases(tmp_path: Path) -> None:
    with served(tmp_path) as url:
        other = tmp_path / "other"
        other.mkdir()
        person = Terminal(other)
        person.type("init", "--url", url, "there.yaml")
        person.type("-c", "there.yaml", "kb", "create", "Handbook")
        code, seen = on_terminal(person, "init", answer=f"./papers\n{url}\n1\n")
        assert code == 0, seen
        assert "1. Handbook" in seen
        text = (other / "kbsync.yaml").read_text()
        assert KEY not in seen + text
        assert 'knowledge_base: "Handbook"' in text
        assert 'source: "./papers"' in text
        (other / "papers").mkdir()
        assert person.read("validate")["sound"] is True
        schema = json.loads((other / "kbsync.schema.json").read_text())
        assert schema == json.loads(person.type("schema"))
        assert text.startswith("# yaml-language-server: $schema=./kbsync.schema.json\n")


def test_a_deletion_is_asked_about(person: Terminal) -> None:
    delete = ("kb", "delete", "[red]Docs[/red]")
    code, seen = on_terminal(person, *delete, answer="n\n")
    assert code == 1
    assert "Delete the knowledge base [red]Docs[/red] with every document in it? [y/N]" in seen
    assert person.read("kb", "list")["total"] == 1
    code, seen = on_terminal(person, *delete, answer="y\n")
    assert (code, person.read("kb", "list")["total"]) == (0, 0)


def test_taking_documents_over_is_asked_about(tmp_path: Path) -> None:
    person = Terminal(tmp_path)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "page.md").write_text("# A page\n\nWith words.\n")
    with served(tmp_path) as url:
        person.type("init", "--url", url, "--source", "./docs", "--knowledge-base", "Docs")
        person.type("kb", "create", "Docs")
        person.type("docs", "create-file", "Docs", "docs/page.md", "--wait", "30")
        code, seen = on_terminal(person, "adopt", "--trust", "size", answer="n\n")
        assert code == 1
        assert "1 to adopt; 1 without an upload" in seen
        assert "Take 1 documents over into mirror docs? [y/N]" in seen
        assert "nothing was adopted" in seen
        assert person.read("status")["mirrors"][0]["documents"]["synced"] == 0
        code, seen = on_terminal(person, "adopt", "--trust", "size", answer="y\n")
        assert (code, "docs: 1 adopted" in seen) == (0, True)
        assert person.read("status")["mirrors"][0]["documents"]["synced"] == 1
