"""Hostile file names from the folder to the server and back onto the terminal."""

from __future__ import annotations

import io
import json
import os
import shutil
import unicodedata
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hostile_names import EVERY, MIRRORED, NAMED, path_of, write_all
from running_daemon import keeping
from typing_commands import KEY, Terminal, served

from kbsync.cli import obey
from kbsync.planning.document_names import document_name

pytestmark = pytest.mark.timeout(300)

# What steers a terminal, reorders a line or ends one.
STEERING = {"Cc", "Zl", "Zp"}
BIDI = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")


def steering(text: str) -> list[str]:
    """Return the characters of an output that no output may have; rows for pipes have tabs."""
    return [
        ch
        for ch in text
        if ch not in "\n\t" and (unicodedata.category(ch) in STEERING or ch in BIDI)
    ]


@dataclass
class Seen:
    """Everything one folder's life printed, and what the server had in the end."""

    outputs: dict[str, str] = field(default_factory=dict)
    documents: list[dict[str, Any]] = field(default_factory=list)
    writes: dict[str, Counter[str]] = field(default_factory=dict)

    def object(self, words: str) -> Any:
        return json.loads(self.outputs[words])


def asked(url: str, path: str) -> Any:
    request = urllib.request.Request(url + path, headers={"Authorization": f"Bearer {KEY}"})
    with urllib.request.urlopen(request, timeout=60) as reply:
        return json.load(reply)


def here(folder: Path, *words: str) -> str:
    """Type a command in this process, where it starts at once; return what it printed."""
    printed = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    with (
        chdir(folder),
        pytest.MonkeyPatch.context() as patch,
        redirect_stdout(printed),
        redirect_stderr(printed),
    ):
        patch.setenv("DIFY_API_KEY", KEY)
        code = obey(list(words))
    printed.flush()
    text = printed.buffer.getvalue().decode()  # type: ignore[attr-defined]
    assert code == 0, text
    return text


class Life:
    """The folder, its commands, and what the server logged of them."""

    def __init__(self, folder: Path, url: str) -> None:
        self.terminal = Terminal(folder)
        self.seen = Seen()
        self._log = folder / "requests.jsonl"
        self._url = url
        self._read = 0
        (folder / "kbsync.yaml").write_text(
            f'version: 1\nserver: {{url: "{url}", api_key: "${{DIFY_API_KEY}}"}}\n'
            "ledger: ./state/ledger.db\nmirrors:\n"
            "  - {name: docs, source: ./docs, knowledge_base: Docs, settle: 0s, hidden: true}\n"
        )
        write_all(folder / "docs")

    def type(self, *words: str, exit: int | tuple[int, ...] = 0, called: str = "") -> None:
        code, out, err = self.terminal.run(*words)
        called = called or " ".join(words)
        meant = exit if isinstance(exit, tuple) else (exit,)
        assert code in meant, (called, code, out, err)
        self.seen.outputs[called] = out
        self.seen.outputs[f"{called} (errors)"] = err
        self.seen.writes[called] = self._writes()

    def _writes(self) -> Counter[str]:
        lines = self._log.read_text().splitlines()
        fresh, self._read = lines[self._read :], len(lines)
        rows = [json.loads(line) for line in fresh]
        return Counter(row["route"].rpartition("}")[2] for row in rows if row["method"] != "GET")

    def look(self) -> None:
        (base,) = asked(self._url, "/datasets?limit=100")["data"]
        path = f"/datasets/{base['id']}/documents?limit=100"
        self.seen.documents = asked(self._url, path)["data"]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    folder = tmp_path_factory.mktemp("names")
    with served(folder, "--request-log", str(folder / "requests.jsonl")) as url:
        life = Life(folder, url)
        life.type("plan", exit=2)
        life.type("plan", "--json", exit=2)
        life.type("--log-level", "debug", "apply")
        life.look()
        life.type("apply", called="second apply")
        for verb in ("status", "history", "plan", "docs list Docs", "docs list Docs --json"):
            life.type(*verb.split(), called=verb)
        for verb in ("status", "history"):
            life.type(verb, "--json")
        life.type("apply", "--json")
        life.type("plan", "--json", called="plan --json again")
        for name, spelled in EVERY.items():
            path = f"docs/{os.fsdecode(spelled)}"
            life.seen.outputs[f"explain {name}"] = here(folder, "explain", path)
            life.seen.outputs[f"explain --json {name}"] = here(folder, "explain", path, "--json")
        shutil.rmtree(folder / "state")
        life.type("apply", called="apply with a lost ledger")
        with keeping(folder, env={"KBSYNC_LOG_LEVEL": "debug"}) as daemon:
            os.utime(folder / "docs" / "Case.md")
            with (folder / "docs" / os.fsdecode(MIRRORED["forged log"])).open("a") as page:
                page.write("\nA line more.\n")
            daemon.until(lambda: daemon.said("update"))
            life.type("status", called="status of the daemon")
            life.type("status", "--json", called="status --json of the daemon")
            daemon.end()
        log = next(folder.glob("daemon-*.log"))
        life.seen.outputs["run"] = log.read_text("utf-8", errors="strict")
        yield life.seen


