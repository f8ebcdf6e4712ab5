"""The daemon, as it is installed and typed, against `kbsync serve` over TCP."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from front import Answer, opened
from running_daemon import Daemon, keeping
from test_mirror import ASSIGN, CREATE, DELETE, FIELD, UPDATE, Requests
from typing_commands import KEY, SECONDS, Terminal, served

pytestmark = pytest.mark.timeout(300)
FILES = 12


class Setup:
    """A folder with a served knowledge base, typed at while a daemon runs."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.url = url
        self.docs = folder / "docs"
        self.terminal = Terminal(folder)
        self.requests = Requests(folder / "requests.jsonl")
        self.docs.mkdir()
        for number in range(FILES):
            self.page(number).write_text(f"# Page {number}\n\nLens {number * 7919} at dusk.\n")
        self.configure()

    def configure(self, more: str = "", timeout: str = "3s") -> None:
        window = "4s" if timeout == "3s" else "61s"
        times = f"settle: 100ms, delete_grace: 300ms, ambiguity_window: {window}"
        (self.folder / "kbsync.yaml").write_text(
            "version: 1\n"
            f'server: {{url: "{self.url}", api_key: "${{DIFY_API_KEY}}", timeout: {timeout}}}\n'
            "ledger: ./state/ledger.db\n"
            f"mirrors:\n  - {{name: docs, source: ./docs, knowledge_base: Docs, {times}}}\n{more}"
        )

    def page(self, number: int) -> Path:
        return self.docs / f"page{number}.md"

    def edit(self, number: int) -> None:
        with self.page(number).open("a") as file:
            file.write("One more sentence about quartz harbours.\n")

    def changes(self) -> Counter[tuple[str, str]]:
        """Count what was done to documents since the last look; marks come when there is time."""
        calls = self.requests.writes()
        return Counter({call: n for call, n in calls.items() if call not in (FIELD, ASSIGN)})

    def documents(self) -> dict[str, int]:
        """How many documents are in which state, as far as any is."""
        found = self.terminal.read("status")["mirrors"][0]["documents"]
        return {state: number for state, number in found.items() if number}

    def watching(self) -> bool:
        """Whether the daemon has nothing to do; marks are written by then."""
        (mirror,) = self.terminal.read("status")["daemon"]["mirrors"].values()
        return bool(mirror["phase"] == "watching")

    def synced(self) -> int:
        return self.documents().get("synced", 0)


@pytest.fixture
def setup(tmp_path: Path) -> Iterator[Setup]:
    with served(tmp_path, "--request-log", str(tmp_path / "requests.jsonl")) as url:
        yield Setup(tmp_path, url)


def _filled(setup: Setup, daemon: Daemon) -> None:
    daemon.until_said("create", FILES)
    daemon.until(lambda: setup.synced() == FILES)
    setup.changes()


def test_what_is_saved_is_sent_and_nothing_else_is_done(setup: Setup) -> None:
    with keeping(setup.folder) as daemon:
        _filled(setup, daemon)
        setup.edit(3)
        daemon.until_said("update")
        assert setup.changes() == {UPDATE: 1}
        setup.page(4).unlink()
        daemon.until_said("delete")
        (setup.docs / "part").mkdir()
        (setup.docs / "part" / "new.md").write_text("# New\n\nAmber fog.\n")
        daemon.until_said("create", FILES + 1)
        assert setup.changes() == {DELETE: 1, CREATE: 1}
        for line in (*daemon.said("update"), *daemon.said("delete"), *daemon.said("create")):
            assert {"mirror", "path", "document", "outcome", "ms"} <= line.keys()
            assert line["outcome"] == "done"
            assert line["document"]
        daemon.until(lambda: setup.synced() == FILES)
        assert "Amber fog" in setup.terminal.type("search", "Amber fog")
        printed = setup.terminal.type("status")
        assert f"daemon: process {daemon.process.pid}, for " in printed
        assert "by inotify" in printed
        quiet = len(steps(daemon))
        (setup.docs / "page5.md").read_text()
        os.utime(setup.docs / "page6.md")
        time.sleep(1)  # nothing comes: no event can tell
        assert len(steps(daemon)) == quiet
        daemon.end()
        assert [line["event"] for line in steps(daemon)[quiet:]] == ["stopping", "stopped"]
        assert KEY not in json.dumps(daemon.lines())
    assert not (setup.folder / "state" / "ledger.db.sock").exists()


def steps(daemon: Daemon) -> list[dict[str, object]]:
    """Return the lines of the log but the sum of what was done, which comes a moment later."""
    return [line for line in daemon.lines() if line["event"] != "in sync"]


