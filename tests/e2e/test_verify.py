"""`verify` finds what no listing shows: stored bytes that somebody changed behind the server."""

from __future__ import annotations

import json
import shlex
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from front import Answer, opened
from running_daemon import keeping
from test_mirror import UPDATE, Requests, configure, write_files
from typing_commands import Terminal, by_hand, served

from kbsync.messages import remote as remote_say
from kbsync.messages import verification as say

# Hundreds of documents, on whatever machine this is.
pytestmark = pytest.mark.timeout(300)

DOWNLOAD = "/datasets/{ds}/documents/{doc}/download"
SERVED = "/files/{id}/file-preview"
MANY = 105  # more than a page of a listing
RULE = {"indexing_technique": "economy", "process_rule": {"mode": "automatic"}}


class Store:
    """The embedded server's file, changed behind the server's back."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "base.db"

    def change(self, page: int, statement: str, *values: object) -> None:
        name = f"part{page % 5}\u2215page{page}.md"
        which = "id = (SELECT upload FROM document WHERE name = ?)"
        with closing(sqlite3.connect(self._file, timeout=30)) as db, db:
            done = db.execute(f"UPDATE upload SET {statement} WHERE {which}", (*values, name))
            assert done.rowcount == 1

    def lose(self, page: int) -> None:
        self.change(page, "id = lower(hex(randomblob(16)))")


def path_of(page: int) -> str:
    return f"part{page % 5}/page{page}.md"


def content_of(folder: Path, page: int) -> bytes:
    return (folder / "docs" / path_of(page)).read_bytes()


def calls(log: Path, route: str) -> int:
    return sum(json.loads(line)["route"] == route for line in log.read_text().splitlines())


def synced(terminal: Terminal) -> int:
    return int(terminal.read("status")["mirrors"][0]["documents"]["synced"])


def found(terminal: Terminal, *words: str, exit: int = 3) -> dict[str, dict[str, Any]]:
    """Verify, and return what differs by verdict; there is one of each."""
    shown = json.loads(terminal.type("verify", *words, "--json", exit=exit))
    assert shown["exit"] == exit
    rows = [row for mirror in shown["mirrors"] for row in mirror["findings"]]
    by_verdict = {row["verdict"]: row for row in rows}
    assert len(by_verdict) == len(rows), rows
    return by_verdict


@pytest.mark.seconds(9)
def test_one_changed_one_truncated_and_one_foreign_among_many(tmp_path: Path) -> None:
    log, store = tmp_path / "requests.jsonl", Store(tmp_path)
    terminal, requests = Terminal(tmp_path), Requests(log)
    write_files(tmp_path / "docs", files=MANY)
    with served(tmp_path, "--request-log", str(log)) as url, closing(by_hand(url)) as hands:
        configure(tmp_path, url)
        terminal.type("apply")
        printed = terminal.type("verify")
        assert printed.startswith(f"{MANY} documents to download; ")
        assert printed.endswith(f"docs: {MANY} same\n")
        assert calls(log, DOWNLOAD) == calls(log, SERVED) == MANY

        changed, whole = content_of(tmp_path, 7)[::-1], content_of(tmp_path, 42)
        store.change(7, "content = ?", changed)
        store.change(42, "content = ?", whole[:10])
        base = hands.get("/datasets").json()["data"][0]["id"]
        made = hands.post(
            f"/datasets/{base}/document/create-by-file",
            data={"data": json.dumps(RULE)},
            files={"file": ("stranger.md", b"Not of ours.", "text/markdown")},
        )
        stranger = made.json()["document"]["id"]
        # Nothing that the server lists tells of it.
        assert terminal.read("plan")["counts"] == {}

        rows = found(terminal)
        assert rows.keys() == {"changed", "truncated", "foreign"}
        assert rows["changed"]["path"] == path_of(7)
        sizes = rows["changed"]["stored_bytes"], rows["changed"]["expected_bytes"]
        assert sizes == (len(changed), len(changed))
        assert rows["truncated"]["path"] == path_of(42)
        sizes = rows["truncated"]["stored_bytes"], rows["truncated"]["expected_bytes"]
        assert sizes == (10, len(whole))
        assert rows["foreign"]["document_id"] == stranger
        assert rows["foreign"]["document_name"] == "stranger.md"

        printed = terminal.type("verify", "--ignore-foreign", exit=3)
        assert f"changed: {path_of(7)}: " in printed
        assert f"truncated: {path_of(42)}: the server has only 10 of the {len(whole)}" in printed
        assert "stranger" not in printed
        assert f"docs: {MANY - 2} same, 1 changed, 1 truncated" in printed
        [command] = [line for line in printed.splitlines() if "kbsync retry" in line]
        words = command.partition("kbsync ")[2].split()
        assert words == ["retry", "--mirror", "docs", path_of(42), path_of(7)]
        requests.writes()
        terminal.type(*words)
        assert requests.changes() == {UPDATE: 2}
        assert terminal.type("verify", "--ignore-foreign").endswith(f"docs: {MANY} same\n")
        assert found(terminal).keys() == {"foreign"}


def test_a_truncated_file_of_which_the_server_knows_no_other_size(tmp_path: Path) -> None:
    terminal, store = Terminal(tmp_path), Store(tmp_path)
    write_files(tmp_path / "docs", files=3)
    with served(tmp_path) as url:
        configure(tmp_path, url)
        terminal.type("apply")
        whole = content_of(tmp_path, 1)
        store.change(1, "content = ?, size = 20", whole[:20])
        row = found(terminal)["truncated"]
        assert (row["stored_bytes"], row["expected_bytes"]) == (20, len(whole))
        store.change(1, "content = ?, size = ?", whole * 9, 9 * len(whole))
        row = found(terminal)["changed"]
        assert (row["stored_bytes"], row["expected_bytes"]) == (9 * len(whole), len(whole))
        # What is longer than any file may be is not read; the others are, though they are too long.
        configure(tmp_path, url, ", max_file_size: 10")
        shown = json.loads(terminal.type("verify", "--json", exit=3))["mirrors"][0]
        assert shown["counts"] == {"edited": 2, "changed": 1}
        [row] = [each for each in shown["findings"] if each["verdict"] == "changed"]
        assert (row["stored_bytes"], row["expected_bytes"]) == (9 * len(whole), len(whole))


def test_every_other_way_to_differ(tmp_path: Path) -> None:
    terminal, store = Terminal(tmp_path), Store(tmp_path)
    write_files(tmp_path / "docs", files=10)
    with served(tmp_path) as url, closing(by_hand(url)) as hands:
        configure(tmp_path, url)
        terminal.type("apply")
        base = hands.get("/datasets").json()["data"][0]["id"]
        rows = hands.get(f"/datasets/{base}/documents", params={"limit": 100}).json()["data"]
        ids = {row["name"]: row["id"] for row in rows}
        hands.delete(f"/datasets/{base}/documents/{ids[f'part3{chr(0x2215)}page3.md']}")
        assert found(terminal)["missing"]["path"] == path_of(3)
        terminal.type("apply")

        (tmp_path / "docs" / path_of(4)).write_text("Edited since.\n")
        row = found(terminal)["edited"]
        assert (row["path"], row["code"]) == (path_of(4), say.EDITED.code)
        terminal.type("apply")
        (tmp_path / "docs" / path_of(5)).unlink()
        row = found(terminal)["edited"]
        assert (row["path"], row["code"]) == (path_of(5), say.FILE_LEFT.code)
        store.change(5, "content = ?", b"Changed, too.")
        row = found(terminal)["changed"]
        assert (row["path"], row["code"]) == (path_of(5), say.CHANGED_OF_NO_FILE.code)
        terminal.type("apply")

        # The text that is sent is UTF-8, whatever the file is written in.
        (tmp_path / "docs" / path_of(6)).write_bytes("Größe und Maß\n".encode("utf-16"))
        terminal.type("apply")
        assert terminal.type("verify").endswith("docs: 9 same\n")
        store.change(6, "content = ?", "Größe".encode())
        row = found(terminal)["truncated"]
        assert (row["stored_bytes"], row["expected_bytes"]) == (7, len("Größe und Maß\n".encode()))


def test_what_is_to_be_typed_takes_odd_names_and_two_mirrors_on_one_base(tmp_path: Path) -> None:
    log, terminal = tmp_path / "requests.jsonl", Terminal(tmp_path)
    names = ("-dash one.md", "it's a file.md")
    for folder, files in (("docs", names), ("more", ("m.md",))):
        (tmp_path / folder).mkdir()
        for name in files:
            (tmp_path / folder / name).write_text(f"# {name}\n\nSome words.\n")
    with served(tmp_path, "--request-log", str(log)) as url:
        configure(tmp_path, url, ", prefix: first")
        config = tmp_path / "kbsync.yaml"
        second = "{name: more, source: ./more, knowledge_base: Docs, settle: 0s, prefix: second}"
        config.write_text(config.read_text() + f"  - {second}\n")
        terminal.type("apply")
        with closing(sqlite3.connect(tmp_path / "base.db", timeout=30)) as db, db:
            db.execute("UPDATE upload SET content = ?", (b"x",))
        listings = calls(log, "/datasets/{ds}/documents")
        printed = terminal.type("verify", exit=3)
        assert calls(log, "/datasets/{ds}/documents") == listings + 1
        assert "docs: 2 changed" in printed
        assert "more: 1 changed" in printed
        commands = [line for line in printed.splitlines() if "kbsync retry" in line]
        for command in commands:
            terminal.type(*shlex.split(command.partition("kbsync ")[2]))
        assert len(commands) == 2
        assert terminal.type("verify").endswith("docs: 2 same\nmore: 1 same\n")


def test_a_sample_is_drawn_again_with_its_number(tmp_path: Path) -> None:
    log, store, terminal = tmp_path / "requests.jsonl", Store(tmp_path), Terminal(tmp_path)
    write_files(tmp_path / "docs", files=30)
    with served(tmp_path, "--request-log", str(log)) as url:
        configure(tmp_path, url)
        terminal.type("apply")
        for page in range(30):
            store.change(page, "content = ?", b"x")

        def drawn(*words: str) -> tuple[list[str], int]:
            shown = json.loads(terminal.type("verify", "--sample", "5", "--json", *words, exit=3))
            assert (shown["sample"]["of"], shown["forecast"]["downloads"]) == (30, 5)
            rows = shown["mirrors"][0]["findings"]
            return [row["path"] for row in rows], shown["sample"]["seed"]

        paths, seed = drawn()
        assert len(paths) == 5
        assert drawn("--seed", str(seed)) == (paths, seed)
        assert len({path for _ in range(4) for path in drawn()[0]}) > 5
        assert calls(log, DOWNLOAD) == 30
        printed = terminal.type("verify", "--sample", "5", "--seed", "7", exit=3)
        assert printed.startswith("5 documents to download of 30, drawn with --seed 7; ")


def test_beside_a_running_daemon(tmp_path: Path) -> None:
    terminal, store = Terminal(tmp_path), Store(tmp_path)
    write_files(tmp_path / "docs", files=20)
    with served(tmp_path) as url:
        configure(tmp_path, url)
        with keeping(tmp_path) as daemon:
            daemon.until(lambda: synced(terminal) == 20)
            assert terminal.type("verify").endswith("docs: 20 same\n")
            store.change(7, "content = ?", b"x")
            assert found(terminal)["changed"]["path"] == path_of(7)
            terminal.type("retry", path_of(7))
            assert terminal.type("verify").endswith("docs: 20 same\n")
            daemon.end()


def test_in_the_embedded_knowledge_base(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    write_files(tmp_path / "docs", files=3)
    configure(tmp_path, "embedded")
    assert "KB-L020" in terminal.type("verify", exit=1)
    terminal.type("apply")
    assert terminal.type("verify").endswith("docs: 3 same\n")


def test_a_server_that_gives_no_bytes_out(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    write_files(tmp_path / "docs", files=3)
    with served(tmp_path, "--dify", "1.12") as url:
        configure(tmp_path, url)
        terminal.type("apply")
        printed = terminal.type("verify", exit=5)
        assert remote_say.NO_DOWNLOADS.code in printed
        assert "1.12.1" in printed
        assert "1.13.1" in printed
        shown = json.loads(terminal.type("verify", "--json", exit=5))
        assert [each["code"] for each in shown["problems"]] == [remote_say.NO_DOWNLOADS.code]


def test_files_that_are_kept_elsewhere(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    write_files(tmp_path / "docs", files=3)

    def no_files(method: str, path: str) -> Answer | None:
        page = {"Content-Type": "text/html"}, b"<html>nothing here</html>"
        return (404, *page) if path.startswith("/files/") else None

    with served(tmp_path) as url, opened(url) as front:
        configure(tmp_path, front.url)
        terminal.type("apply")
        assert terminal.type("verify").endswith("docs: 3 same\n")
        front.behaviour = no_files
        printed = terminal.type("--log-level", "debug", "verify", exit=5)
        assert remote_say.FILES_ELSEWHERE.code in printed
        assert url.removesuffix("/v1").removeprefix("http://") in printed
        assert "sign=" not in terminal.printed


def test_the_forecast_is_that_of_the_rate_limit(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    write_files(tmp_path / "docs", files=3)
    with served(tmp_path, "--quirk", "cloud-throttle=1000") as url:
        configure(tmp_path, url)
        terminal.type("apply")
        config = tmp_path / "kbsync.yaml"
        limited = "server: {requests_per_minute: 900, "
        config.write_text(config.read_text().replace("server: {", limited))
        assert "; less than a minute at the rate limit\n" in terminal.type("verify")
