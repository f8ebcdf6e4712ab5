"""`/metrics` of a real daemon and a real server: every metric moves, no label tells a secret."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from front import JSON, Answer, Front, opened, through
from prometheus_client.parser import text_string_to_metric_families
from running_daemon import Daemon, keeping
from typing_commands import KEY, Terminal, by_hand, served

pytestmark = [pytest.mark.timeout(300), pytest.mark.seconds(30)]
FILES = 8
Labels = dict[str, str]


class Scraped:
    """One scrape."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.samples = [
            sample for family in text_string_to_metric_families(text) for sample in family.samples
        ]

    def value(self, name: str, **labels: str) -> float:
        """The sum of the samples of `name` that have these labels among theirs; -1 without one."""
        found = [
            each.value
            for each in self.samples
            if each.name == name and labels.items() <= each.labels.items()
        ]
        return sum(found) if found else -1.0

    def documents(self, state: str) -> float:
        return self.value("kbsync_documents", mirror="docs", state=state)


class Watched:
    """A daemon and its metrics.

    Args:
        folder: has kbsync.yaml and docs.
        front: stands before the server.
        server: the server's own URL.
    """

    def __init__(self, folder: Path, front: Front, server: str) -> None:
        self.folder, self.front, self.server = folder, front, server
        self.docs = folder / "docs"
        self.daemon: Daemon
        self.url = ""

    def scrape(self) -> Scraped:
        answer = httpx.get(f"{self.url}/metrics")
        assert answer.headers["content-type"].startswith("text/plain; version=")
        return Scraped(answer.text)

    def until(self, holds: Callable[[Scraped], bool]) -> Scraped:
        seen: list[Scraped] = []

        def held() -> bool:
            seen[:] = [self.scrape()]
            return holds(seen[0])

        self.daemon.until(held)
        return seen[0]

    def readiness(self) -> tuple[int, str]:
        answer = httpx.get(f"{self.url}/readyz")
        return answer.status_code, answer.text


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    (tmp_path / "docs").mkdir()
    for number in range(FILES):
        (tmp_path / "docs" / f"page{number}.md").write_text(f"# {number}\n\nLens {number * 7919}\n")
    with (
        served(tmp_path, "--indexing-delay", "0.5", "--workers", "2") as server,
        opened(server) as front,
    ):
        write(tmp_path, front.url)
        found = Watched(tmp_path, front, server)
        front.behaviour = Refusing("create-by-file", 429, {"Retry-After": "1", **JSON}, times=1)
        with keeping(tmp_path) as daemon:
            found.daemon = daemon
            found.url = daemon.until_said("web listens")[0]["url"]
            yield found


def write(folder: Path, url: str, more: str = "") -> None:
    (folder / "kbsync.yaml").write_text(
        f'version: 1\nserver: {{url: "{url}", api_key: "${{DIFY_API_KEY}}", timeout: 3s, '
        "max_indexing: 2}\nledger: ./state/ledger.db\n"
        'web: {listen: "127.0.0.1:0", unready_after: 0s}\n'
        "mirrors:\n  - {name: docs, source: ./docs, knowledge_base: Docs, settle: 100ms, "
        "delete_grace: 300ms, ambiguity_window: 4s, local_resync: 2s, remote_resync: 3s, "
        f"max_file_size: 10KB, on_delete: disable, trash_for: 1h}}\n{more}"
    )


class Refusing:
    """Answers some calls instead of the server.

    Args:
        part: of the path of these calls.
        status: what is answered, with `headers`.
        times: how often.
    """

    def __init__(self, part: str, status: int, headers: dict[str, str], *, times: int) -> None:
        self._part, self._status, self._headers, self.left = part, status, headers, times

    def __call__(self, method: str, path: str) -> Answer | None:
        if method != "POST" or self._part not in path or not self.left:
            return None
        self.left -= 1
        body = b'{"code": "invalid_param", "message": "no", "status": 400}'
        return self._status, self._headers, body