@pytest.mark.parametrize("name", MIRRORED)
def test_a_name_is_mirrored_once(seen: Seen, name: str) -> None:
    path = path_of(MIRRORED[name])
    (document,) = [each for each in seen.documents if each["name"] == document_name(path)]
    marks = {each["name"]: each["value"] for each in document["doc_metadata"]}
    assert marks["kbsync_path"] == path
    assert document["display_status"] == "available"
    assert seen.object(f"explain --json {name}")["path"] == path


@pytest.mark.parametrize("name", NAMED)
def test_a_name_that_is_not_mirrored_is_named_with_its_reason(seen: Seen, name: str) -> None:
    _, code = NAMED[name]
    explained = seen.outputs[f"explain {name}"]
    assert code in explained, explained
    skipped = seen.object("plan --json")["skipped"]
    assert code in {each["code"] for each in skipped}


def test_nothing_else_is_on_the_server(seen: Seen) -> None:
    meant = {document_name(path_of(each)) for each in MIRRORED.values()}
    assert Counter(each["name"] for each in seen.documents) == Counter(meant)
    skipped = seen.object("plan --json")["skipped"]
    assert len(skipped) == len(NAMED) - 1  # twins are reported as one
    assert seen.object("plan --json")["counts"] == {"create": len(MIRRORED)}


def test_nothing_is_sent_twice(seen: Seen) -> None:
    uploads = seen.writes["--log-level debug apply"]["/document/create-by-file"]
    assert uploads == len(MIRRORED)
    assert not seen.writes["second apply"]
    assert not seen.writes["apply --json"]
    assert seen.object("plan --json again")["counts"] == {}
    again = seen.writes["apply with a lost ledger"]
    assert not [route for route in again if "document/" in route or "update" in route], again


def test_no_output_steers_a_terminal(seen: Seen) -> None:
    assert {words: found for words, text in seen.outputs.items() if (found := steering(text))} == {}


def test_no_name_forges_a_line(seen: Seen) -> None:
    for words, text in seen.outputs.items():
        assert not [line for line in text.splitlines() if line.startswith(("+ forged", "lines.md"))]
        if words == "run":
            assert {json.loads(line)["event"] for line in text.splitlines()}.isdisjoint({"forged"})


def test_json_is_valid(seen: Seen) -> None:
    objects = [words for words in seen.outputs if "--json" in words and "(errors)" not in words]
    assert len(objects) > len(MIRRORED)
    for words in objects:
        assert isinstance(seen.object(words), dict), words
    for line in seen.outputs["run"].splitlines():
        assert isinstance(json.loads(line), dict)


def test_no_output_has_a_traceback_or_a_key(seen: Seen) -> None:
    for text in seen.outputs.values():
        assert "Traceback" not in text
        assert KEY not in text