def test_verbs_while_it_runs(setup: Setup) -> None:
    type_ = setup.terminal.type
    with keeping(setup.folder) as daemon:
        _filled(setup, daemon)
        assert f"docs: {FILES} unchanged" in type_("apply")
        assert setup.changes() == {}
        type_("plan")
        assert "KB-V904" in type_("retry", exit=64)
        assert "page1.md" in type_("explain", "docs/page1.md")
        assert "KB-L021" in type_("run", exit=1)

        type_("pause", "docs")
        setup.edit(1)
        daemon.until(lambda: "1 to update" in type_("plan", exit=(0, 2)))
        assert setup.changes() == {}
        assert "paused" in type_("status")
        type_("resume")
        daemon.until_said("update")
        assert setup.changes() == {UPDATE: 1}

        type_("pause")  # so that all of them are met at once
        for number in range(FILES):
            setup.page(number).unlink()
        # While it is paused it plans as well, and a few of them may be met before the others.
        everything = f"{FILES} of {FILES} documents would be removed"
        daemon.until(lambda: everything in type_("status", exit=(0, 4)))
        type_("resume")
        *_, held = daemon.until_said("held back")
        assert everything in held["why"]
        assert setup.changes() == {}
        assert held["digest"][:12] in type_("plan", exit=4)
        # After `plan` it compares anew.
        daemon.until(lambda: "KB-G" in type_("status", exit=(0, 4)))
        type_("apply", "--release", held["digest"][:12])
        assert setup.changes() == {DELETE: FILES}
        daemon.until_said("not held back any more")
        daemon.end()


def test_the_configuration_changes_while_it_runs(setup: Setup) -> None:
    more = "  - {name: wiki, source: ./wiki, knowledge_base: Wiki, settle: 100ms}\n"
    with keeping(setup.folder) as daemon:
        _filled(setup, daemon)
        (setup.folder / "kbsync.yaml").write_text("version: 1\nmirrors: {}\n")
        daemon.process.send_signal(signal.SIGHUP)
        daemon.until_said("configuration refused")
        setup.edit(1)
        daemon.until_said("update")

        (setup.folder / "wiki").mkdir()
        (setup.folder / "wiki" / "home.md").write_text("# Home\n\nOf the wiki.\n")
        setup.configure(more)
        (reloaded,) = daemon.until_said("reloaded")
        assert reloaded["new"] == ["wiki"]
        assert "changed" not in reloaded
        daemon.until_said("create", mirror="wiki")
        setup.changes()

        setup.configure(more.replace("settle", "read_only: true, settle"))
        setup.terminal.type("reload")
        (setup.folder / "wiki" / "other.md").write_text("# Other\n")
        daemon.until(lambda: "1 to create" in setup.terminal.type("plan", "wiki", exit=(0, 2)))
        assert "KB-K010" in setup.terminal.type("apply", "wiki", exit=3)
        setup.configure()
        daemon.until_said("reloaded", 3)
        setup.edit(2)
        daemon.until_said("update", 2)
        assert setup.changes() == {UPDATE: 1}
        assert daemon.said("configuration", code="KB-V063")
        assert "1 deleted from Wiki" in setup.terminal.type("mirror", "destroy", "wiki", "--yes")
        daemon.end(signal.SIGINT)


def test_killed_in_the_middle_and_begun_again(setup: Setup) -> None:
    with keeping(setup.folder) as daemon:
        daemon.until_said("create", 3)
        daemon.process.kill()
        daemon.process.wait()
    assert setup.terminal.read("status")["daemon"] is None
    setup.edit(0)
    setup.page(11).unlink()
    with keeping(setup.folder) as daemon:
        daemon.until(lambda: setup.documents() == {"synced": FILES - 1} and setup.watching())
        daemon.end()
    assert setup.terminal.type("plan").startswith("nothing")
    base = setup.terminal.read("status")["mirrors"][0]
    assert base["foreign"] == 0
    made = Counter(line["path"] for line in _journal(setup) if line["action"] == "create")
    assert set(made.values()) == {1}


def _journal(setup: Setup) -> list[dict[str, object]]:
    lines = setup.terminal.read("history", "--limit", "1000")["lines"]
    return [line for line in lines if line["outcome"] == "done"]


def test_a_second_signal_does_not_wait(setup: Setup) -> None:
    held, free = threading.Event(), threading.Event()

    def slow(method: str, path: str) -> Answer | None:
        if path.endswith("create-by-file"):
            held.set()
            free.wait(SECONDS)
        return None

    with opened(setup.url) as front:
        front.behaviour = slow
        setup.url = front.url
        setup.configure(timeout="60s")
        with keeping(setup.folder) as daemon:
            daemon.until(held.is_set)
            daemon.process.send_signal(signal.SIGTERM)
            daemon.until_said("stopping")
            assert "KB-K005" in setup.terminal.type("apply", exit=1)
            began = time.monotonic()
            daemon.end(signal.SIGTERM, exit=130)
            assert time.monotonic() - began < 10
        free.set()
    assert daemon.said("stopped at once")
    pending = setup.terminal.read("status")["mirrors"][0]["documents"]["pending"]
    assert pending >= 1


@pytest.mark.skipif(shutil.which("unshare") is None, reason="unshare is part of util-linux")
def test_the_first_process_of_a_container(setup: Setup) -> None:
    alone = ("unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child")
    if subprocess.run([*alone, "true"], check=False, capture_output=True).returncode:
        pytest.skip("this machine makes no namespaces for us")
    with keeping(setup.folder, before=alone) as daemon:
        outer = daemon.process.pid
        children = Path(f"/proc/{outer}/task/{outer}/children").read_text().split()
        daemon.until_said("create", FILES)
        assert setup.terminal.read("status")["daemon"]["pid"] == 1
        os.kill(int(children[0]), signal.SIGTERM)
        daemon.process.wait(timeout=60)
        events = [line["event"] for line in daemon.lines()]
        assert events[-1] == "stopped"
        assert [each for each in events if each.startswith("stop")] == ["stopping", "stopped"]
