"""Notifications of a running daemon, at a real HTTP receiver and by a real program."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import anyio
import pytest
from daemon_running import Running, configure, mirror, running, until

from kbsync.engine.control.controller import Phase
from kbsync.engine.ports import EntryChange
from kbsync.ledger.store import LedgerStore
from kbsync.messages import daemon as say
from kbsync.messages import guard
from kbsync.messages import remote as remote_say
from kbsync.model import Binding, DocKey, Fingerprint, Rejection, Stat
from kbsync.service.notifications import delivery, episode, watch

pytestmark = pytest.mark.anyio
SECRET = "hook-s3cr3t"
AWAY = remote_say.CANNOT_CONNECT(what="list", url="http://server", words="refused")
HELD = guard.HALTED_ROOT(mirror="docs", reason="gone", count=9, documents=9, digest="1234abcd")
KEY = DocKey(mirror="docs", path="a.md")


class Receiver(ThreadingHTTPServer):
    """Remembers what it is sent; `status` is what it answers."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Post)
        self.calls: list[tuple[str, str, Mapping[str, str], Any]] = []
        self.status = 200
        self.url = f"http://127.0.0.1:{self.server_port}/{SECRET}"

    def bodies(self) -> list[Any]:
        return [body for *_, body in self.calls]

    def events(self) -> list[str]:
        return [body["event"] for body in self.bodies()]


class _Post(BaseHTTPRequestHandler):
    server: Receiver

    def log_message(self, *words: object) -> None:
        pass

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(length)
        if len(raw) < length:  # the call was cut off by its bound, and is made again
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = json.loads(raw) if raw else None
        self.server.calls.append((self.command, self.path, headers, body))
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST = _answer  # noqa: N815 - named by the library


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()
    thread = threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield found
    found.shutdown()
    found.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "LOOK", 0.02)
    monkeypatch.setattr(watch, "COUNT", 0.05)
    monkeypatch.setattr(watch, "COUNT_AGAIN", 0.1)
    monkeypatch.setattr(episode, "STILL", 0.1)
    monkeypatch.setattr(episode, "AGAIN", 0.2)
    monkeypatch.setattr(delivery, "PAUSES", (0.02, 0.02))


def notify(folder: Path, *targets: str) -> None:
    lines = "".join(f"  - {{{each}}}\n" for each in targets)
    configure(folder, mirror("docs"), more=f"notify:\n{lines}")


def compared(daemon: Running) -> None:
    daemon.controllers["docs"].become(Phase.WATCHING, last_pass=1.0, why=None, held=None)


async def rest() -> None:
    """Give what should not come the time to come."""
    await anyio.sleep(0.3)


async def test_a_halt_is_notified_once_with_its_release_and_once_when_over(
    tmp_path: Path, receiver: Receiver
) -> None:
    notify(tmp_path, f'url: "{receiver.url}"')
    async with running(tmp_path) as daemon:
        compared(daemon)
        docs = daemon.controllers["docs"]
        docs.become(Phase.WATCHING, held="1234abcd", why=HELD)
        await until(lambda: receiver.calls)
        docs.become(Phase.SUSPENDED)  # a verb works with the mirror: nothing is over
        await rest()
        docs.become(Phase.SYNCING)
        await rest()
        (sent,) = receiver.bodies()
        assert (sent["event"], sent["mirror"], sent["code"]) == ("halt", "docs", HELD.code)
        assert sent["command"].endswith("apply --release 1234abcd")
        assert sent["next"].endswith(sent["command"])
        compared(daemon)
        await until(lambda: len(receiver.calls) == 2)
        await rest()
        over = receiver.bodies()[1]
        assert (over["event"], over["over"], over["code"]) == ("recovery", "halt", say.OVER.code)
        docs.become(Phase.HALTED, why=remote_say.WRONG_KEY(what="list", words="no"))
        await until(lambda: receiver.events() == ["halt", "recovery", "halt"])
    assert SECRET not in str(daemon.log)


