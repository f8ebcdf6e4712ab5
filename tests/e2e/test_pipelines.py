"""A knowledge base with a pipeline: filled by runs, replaced beside the old, or refused."""

from __future__ import annotations

import subprocess
from contextlib import closing
from pathlib import Path

import pytest
from front import Answer, opened
from test_mirror import CREATE, DELETE, UPDATE, Requests, sentence, write_files
from typing_commands import COMMAND, Terminal, by_hand, environment, served

FILES = 10
UPLOAD = ("POST", "/datasets/pipeline/file-upload")
RUN = ("POST", "/datasets/{ds}/pipeline/run")


def configure(folder: Path, url: str, more: str = "") -> None:
    (folder / "kbsync.yaml").write_text(
        "version: 1\n"
        f'server: {{url: "{url}", api_key: "${{DIFY_API_KEY}}", timeout: 3s}}\n'
        "ledger: ./ledger.db\n"
        "mirrors:\n"
        "  - {name: docs, source: ./docs, knowledge_base: Docs, settle: 0s, ambiguity_window: 4s"
        f"{more}}}\n"
    )


def rows(url: str) -> dict[str, str]:
    """The ids of all documents by name; no name has two."""
    with closing(by_hand(url)) as api:
        base = api.get("/datasets").json()["data"][0]["id"]
        found = api.get(f"/datasets/{base}/documents", params={"limit": 100}).json()["data"]
    assert {row["created_from"] for row in found} <= {"rag-pipeline"}
    named = {row["name"]: row["id"] for row in found}
    assert len(named) == len(found), found
    return named


def test_a_folder_from_its_first_apply_to_a_lost_ledger(tmp_path: Path) -> None:
    log = tmp_path / "requests.jsonl"
    terminal, requests = Terminal(tmp_path), Requests(log)
    write_files(tmp_path / "docs", files=FILES)
    quirk = ("--quirk", "pipeline-bases")
    with served(tmp_path, "--request-log", str(log), *quirk) as url:
        configure(tmp_path, url)
        terminal.type("kb", "create", "Docs")
        requests.writes()
        assert "KB-E081" in terminal.type("validate")
        assert "makes its chunks" in terminal.type("plan", exit=2)
        terminal.type("apply")
        assert requests.changes() == {UPLOAD: FILES, RUN: FILES}
        assert "page3.md" in terminal.type("search", sentence(3))
        first = rows(url)
        assert len(first) == FILES

        terminal.type("apply")
        assert not requests.writes()
        assert terminal.read("plan")["counts"] == {}

        docs = tmp_path / "docs"
        (docs / "part1/page1.md").write_text("Rewritten: quartz harbour.\n")
        (docs / "part2/page2.md").unlink()
        (docs / "part3/page3.md").rename(docs / "renamed.md")
        terminal.type("apply")
        assert requests.changes() == {UPLOAD: 1, RUN: 1, DELETE: 2}
        second = rows(url)
        changed = {name for name in first if second.get(name) != first[name]}
        assert changed == {"part1\u2215page1.md", "part2\u2215page2.md"}
        assert len(second) == FILES - 1
        assert "part1/page1.md" in terminal.type("search", "quartz harbour")
        assert "renamed.md" in terminal.type("search", sentence(3))

        (tmp_path / "ledger.db").unlink()
        terminal.type("apply")
        assert not requests.changes()
        assert rows(url) == second
        terminal.type("apply")
        assert not requests.writes()


def test_killed_between_a_run_and_its_reply(tmp_path: Path) -> None:
    log = tmp_path / "requests.jsonl"
    terminal = Terminal(tmp_path)
    write_files(tmp_path / "docs", files=FILES)
    with (
        served(tmp_path, "--request-log", str(log), "--quirk", "pipeline-bases") as url,
        opened(url) as front,
    ):
        configure(tmp_path, front.url)
        terminal.type("kb", "create", "Docs")
        applying = subprocess.Popen(
            [str(COMMAND), "apply"], cwd=tmp_path, env=environment(), stdout=subprocess.DEVNULL
        )

        def dies(method: str, path: str) -> Answer | None:
            if path.endswith("/pipeline/run"):
                applying.kill()  # what it asked for is done all the same
            return None

        front.behaviour = dies
        assert applying.wait() == -9
        front.behaviour = lambda method, path: None
        terminal.type("apply", exit=(0, 3))
        terminal.type("apply")
        assert len(rows(url)) == FILES
        assert terminal.read("plan")["counts"] == {}