def test_every_metric_moves(watched: Watched) -> None:
    busy = watched.until(lambda seen: seen.documents("indexing") > 0)
    busy = watched.until(lambda seen: seen.value("kbsync_queue_depth") > 0)
    busy = watched.until(lambda seen: seen.value("kbsync_oldest_pending_seconds") > 0.2)
    assert busy.value("kbsync_watch_mode", mode="inotify") == 1
    assert busy.value("kbsync_watch_mode", mode="polling") == 0

    done = watched.until(lambda seen: seen.documents("synced") == FILES)
    done = watched.until(lambda seen: seen.value("kbsync_queue_depth") == 0)
    done = watched.until(lambda seen: seen.value("kbsync_oldest_pending_seconds") == 0)
    assert done.value("kbsync_build_info") == 1
    assert done.value("kbsync_ready") == 1
    assert 0 <= done.value("kbsync_comparison_age_seconds") < 60
    assert done.value("kbsync_indexing_seconds_count", mirror="docs") == FILES
    assert done.value("kbsync_indexing_seconds_sum", mirror="docs") > FILES * 0.5
    creates = {"server": "default", "operation": "create_document"}
    assert done.value("kbsync_requests_total", **creates, outcome="done") == FILES
    assert done.value("kbsync_requests_total", **creates, outcome="throttled") == 1
    assert done.value("kbsync_throttle_seconds_total", server="default") >= 1
    sent = sum(each.stat().st_size for each in watched.docs.iterdir())
    assert (
        done.value("kbsync_uploaded_bytes_total", server="default") > sent
    )  # with the throttled one
    assert done.value("kbsync_ledger_bytes") > 10_000
    assert done.value("kbsync_mirror_phase", phase="halted") == 0

    watched.front.behaviour = Refusing("create-by-file", 400, JSON, times=100)
    (watched.docs / "refused.md").write_text("# Never taken\n")
    refused = watched.until(lambda seen: seen.documents("failed") == 1)
    assert refused.value("kbsync_requests_total", **creates, outcome="rejected") >= 1
    watched.front.behaviour = through

    with by_hand(watched.server) as http:
        base = http.get("/datasets").json()["data"][0]["id"]
        text = {"name": "Mine", "text": "By hand.", "indexing_technique": "economy"}
        rule = {"process_rule": {"mode": "automatic"}}
        assert http.post(
            f"/datasets/{base}/document/create-by-text", json={**text, **rule}
        ).is_success
    watched.until(lambda seen: seen.documents("foreign") == 1)

    (watched.docs / "page0.md").write_text("x" * 20_000)
    watched.until(lambda seen: seen.documents("stale") == 1)
    (watched.docs / "page1.md").unlink()
    watched.until(lambda seen: seen.documents("trashed") == 1)

    for path in watched.docs.iterdir():
        path.unlink()
    held = watched.until(lambda seen: seen.value("kbsync_guard_halted") == 1)
    assert held.documents("held") > 0
    status, text_ = watched.readiness()
    assert (status, "the guard holds changes back" in text_) == (503, True)
    assert "apply --release" not in text_  # it says what, and by which code
    assert watched.scrape().value("kbsync_ready") == 0


def test_an_outage_and_a_broken_configuration(watched: Watched) -> None:
    watched.until(lambda seen: seen.value("kbsync_ready") == 1)
    watched.front.behaviour = lambda method, path: (503, JSON, b"{}")
    away = watched.until(lambda seen: seen.value("kbsync_server_away_seconds") > 0)
    assert away.value("kbsync_mirror_phase", phase="unreachable") == 1
    assert away.value("kbsync_ready") == 0
    status, text = watched.readiness()
    assert status == 503
    assert text.startswith("mirror docs: the server is away for ")
    watched.front.behaviour = through
    watched.until(lambda seen: seen.value("kbsync_server_away_seconds") == 0)
    watched.until(lambda seen: seen.value("kbsync_ready") == 1)
    write(watched.folder, watched.front.url, "unknown: 1\n")
    watched.until(lambda seen: seen.value("kbsync_configuration_refused") == 1)


def test_no_label_tells_a_path_a_key_or_an_address(watched: Watched) -> None:
    done = watched.until(lambda seen: seen.documents("synced") == FILES)
    for secret in (KEY, "page1", str(watched.docs), watched.front.url, "127.0.0.1", "Docs"):
        assert secret not in done.text
    names = {label for each in done.samples for label in each.labels}
    assert names == {
        *("mirror", "state", "phase", "mode", "server", "operation", "outcome"),
        *("version", "python", "le"),
    }
    assert all(
        re.fullmatch(r"[\w.+-]+", value) for each in done.samples for value in each.labels.values()
    )


def test_status_counts_the_same(watched: Watched) -> None:
    watched.front.behaviour = Refusing("create-by-file", 400, JSON, times=2)
    done = watched.until(lambda seen: seen.documents("synced") == FILES - 2)
    done = watched.until(lambda seen: seen.documents("failed") == 2)
    (mirror,) = json.loads(Terminal(watched.folder).type("status", "--json", exit=3))["mirrors"]
    for state, count in mirror["documents"].items():
        assert done.documents(state) == count, state
    assert done.documents("foreign") == mirror["foreign"]