async def test_what_the_guard_holds_is_notified_again_when_its_release_is_not_enough(
    tmp_path: Path, receiver: Receiver
) -> None:
    notify(tmp_path, f'url: "{receiver.url}"')
    async with running(tmp_path) as daemon:
        compared(daemon)
        docs = daemon.controllers["docs"]
        docs.become(Phase.WATCHING, held="1234abcd", held_changes=frozenset("a"), why=HELD)
        await until(lambda: receiver.calls)
        more = HELD.message(**{**HELD.words, "digest": "5678abcd"})
        docs.become(Phase.WATCHING, held="5678abcd", held_changes=frozenset("ab"), why=more)
        await until(lambda: len(receiver.calls) == 2)
        docs.become(Phase.WATCHING, held="1234abcd", held_changes=frozenset("a"), why=HELD)
        await rest()
        assert [each["command"][-8:] for each in receiver.bodies()] == ["1234abcd", "5678abcd"]


async def test_an_outage_counts_after_its_time(tmp_path: Path, receiver: Receiver) -> None:
    notify(tmp_path, f'url: "{receiver.url}", outage_after: 1s')
    async with running(tmp_path) as daemon:
        compared(daemon)
        docs = daemon.controllers["docs"]
        docs.become(Phase.UNREACHABLE, why=AWAY)
        await until(lambda: daemon.said("outage begins"))
        await rest()
        assert receiver.calls == []
        await until(lambda: receiver.events() == ["outage"])
        assert receiver.bodies()[0]["code"] == say.OUTAGE_LASTS.code
        compared(daemon)
        await until(lambda: receiver.events() == ["outage", "recovery"])


def refused(ledger: LedgerStore) -> None:
    ledger.bind(Binding(mirror="docs", server="s", base_id="b", base_name="Docs", source="/docs"))
    why = Rejection(
        key=KEY,
        fingerprint=Fingerprint(content="c", settings="s"),
        reason=("KB-R011", "the server refuses it"),
        at=1.0,
        stat=Stat(1, 1, 1, 1),
    )
    ledger.commit(EntryChange(key=KEY, rejection=why))


async def test_failures_are_notified_until_none_is_left(tmp_path: Path, receiver: Receiver) -> None:
    (tmp_path / "state").mkdir()
    with LedgerStore.open(tmp_path / "state" / "ledger.db") as ledger:
        refused(ledger)
    notify(tmp_path, f'url: "{receiver.url}"')
    async with running(tmp_path) as daemon:
        compared(daemon)
        await until(lambda: receiver.events() == ["failure"])
        assert "a.md: the server refuses it" in receiver.bodies()[0]["text"]
        await rest()
        daemon.controllers["docs"].engine.ledger.commit(EntryChange(key=KEY, rejection=None))
        await until(lambda: receiver.events() == ["failure", "recovery"])


async def test_bodies_by_template_headers_and_files(tmp_path: Path, receiver: Receiver) -> None:
    (tmp_path / "hook").write_text(f"{receiver.url}\n")
    chat = '{text: "{summary} → {command} {unknown", deep: [{of: "{mirror}"}, 1, true]}'
    notify(tmp_path, f"url_file: ./hook, headers: {{X-Key: {SECRET}}}, body: {chat}")
    async with running(tmp_path) as daemon:
        compared(daemon)
        daemon.controllers["docs"].become(Phase.WATCHING, held="1234abcd", why=HELD)
        await until(lambda: receiver.calls)
        ((method, path, headers, body),) = receiver.calls
        assert (method, path, headers["x-key"]) == ("POST", f"/{SECRET}", SECRET)
        assert body["text"].startswith(f"kbsync halt: {HELD.text} → ")
        assert body["text"].endswith("--release 1234abcd {unknown")
        assert body["deep"] == [{"of": "docs"}, 1, True]