def test_an_edit_that_cannot_be_indexed_keeps_what_was_there(tmp_path: Path) -> None:
    log = tmp_path / "requests.jsonl"
    terminal, requests = Terminal(tmp_path), Requests(log)
    (tmp_path / "docs").mkdir()
    page = tmp_path / "docs/page.html"
    page.write_text("<p>Amber lantern</p>")
    (tmp_path / "docs/broken.pdf").write_bytes(b"%PDF-1.4\nno pdf")
    with served(tmp_path, "--request-log", str(log), "--quirk", "pipeline-bases") as url:
        configure(tmp_path, url)
        terminal.type("kb", "create", "Docs")
        assert "broken.pdf" in terminal.type("apply", exit=3)
        requests.writes()
        terminal.type("retry", "broken.pdf", exit=3)
        calls = requests.changes()
        assert (calls[DELETE], calls[RUN]) == (1, 1), "the failed one goes first"
        assert set(rows(url)) == {"page.html", "broken.pdf"}
        page.write_text("<html></html>")
        assert "found no text" in terminal.type("apply", exit=3)
        assert "page.html" in terminal.type("search", "amber lantern")
        page.write_text("<p>Velvet comet</p>")
        terminal.type("apply", exit=3)
        assert "page.html" in terminal.type("search", "velvet comet")
        calls = requests.writes()
        assert not calls[CREATE]
        assert not calls[UPDATE]


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("=draft", "its pipeline is not published"),
        ("=two", "2 nodes of its pipeline take local files"),
        ("=node-inputs", "its pipeline wants inputs, and kbsync has none to give: language"),
    ],
)
def test_one_that_cannot_be_run_is_refused_before_anything_is_sent(
    tmp_path: Path, kind: str, reason: str
) -> None:
    log = tmp_path / "requests.jsonl"
    terminal, requests = Terminal(tmp_path), Requests(log)
    write_files(tmp_path / "docs", files=1)
    quirk = ("--quirk", f"pipeline-bases{kind}")
    with served(tmp_path, "--request-log", str(log), *quirk) as url:
        configure(tmp_path, url)
        terminal.type("kb", "create", "Docs")
        requests.writes()
        for verb in ("validate", "plan", "apply"):
            printed = terminal.type(verb, exit=5)
            assert "KB-E080" in printed
            assert reason in printed
        assert not requests.writes()


def test_inputs_that_nothing_tells_of_stop_the_mirror_at_its_first_file(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    write_files(tmp_path / "docs", files=FILES)
    with served(tmp_path, "--quirk", "pipeline-bases=inputs") as url:
        configure(tmp_path, url)
        terminal.type("kb", "create", "Docs")
        printed = terminal.type("apply", exit=5)
        assert "KB-R072" in printed
        assert "language is required" in printed
        assert not rows(url)
        assert terminal.read("status")["mirrors"][0]["documents"]["failed"] == 0


def test_bytes_that_cannot_be_had_are_not_asked_for(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    write_files(tmp_path / "docs", files=1)
    with served(tmp_path, "--quirk", "pipeline-bases") as url:
        configure(tmp_path, url)
        terminal.type("kb", "create", "Docs")
        terminal.type("apply")
        assert "KB-Y014" in terminal.type("verify", exit=5)
        printed = terminal.type("adopt", "docs", "--trust", "content", exit=5)
        assert "KB-A027" in printed


def test_a_change_of_the_chunking_sends_everything_again(tmp_path: Path) -> None:
    log = tmp_path / "requests.jsonl"
    terminal, requests = Terminal(tmp_path), Requests(log)
    write_files(tmp_path / "docs", files=3)
    with served(tmp_path, "--request-log", str(log), "--quirk", "pipeline-bases") as url:
        configure(tmp_path, url)
        terminal.type("kb", "create", "Docs")
        terminal.type("apply")
        requests.writes()
        configure(tmp_path, url, ", chunking: {mode: custom, max_tokens: 300}")
        terminal.type("apply")
        assert requests.changes() == {UPLOAD: 3, RUN: 3, DELETE: 3}
        assert len(rows(url)) == 3
