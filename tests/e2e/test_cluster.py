"""Processes of a cluster, as they are typed: one watches and schedules, two work, kills between."""

from __future__ import annotations

import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import warm
from cluster import Cluster
from typing_commands import COMMAND, KEY, by_hand, environment, served

from kbsync.engine.control.controller import DRAIN
from kbsync.service.shutdown import LAST

SECONDS = 60.0


class Fleet:
    """Processes over one folder, one ledger and one server.

    Args:
        folder: theirs.
        url: the server's.
        ledger: its address.
    """

    def __init__(self, folder: Path, url: str, ledger: str) -> None:
        self.folder, self._url = folder, url
        self.docs = folder / "docs"
        self.docs.mkdir()
        self.config = folder / "kbsync.yaml"
        self.config.write_text(
            f"version: 1\nledger: {ledger}\nserver: {{url: '{url}', api_key: {KEY}}}\n"
            f"mirrors:\n  - name: docs\n    source: {self.docs}\n    settle: 0.2s\n"
            "    delete_grace: 1s\n    knowledge_base: {name: Docs}\n"
        )
        self.config.chmod(0o600)
        self._started: list[warm.Running] = []

    def start(self, *roles: str) -> warm.Running:
        log = self.folder / f"process-{len(self._started)}.log"
        words = ["-c", str(self.config), "run"]
        words += [word for role in roles for word in ("--role", role)]
        with log.open("wb") as stderr:
            env = environment()
            running = warm.start(words, folder=self.folder, env=env, stdout=stderr, stderr=stderr)
        self._started.append(running)
        return running

    def write(self, path: str, text: str) -> None:
        file = self.docs / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def documents(self) -> list[str]:
        """The texts of all documents at the server, in order."""
        found = []
        with by_hand(self._url) as http:
            for base in http.get("/datasets?limit=100").json()["data"]:
                documents = f"/datasets/{base['id']}/documents"
                for each in http.get(f"{documents}?limit=100").json()["data"]:
                    chunks = http.get(f"{documents}/{each['id']}/segments").json().get("data", [])
                    found.append("".join(chunk["content"] for chunk in chunks))
        return sorted(found)

    def exact(self) -> bool:
        """Whether the server holds each file once, with its text."""
        files = (each for each in self.docs.rglob("*") if each.is_file())
        return self.documents() == sorted(each.read_text() for each in files)

    def logs(self) -> str:
        return "\n".join(each.read_text() for each in sorted(self.folder.glob("process-*.log")))

    def end(self) -> None:
        for each in self._started:
            if each.poll() is None:
                each.send_signal(signal.SIGCONT)
                each.kill()
                each.wait()


@pytest.fixture
def fleet(tmp_path: Path, cluster: Cluster) -> Iterator[Fleet]:
    with ExitStack() as stack:
        made = Fleet(tmp_path, stack.enter_context(served(tmp_path)), cluster.fresh())
        stack.callback(made.end)
        yield made


def within(seconds: float, condition: Callable[[], object], told: Callable[[], str]) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, told()
        time.sleep(0.2)


def test_an_edit_goes_through_watch_and_work_and_a_signal_ends_each_calmly(fleet: Fleet) -> None:
    for n in range(20):
        fleet.write(f"{n % 3}/{n:02}.md", f"page {n}")
    watching, working = fleet.start("watch", "schedule"), fleet.start("work")
    within(SECONDS, fleet.exact, fleet.logs)
    fleet.write("0/00.md", "page 0, edited")
    fleet.write("3/new.md", "a new page")
    (fleet.docs / "1/01.md").unlink()
    (fleet.docs / "2/02.md").rename(fleet.docs / "0/moved.md")
    within(SECONDS, fleet.exact, fleet.logs)
    for each in (watching, working):
        each.terminate()
        assert each.wait(20) == 0, fleet.logs()
    assert "Traceback" not in fleet.logs()


def test_workers_that_are_killed_leave_nothing_undone_and_nothing_twice(fleet: Fleet) -> None:
    chance = random.Random(7)
    for n in range(40):
        fleet.write(f"{n % 4}/{n:02}.md", f"page {n}")
    fleet.start("watch", "schedule")
    workers = [fleet.start("work"), fleet.start("work")]
    for kill in range(4):
        time.sleep(1.5 + chance.random())
        victim = workers.pop(chance.randrange(2))
        victim.kill()
        victim.wait()
        fleet.write(f"{kill}/edit-{kill}.md", f"written at kill {kill}")
        workers.append(fleet.start("work"))
    within(2 * SECONDS, fleet.exact, fleet.logs)


def test_an_ordinary_verb_names_the_cluster_and_a_cluster_names_the_key(
    fleet: Fleet, tmp_path: Path
) -> None:
    fleet.write("a.md", "a")
    fleet.start("watch", "schedule")
    fleet.start("work")
    within(SECONDS, fleet.exact, fleet.logs)
    typed = [str(COMMAND), "-c", str(fleet.config), "apply"]
    done = subprocess.run(typed, env=environment(), capture_output=True, text=True, check=False)
    assert (done.returncode, "KB-L450" in done.stderr) == (1, True), done.stderr
    on_a_file = tmp_path / "file.yaml"
    on_a_file.write_text(fleet.config.read_text().replace("ledger: postgresql", "# "))
    on_a_file.chmod(0o600)
    typed = [str(COMMAND), "-c", str(on_a_file), "run", "--role", "work"]
    done = subprocess.run(typed, env=environment(), capture_output=True, text=True, check=False)
    assert (done.returncode, "KB-L455" in done.stderr) == (64, True), done.stderr


@pytest.mark.seconds(40)
def test_a_server_that_is_silent_holds_a_worker_up_no_longer_than_its_drain(
    tmp_path: Path, cluster: Cluster
) -> None:
    with ExitStack() as stack:
        silent = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/v1"
        fleet = Fleet(tmp_path, url, cluster.fresh())
        stack.callback(fleet.end)
        fleet.write("a.md", "a")
        fleet.start("watch", "schedule")
        working = fleet.start("work")
        silent.settimeout(SECONDS)
        stack.enter_context(silent.accept()[0])  # it asks, and is not answered for a minute
        working.terminate()
        assert working.wait(DRAIN + LAST + 7) == 0, fleet.logs()
