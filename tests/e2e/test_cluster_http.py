"""What a process of a cluster answers over HTTP, and what `kbsync status` shows of it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest
from cluster import Cluster
from cluster_fleet import SECONDS, Fleet, within
from prometheus_client.parser import text_string_to_metric_families
from typing_commands import COMMAND, environment, served

pytestmark = [pytest.mark.timeout(300), pytest.mark.seconds(55)]
TOKEN = "a-token-of-thirty-two-characters-or-more"
HTTP = 'web: {listen: "127.0.0.1:0"}\n'
Start = Callable[[str], Fleet]


@pytest.fixture
def fleet_with(tmp_path: Path, cluster: Cluster) -> Iterator[Start]:
    with ExitStack() as stack:
        url = stack.enter_context(served(tmp_path))

        def start(more: str) -> Fleet:
            made = Fleet(tmp_path, url, cluster.fresh(), more)
            stack.callback(made.end)
            return made

        yield start


def url_of(fleet: Fleet, number: int) -> str:
    within(SECONDS, lambda: fleet.said(number, "web listens"), fleet.logs)
    return str(fleet.said(number, "web listens")[0]["url"])


def values(text: str) -> dict[tuple[str, ...], float]:
    """Every sample by its name and the values of its labels, in the order of their names."""
    families = text_string_to_metric_families(text)
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
    }


def typed(fleet: Fleet, *words: str) -> str:
    line = [str(COMMAND), "-c", str(fleet.config), *words]
    return subprocess.run(
        line, env=environment(), capture_output=True, text=True, check=True
    ).stdout


def test_metrics_and_status_tell_of_processes_shards_and_jobs(
    fleet_with: Start, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text(TOKEN)
    token.chmod(0o600)
    fleet = fleet_with(f'web: {{listen: "127.0.0.1:0", token_file: {token}}}\n')
    for n in range(6):
        fleet.write(f"{n % 3}/{n:02}.md", f"page {n}")
    watching, working = fleet.start("watch", "schedule"), fleet.start("work")
    within(SECONDS, fleet.exact, fleet.logs)
    url = url_of(fleet, 1)
    assert httpx.get(f"{url}/healthz").text == "alive\n"
    assert httpx.get(f"{url}/readyz").text == "ready\n"
    assert httpx.get(f"{url}/metrics").status_code == 401

    def scraped(number: int) -> dict[tuple[str, ...], float]:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        answer = httpx.get(f"{url_of(fleet, number)}/metrics", headers=headers)
        assert answer.status_code == 200
        answers[number] = answer.content
        return values(answer.text)

    answers: dict[int, bytes] = {}
    within(SECONDS, lambda: scraped(1)["kbsync_shards", "docs", "clean"] == 1, fleet.logs)
    found = scraped(1)
    check_by_promtool(answers[1])
    assert found["kbsync_ready",] == 1
    roles = [found["kbsync_processes", role] for role in ("schedule", "watch", "work")]
    assert roles == [1, 1, 1]
    assert found["kbsync_shards", "docs", "dirty"] == found["kbsync_leases",] == 0
    assert found["kbsync_oldest_dirty_seconds", "docs"] == 0
    assert found["kbsync_requests_total", "create_document", "done", "default"] == 6
    assert found["kbsync_uploaded_bytes_total", "default"] > 0
    assert found["kbsync_indexing_seconds_count", "docs"] == 6
    assert found.keys() >= {("kbsync_jobs", "waiting"), ("kbsync_jobs", "doing")}
    assert found["kbsync_leases_lost_total",] == 0
    assert ("kbsync_requests_total", "create_document", "done", "default") not in scraped(0)
    page = httpx.get(url, headers={"Authorization": f"Bearer {TOKEN}"})
    assert (page.status_code, page.text.count("<tr>")) == (200, 5)
    assert '<th scope="row"><bdi>docs</bdi></th><td>1</td><td>0</td><td>0</td>' in page.text
    assert httpx.get(url, headers={"Accept": "text/html"}).status_code == 303

    lines = typed(fleet, "status").splitlines()
    assert lines[0] == "cluster: 2 processes at work"
    assert lines[1].startswith(f"  schedule and watch: process {watching.pid} on ")
    assert lines[2].startswith(f"  work: process {working.pid} on ")
    assert "  shards: 1 clean" in lines
    told = json.loads(typed(fleet, "status", "--json"))["cluster"]
    assert [each["roles"] for each in told["processes"]] == [["schedule", "watch"], ["work"]]
    assert told["mirrors"]["docs"]["clean"] == 1

    working.terminate(), working.wait(20)
    fleet.write("late.md", "while nobody works")
    within(SECONDS, lambda: scraped(0)["kbsync_shards", "docs", "dirty"] == 1, fleet.logs)
    within(SECONDS, lambda: scraped(0)["kbsync_oldest_dirty_seconds", "docs"] > 1, fleet.logs)
    check_by_promtool(answers[0])
    assert any(
        "shards: 1 dirty; dirty for " in line for line in typed(fleet, "status").splitlines()
    )
    watching.terminate(), watching.wait(20)
    assert not typed(fleet, "status").startswith("cluster")
    assert json.loads(typed(fleet, "status", "--json"))["cluster"] is None


def check_by_promtool(metrics: bytes) -> None:
    promtool = shutil.which("promtool")
    if promtool is not None:
        words = [promtool, "check", "metrics"]
        ran = subprocess.run(words, input=metrics, capture_output=True, check=False)
        assert (ran.returncode, ran.stdout, ran.stderr) == (0, b"", b"")


@contextmanager
def half_open(cluster: Cluster) -> Iterator[None]:
    """Have the connections of the jobs neither answer nor end."""
    backends = cluster.query(
        "SELECT pid FROM pg_stat_activity WHERE datname = 'kbsync' AND application_name = '' "
        "AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
    )
    assert backends
    for (pid,) in backends:
        os.kill(int(str(pid)), signal.SIGSTOP)
    try:
        yield
    finally:
        for (pid,) in backends:
            os.kill(int(str(pid)), signal.SIGCONT)


def test_a_process_is_not_ready_without_its_jobs_or_its_database(
    fleet_with: Start, cluster: Cluster
) -> None:
    fleet = fleet_with(HTTP)
    fleet.write("a.md", "a page")
    fleet.start("watch", "schedule", "work")
    within(SECONDS, fleet.exact, fleet.logs)
    url = url_of(fleet, 0)

    def causes() -> set[str]:
        answer = httpx.get(f"{url}/readyz", headers={"accept": "application/json"})
        found = answer.json()
        assert (answer.status_code == 200) == found["ready"]
        assert httpx.get(f"{url}/healthz").status_code == 200
        return {each["cause"] for each in found["reasons"]}

    assert causes() == set()
    with half_open(cluster):
        within(SECONDS, lambda: causes() == {"jobs_unheard"}, fleet.logs)
        assert "the worker of its jobs was not heard of for 1" in httpx.get(f"{url}/readyz").text
    within(SECONDS, lambda: causes() == set(), fleet.logs)

    cluster.stop()
    try:
        wanted = {"database_away", "jobs_unheard", "leases_not_renewed"}
        within(SECONDS, lambda: causes() == wanted, fleet.logs)
        assert "KB-L043" in httpx.get(f"{url}/readyz").text
        found = values(httpx.get(f"{url}/metrics").text)
        assert found["kbsync_ready",] == 0
        assert "kbsync_shards" not in {name for name, *_ in found}
    finally:
        cluster.start()
    within(SECONDS, lambda: causes() == set(), fleet.logs)
    fleet.write("b.md", "written after it was back")
    within(SECONDS, fleet.exact, fleet.logs)
