"""init, validate, schema, serve and demo, typed one after another, as on a first day."""

import json
import re
import signal
import socket
import subprocess
from pathlib import Path

import pytest
from typing_commands import COMMAND, KEY, Terminal, environment, served

from kbsync.messages import command as say
from kbsync.messages import config, remote

# Dozens of processes one after another, on whatever machine this is.
pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def person(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path)


def test_from_init_to_search_with_a_server(person: Terminal, tmp_path: Path) -> None:
    with served(tmp_path) as url:
        person.type("init", "--url", url, "--source", "./papers", "--knowledge-base", "Papers")
        assert config.SOURCE_MISSING.code in person.type("validate", exit=64)
        (tmp_path / "papers").mkdir()
        (tmp_path / "papers" / "moon.md").write_text("# Moon\n\nThe moon is 4.5 billion years.\n")
        assert person.read("validate")["sound"] is True
        assert say.BASE_TO_MAKE.code in person.type("validate")
        assert say.BASE_UNMADE.code in person.type("search", "moon", exit=5)
        person.type("apply")
        assert say.BASE_FOUND.code in person.type("validate")

        found = person.read("search", "papers", "moon")["results"]
        assert [(each["path"], each["rank"]) for each in found] == [("moon.md", 1)]
        assert "4.5 billion" in person.type("search", "moon")
        assert person.type("search", "saturn") == "nothing found\n"
        person.type("kb", "add-field", "Papers", "topic")
        person.type("docs", "assign", "Papers", "moon.md", "topic=sky")
        assert "moon.md" in person.type("search", "moon", "--filter", "topic=sky")
        assert person.type("search", "moon", "--filter", "topic=sea") == "nothing found\n"
        # Several words are one query, behind a mirror's name or not.
        several = ("the", "moon", "is")
        assert person.read("search", *several)["query"] == "the moon is"
        assert person.read("search", "papers", *several)["query"] == "the moon is"

        listed = person.read("kb", "list")["rows"]
        person.type("kb", "delete", listed[0]["id"], "--yes")
        assert "KB-E018" in person.type("validate", exit=5)
        assert "knowledge base Papers (" in person.type("search", "moon", exit=5)
        assert person.type("validate", "--offline").endswith("sound\n")


def test_validate_names_a_wrong_key_and_a_closed_door(person: Terminal, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    with served(tmp_path) as url:
        person.type("init", "--url", url)
        wrong = {"DIFY_API_KEY": "dataset-canary-of-another"}
        assert remote.WRONG_KEY.code in person.type("validate", exit=5, env=wrong)
        assert remote.WRONG_KEY.code in person.type("kb", "list", exit=5, env=wrong)
        assert "canary" not in person.printed
    assert remote.CANNOT_CONNECT.code in person.type("validate", exit=5)
    assert remote.CANNOT_CONNECT.code in person.type("kb", "list", exit=1)


def test_the_schema_accepts_what_init_writes(person: Terminal) -> None:
    schema = json.loads(person.type("schema"))
    assert schema["$schema"].endswith("2020-12/schema")
    where, how = (
        {"server", "servers", "ledger", "mirrors"},
        {"read_only", "journal_retention", "web", "notify"},
    )
    assert {"version", *where, *how} == set(schema["properties"])


def test_serve_says_where_and_ends_at_a_signal(tmp_path: Path) -> None:
    words = [str(COMMAND), "serve", "--port", "0", "--data", str(tmp_path / "k.db")]
    with subprocess.Popen(
        words,
        env=environment(KBSYNC_SERVE_KEY=KEY),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.fullmatch(r"http://127\.0\.0\.1:(\d+)/v1\n", line)
        assert found, line
        with socket.create_connection(("127.0.0.1", int(found[1])), timeout=10):
            pass
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (0, "", "")


def test_serve_imitates_a_fault_on_demand(person: Terminal, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    log = tmp_path / "requests.jsonl"
    with served(tmp_path, "--quirk", "wedging-update", "--request-log", str(log)) as url:
        person.type("init", "--url", url)
        printed = person.type("validate")
    assert say.UPDATES_WEDGE.code in printed
    assert "1.12.1" in printed
    assert log.read_text().count("\n") >= 2
    assert KEY not in log.read_text()


def test_two_servers_on_one_file(person: Terminal, tmp_path: Path) -> None:
    with served(tmp_path):
        again = ("serve", "--port", "0", "--data", "base.db", "--api-key", KEY)
        assert say.CANNOT_SERVE.code in person.type(*again, exit=1)


def test_the_demonstration_holds(person: Terminal, tmp_path: Path) -> None:
    printed = person.type("demo", "--dir", "shown")
    assert "All of this held." in printed
    assert "1 to create, 1 to update, 1 to delete; 6 unchanged" in printed
    assert re.search(r"likeness staircase\n1\. guides/lamp-room\.md  \(score 0\.\d+\)", printed)
    assert (tmp_path / "shown" / "docs" / "reports" / "storm.docx").exists()
    assert say.DEMO_NOT_EMPTY.code in person.type("demo", "--dir", "shown", exit=64)


def test_one_of_several_servers_has_to_be_named(person: Terminal, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "kbsync.yaml").write_text(
        "version: 1\n"
        "ledger: ./state/ledger.db\n"
        "servers:\n"
        "  one: {url: embedded, embedded: {data: ./one.db}}\n"
        "  two: {url: embedded, embedded: {data: ./two.db}}\n"
        "mirrors:\n"
        "  - {name: a, source: ./a, knowledge_base: A, server: one}\n"
    )
    assert say.SERVER_NOT_NAMED.code in person.type("kb", "list", exit=64)
    person.type("kb", "create", "A", "--server", "two")
    assert [row["name"] for row in person.read("kb", "list", "--server", "two")["rows"]] == ["A"]
    assert person.read("kb", "list", "--server", "one")["rows"] == []
