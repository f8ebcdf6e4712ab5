"""Processes of a cluster, as they are typed: one watches and schedules, two work, kills between."""

from __future__ import annotations

import re
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from cluster import Cluster
from cluster_fleet import SECONDS, Fleet, within
from typing_commands import COMMAND, Terminal, environment, served

from kbsync.engine.control.controller import DRAIN
from kbsync.service.shutdown import LAST
from tests.crash.fleet import faults_of


@pytest.fixture
def fleet(tmp_path: Path, cluster: Cluster) -> Iterator[Fleet]:
    with ExitStack() as stack:
        made = Fleet(tmp_path, stack.enter_context(served(tmp_path)), cluster.fresh())
        stack.callback(made.end)
        yield made


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
    assert not faults_of(fleet.logs())


def test_a_signal_amid_a_first_upload_ends_a_worker_calmly(fleet: Fleet) -> None:
    for n in range(400):
        fleet.write(f"{n % 4}/{n:03}.md", f"page {n}")
    fleet.start("watch", "schedule")
    working = fleet.start("work")
    within(SECONDS, lambda: len(fleet.said(1, "create")) > 40, fleet.logs)
    working.terminate()
    assert working.wait(DRAIN + LAST) == 0, fleet.logs()
    assert not faults_of(fleet.logs())
    assert not [each for each in fleet.said(1, "create") if each["outcome"] != "done"]


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


def test_what_is_held_back_is_released_while_the_cluster_is_at_work(
    fleet: Fleet, tmp_path: Path
) -> None:
    for n in range(30):
        fleet.write(f"{n}.md", f"page {n}")
    fleet.start("watch", "schedule")
    fleet.start("work")
    within(SECONDS, fleet.exact, fleet.logs)
    for n in range(20):
        (fleet.docs / f"{n}.md").unlink()
    terminal = Terminal(tmp_path)

    def held() -> list[str]:
        printed = terminal.run("-c", str(fleet.config), "status")[1]
        return re.findall(r"apply --release ([0-9a-f]+)", printed)

    within(SECONDS, lambda: bool(held()), fleet.logs)
    words = ("-c", str(fleet.config), "apply", "--release", held()[0])
    assert "KB-L450" in terminal.run(*words, "--no-refresh")[2]
    printed = terminal.type(*words)
    assert "KB-L490" in printed
    assert "changes: 20, shards: 1" in printed
    within(SECONDS, fleet.exact, fleet.logs)
    assert not held()


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