async def test_heartbeats_while_all_is_well(tmp_path: Path, receiver: Receiver) -> None:
    """As a dead man's switch such as healthchecks wants it."""
    ping, fail = f'url: "{receiver.url}"', f'url: "{receiver.url}/fail"'
    notify(
        tmp_path,
        f"{ping}, events: [heartbeat], every: 1s, method: GET",
        f"{fail}, events: [halt], method: GET",
    )
    async with running(tmp_path) as daemon:
        await rest()
        assert receiver.calls == []  # nothing was compared yet
        compared(daemon)
        await until(lambda: len(receiver.calls) == 2)
        assert {(method, path) for method, path, *_ in receiver.calls} == {("GET", f"/{SECRET}")}
        daemon.controllers["docs"].become(Phase.WATCHING, held="1234abcd", why=HELD)
        await until(lambda: receiver.calls[-1][1].endswith("/fail"))
        beats = len(receiver.calls)
        await anyio.sleep(1.2)
        assert len(receiver.calls) == beats


PROGRAM = """#!/bin/sh
env > "$1.env"
cat > "$1.json"
mv "$1.json" "$1"
"""


async def test_a_program_has_the_facts_and_no_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIFY_API_KEY", SECRET)
    program, out = tmp_path / "page", tmp_path / "out $(touch made); x"
    program.write_text(PROGRAM)
    program.chmod(0o755)
    notify(tmp_path, f'command: [./page, "{out}"]'.replace("./page", str(program)))
    async with running(tmp_path) as daemon:
        compared(daemon)
        daemon.controllers["docs"].become(Phase.WATCHING, held="1234abcd", why=HELD)
        await until(out.exists)
        facts = json.loads(out.read_text())
        assert facts["command"].endswith("apply --release 1234abcd")
        variables = out.with_name(f"{out.name}.env").read_text()
        assert "KBSYNC_EVENT=halt\n" in variables
        assert f"KBSYNC_COMMAND={facts['command']}\n" in variables
        assert SECRET not in variables
    assert not (tmp_path / "made").exists()


def test_a_ledger_that_cannot_be_read_says_nothing_of_failures(tmp_path: Path) -> None:
    with LedgerStore.open(tmp_path / "ledger.db"):
        pass
    with LedgerStore.open(tmp_path / "ledger.db", readonly=True) as store:
        assert watch.failures(store, ["docs"]) == {"docs": None}
        store.close()
        (tmp_path / "ledger.db").write_bytes(b"no ledger any more")
        assert watch.failures(store, ["docs"]) is None


async def test_broken_receivers_hold_nothing_up_and_are_logged_once(
    tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "BOUND", 0.3)
    hangs, pid = tmp_path / "hangs", tmp_path / "pid"
    hangs.write_text(f"#!/bin/sh\nsleep 600 &\necho $! > {pid}\nwait\n")
    hangs.chmod(0o755)
    broken = Receiver()
    broken.server_close()
    notify(
        tmp_path,
        f'url: "{broken.url}"',
        f'command: ["{hangs}"]',
        "command: [/nowhere/at/all]",
        'command: ["false"]',
        f'url: "{receiver.url}"',
    )
    async with running(tmp_path) as daemon:
        compared(daemon)
        docs = daemon.controllers["docs"]
        for turn in (1, 2):
            docs.become(Phase.HALTED, why=AWAY)
            await until(lambda turn=turn: receiver.events().count("halt") == turn)
            compared(daemon)
            await until(lambda turn=turn: receiver.events().count("recovery") == turn)
        await until(lambda: len(daemon.said("not notified")) == 4)
        assert docs.running
        said = daemon.said("not notified")
        assert {each["code"] for each in said} == {say.NOT_NOTIFIED.code}
        assert {each["why"].partition(":")[0] for each in said} == {
            f"notify[{number}]" for number in range(4)
        }
        assert SECRET not in str(daemon.log)

        await until(lambda: pid.read_text().strip())
        await until(lambda: not lives(int(pid.read_text())))


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def test_what_failed_is_tried_again(tmp_path: Path, receiver: Receiver) -> None:
    receiver.status = 503
    notify(tmp_path, f'url: "{receiver.url}"')
    async with running(tmp_path) as daemon:
        compared(daemon)
        daemon.controllers["docs"].become(Phase.HALTED, why=AWAY)
        await until(lambda: len(receiver.calls) == 2)
        receiver.status = 200
        await until(lambda: len(receiver.calls) == 3)
        await rest()
        assert len(receiver.calls) == 3
        assert daemon.said("not notified") == []
