"""Two daemons on one ledger: one works, the other takes over when it ends, however it ends."""

from __future__ import annotations

import itertools
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest
import warm
from cluster import Cluster
from running_daemon import Daemon
from typing_commands import COMMAND, KEY, by_hand, environment, served

SECONDS = 40.0


class Replicas:
    """Daemons with `--standby` over one folder, one ledger and one server.

    Args:
        folder: theirs.
        url: the server's.
        ledger: its address.

    Attributes:
        more: more keys of the mirror, each on a line of its own.
    """

    more = ""

    def __init__(self, folder: Path, url: str, ledger: str) -> None:
        self.folder, self._url = folder, url
        self.docs = folder / "docs"
        self.docs.mkdir()
        self._numbers = itertools.count(1)
        self._ledger = ledger
        self._started: list[Daemon] = []

    def start(self, beside: str = "") -> Daemon:
        """Start one more, with a state folder of its own as on a machine of its own."""
        number = next(self._numbers)
        file = self.folder / f"kbsync-{number}.yaml"
        file.write_text(
            f"version: 1\nledger: {self._ledger}\nserver: {{url: '{self._url}', api_key: {KEY}}}\n"
            f"mirrors:\n  - name: docs\n    source: {self.docs}\n    settle: 0.2s\n"
            f"    delete_grace: 1s\n    knowledge_base: {{name: Docs}}\n{self.more}{beside}"
        )
        file.chmod(0o600)
        state = self.folder / f"state-{number}"
        log = self.folder / f"daemon-{number}.log"
        with log.open("wb") as stderr:
            words = ["-c", str(file), "run", "--standby"]
            env = environment(XDG_STATE_HOME=str(state))
            process = warm.start(words, folder=self.folder, env=env, stdout=stderr, stderr=stderr)
        daemon = Daemon(self.folder, process, log)
        self._started.append(daemon)
        return daemon

    def type(self, number: int, *words: str) -> tuple[int, str, str]:
        """Type a verb where the daemon of this number runs."""
        env = environment(XDG_STATE_HOME=str(self.folder / f"state-{number}"))
        line = [str(COMMAND), "-c", str(self.folder / f"kbsync-{number}.yaml"), *words]
        done = subprocess.run(line, env=env, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout, done.stderr

    def documents(self) -> dict[str, list[str]]:
        """Return the texts of the documents at the server, by name."""
        found: dict[str, list[str]] = {}
        with by_hand(self._url) as http:
            for base in http.get("/datasets?limit=100").json()["data"]:
                documents = f"/datasets/{base['id']}/documents"
                for each in http.get(f"{documents}?limit=100").json()["data"]:
                    chunks = http.get(f"{documents}/{each['id']}/segments").json()["data"]
                    text = "".join(chunk["content"] for chunk in chunks)
                    found.setdefault(each["name"], []).append(text)
        return found

    def exact(self) -> bool:
        """Whether the server holds each file once, with its text."""
        files = {each.name: [each.read_text().strip()] for each in self.docs.iterdir()}
        return self.documents() == files

    def kill_all(self) -> None:
        for each in self._started:
            if each.process.poll() is None:
                each.process.send_signal(signal.SIGCONT)
                each.process.kill()
                each.process.wait()


@contextmanager
def replicas(folder: Path, ledger: str) -> Iterator[Replicas]:
    with ExitStack() as stack:
        made = Replicas(folder, stack.enter_context(served(folder)), ledger)
        stack.callback(made.kill_all)
        yield made


def within(seconds: float, condition: Callable[[], object]) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.fixture(params=["file", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "file":
        return str(tmp_path / "ledger.db")
    return str(request.getfixturevalue("cluster").fresh())


def test_the_other_takes_over_when_the_one_that_works_is_killed(
    address: str, tmp_path: Path
) -> None:
    with replicas(tmp_path, address) as both:
        (both.docs / "a.md").write_text("the first text")
        active = both.start()
        active.until_said("in sync")
        for number in range(3):
            other = both.start()
            other.until_said("standing by", code="KB-L021")
            (both.docs / f"b{number}.md").write_text(f"a text of round {number}")
            active.process.kill()
            active.process.wait()
            other.until_said("ready")
            within(SECONDS, both.exact)
            active = other
        active.end()


def test_a_standby_ends_at_a_signal_and_one_that_ends_hands_over(
    address: str, tmp_path: Path
) -> None:
    with replicas(tmp_path, address) as both:
        active = both.start()
        active.until_said("ready")
        leaving, staying = both.start(), both.start()
        leaving.until_said("standing by")
        staying.until_said("standing by")
        leaving.end()
        active.end()
        staying.until_said("ready")
        staying.end()


def test_status_of_a_standby_is_well_and_says_what_it_waits_for(
    cluster: Cluster, tmp_path: Path
) -> None:
    with replicas(tmp_path, str(cluster.fresh())) as both:
        active = both.start()
        active.until_said("ready")
        other = both.start()
        other.until_said("standing by")
        code, shown, _ = both.type(2, "status", "--running")
        assert code == 0
        assert "stands by, and takes over when it can: the ledger" in shown
        assert f"process {active.process.pid}" in shown
        code, _, error = both.type(2, "pause")
        assert code == 1
        assert "KB-K350" in error
        active.end()
        other.until_said("ready")
        code, shown, _ = both.type(2, "status", "--running")
        assert code == 0
        assert "docs: watching" in shown


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def test_a_standby_is_alive_and_not_ready_until_it_took_over(
    cluster: Cluster, tmp_path: Path
) -> None:
    with replicas(tmp_path, str(cluster.fresh())) as both:
        active = both.start(f"web: {{listen: '127.0.0.1:{free_port()}'}}\n")
        active.until_said("ready")
        port = free_port()
        other = both.start(f"web: {{listen: '127.0.0.1:{port}'}}\n")
        other.until_said("standing by")
        (listens,) = other.until_said("web listens")
        asked = httpx.Client(base_url=listens["url"])
        assert asked.get("/healthz").status_code == 200
        unready = asked.get("/readyz", headers={"accept": "application/json"})
        assert unready.status_code == 503
        assert unready.json()["reasons"][0]["cause"] == "standby"
        assert asked.get("/metrics").status_code == 200
        page = asked.get("/mirrors/docs")
        assert page.status_code == 503
        assert "Standing by" in page.text
        assert "takes over" in page.text
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert asked.get("/static/page.css").status_code == 200
        active.process.kill()
        active.process.wait()
        other.until_said("ready")
        other.until_said("web listens", count=2)
        within(SECONDS, lambda: asked.get("/readyz").status_code == 200)
        assert "Standing by" not in asked.get("/").text


def cut_off(cluster: Cluster, process: int) -> None:
    """End the connections of a process, as the keepalives of its machine's would."""
    cluster.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        f"WHERE application_name LIKE 'kbsync {process} %'"
    )


@pytest.mark.timeout(300)
def test_one_that_was_stopped_and_goes_on_writes_nothing(cluster: Cluster, tmp_path: Path) -> None:
    with replicas(tmp_path, str(cluster.fresh())) as both:
        paused = both.start()
        paused.until_said("ready")
        other = both.start()
        other.until_said("standing by")
        for number in range(30):
            (both.docs / f"{number}.md").write_text(f"the text of file {number}")
        paused.until_said("create")
        paused.process.send_signal(signal.SIGSTOP)
        cut_off(cluster, paused.process.pid)
        other.until_said("ready")
        # An upload that was about to be sent is waited for as long as its call might still take.
        within(3 * SECONDS, lambda: len(other.said("in sync")) > 0)
        for number in range(0, 30, 3):
            (both.docs / f"{number}.md").write_text(f"another text of file {number}")
        done = len(paused.lines())
        paused.process.send_signal(signal.SIGCONT)
        paused.until_said("standing by")
        within(SECONDS, both.exact)
        later = paused.lines()[done:]
        # What had been sent before it was stopped may have been answered meanwhile.
        made = [each for each in later if each.get("outcome") == "done"]
        assert len(made) <= 4
        assert "ledger lost" in {each["event"] for each in later}
        (both.docs / "last.md").write_text("the last text")
        within(SECONDS, both.exact)
        assert not paused.said("create", path="last.md")


def test_a_database_that_is_started_again_leaves_one_at_work(
    cluster: Cluster, tmp_path: Path
) -> None:
    with replicas(tmp_path, str(cluster.fresh())) as both:
        first, second = both.start(), both.start()
        first.until(lambda: first.said("ready") or second.said("ready"))
        (both.docs / "a.md").write_text("the first text")
        within(SECONDS, both.exact)
        cluster.stop()
        try:
            (both.docs / "b.md").write_text("written while the database was away")
            time.sleep(2)
        finally:
            cluster.start()
        within(SECONDS, both.exact)
        (both.docs / "a.md").write_text("the second text")
        within(SECONDS, both.exact)
