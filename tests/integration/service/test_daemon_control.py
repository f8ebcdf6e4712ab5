"""The socket: who may ask, what is no request, and those who go away in the middle."""

from __future__ import annotations

import json
import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar

import anyio
import anyio.to_thread
import pytest
from daemon_running import ask_raw, configure, mirror, running, typed, until

from kbsync.app import build
from kbsync.commands import codec, patience
from kbsync.commands.base import Command, CommandContext
from kbsync.commands.writing_verbs import PlanCommand
from kbsync.messages import Exit, Problem
from kbsync.service import control_client, control_socket, socket_path

pytestmark = pytest.mark.anyio


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient(Command):
    """Goes on until it is stopped."""

    verb: ClassVar[str] = "patient"

    async def run(self, context: CommandContext) -> int:
        context.say("begun")
        assert context.stopper is not None
        await until(lambda: context.stopper is not None and context.stopper.stopped)
        ENDS.append("stopped")
        return 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Talkative(Command):
    """Says more than a socket holds."""

    verb: ClassVar[str] = "talkative"

    async def run(self, context: CommandContext) -> int:
        for number in range(2_000):
            context.say(f"{number} " + "é" * 1_000)
        context.send_file("x" * 100_000)
        return 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Faulty(Command):
    """Has a bug."""

    verb: ClassVar[str] = "faulty"

    async def run(self, context: CommandContext) -> int:
        context.say("so far so good")
        raise RuntimeError("dataset-secret")


ENDS: list[str] = []


@pytest.fixture(autouse=True)
def _verbs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in (Patient, Talkative, Faulty):
        monkeypatch.setitem(codec.VERBS, kind.verb, kind)
    ENDS.clear()
    configure(tmp_path, mirror("docs"))


async def test_only_the_owner_may_ask(tmp_path: Path) -> None:
    async with running(tmp_path) as daemon:
        address = socket_path.socket_of(daemon.settings)
        assert address == tmp_path / "state" / "ledger.db.sock"
        assert stat.S_IMODE(address.stat().st_mode) == 0o600
        assert stat.S_IMODE(address.parent.stat().st_mode) == 0o700
    assert address.name not in os.listdir(address.parent)


@pytest.mark.parametrize("left", ["socket", "file", "nothing"])
async def test_what_a_dead_daemon_left_is_no_obstacle(tmp_path: Path, left: str) -> None:
    settings = build.settings_of(tmp_path / "kbsync.yaml")
    address = socket_path.socket_of(settings)
    address.parent.mkdir()
    if left == "socket":
        async with await anyio.create_unix_listener(address):
            pass
    if left == "file":
        address.write_text("")
    assert address.exists() == (left != "nothing")
    assert control_client.live(settings) is None
    assert await typed(tmp_path, "plan") == 0
    async with running(tmp_path) as daemon:
        assert (await daemon.live())["pid"] == os.getpid()


async def test_a_long_path_has_a_short_socket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    (tmp_path / "run").mkdir(mode=0o700)
    monkeypatch.setattr(socket_path, "LONGEST", len(str(tmp_path / "state" / "ledger.db.sock")) - 1)
    async with running(tmp_path) as daemon:
        pointer = socket_path.socket_of(daemon.settings)
        assert pointer.readlink().parent == tmp_path / "run" / "kbsync"
        assert stat.S_ISSOCK(pointer.stat().st_mode)
        monkeypatch.delenv("XDG_RUNTIME_DIR")  # who asks finds it without
        assert (await daemon.live())["pid"] == os.getpid()
        assert await daemon.type("plan") == 0
    assert list((tmp_path / "run" / "kbsync").iterdir()) == []
    assert pointer.name not in os.listdir(pointer.parent)


@pytest.mark.parametrize("there", ["a file", "a folder for everybody"])
async def test_without_a_socket_the_mirrors_are_kept_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: str
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    (tmp_path / "run").mkdir(mode=0o700)
    if there == "a file":
        (tmp_path / "run" / "kbsync").write_text("")
    else:
        (tmp_path / "run" / "kbsync").mkdir()
        (tmp_path / "run" / "kbsync").chmod(0o777)
    monkeypatch.setattr(socket_path, "LONGEST", 10)
    monkeypatch.setattr(
        "daemon_running.Running.stands", property(lambda self: bool(self.controllers))
    )
    async with running(tmp_path) as daemon:
        await until(lambda: daemon.said("no control"))
        assert daemon.said("no control")[0]["code"] == "KB-K390"
        assert daemon.controllers["docs"].running


@pytest.mark.parametrize(
    "raw",
    [
        b"\n",
        b"GET / HTTP/1.1\n",
        b"[]\n",
        b'{"verb": 1}\n',
        b'{"verb": "drop tables", "asked": {}}\n',
        b'{"verb": "apply", "asked": {"mirrors": "docs"}}\n',
        b'{"verb": "apply", "asked": {"colour": "red"}}\n',
        b"\xff\xfe\n",
        b"[" * 100_000 + b"\n",
    ],
)
async def test_what_is_no_request_is_refused(tmp_path: Path, raw: bytes) -> None:
    async with running(tmp_path) as daemon:
        heard = await anyio.to_thread.run_sync(ask_raw, daemon.settings, raw)
        lines = [json.loads(line) for line in heard.splitlines()]
        assert "KB-K003" in lines[0]["err"]
        assert lines[-1] == {"exit": 1}
        assert daemon.controllers["docs"].lent == 0
        assert not daemon.said("fault in a request")
        assert (await daemon.live())["pid"] == os.getpid()


async def test_a_request_without_end_is_not_read_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control_socket, "LONGEST_REQUEST", 70_000)
    async with running(tmp_path) as daemon:
        with suppress(ConnectionError):
            await anyio.to_thread.run_sync(ask_raw, daemon.settings, b"{" * 10_000_000)
        assert (await daemon.live())["pid"] == os.getpid()
    monkeypatch.setattr(control_client, "LONGEST_REQUEST", 30)
    async with running(tmp_path) as daemon:
        assert await daemon.type("apply") == 1


async def test_who_says_nothing_is_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control_socket, "PATIENCE", 0.05)
    async with running(tmp_path) as daemon:
        for raw in (b"", b'{"verb": '):
            assert await anyio.to_thread.run_sync(ask_raw, daemon.settings, raw) == b""


async def test_who_goes_away_stops_what_was_asked_for(tmp_path: Path) -> None:
    asked = b'{"verb": "patient", "asked": {}}\n'
    async with running(tmp_path) as daemon:
        await anyio.to_thread.run_sync(partial(ask_raw, listen=False), daemon.settings, asked)
        await until(lambda: ENDS)
        for _ in range(3):
            raw = b'{"verb": "talkative", "asked": {}}\n'
            await anyio.to_thread.run_sync(partial(ask_raw, listen=False), daemon.settings, raw)
        assert await daemon.type("plan") == 0


async def test_everything_that_is_said_arrives(tmp_path: Path) -> None:
    said: list[str] = []
    async with running(tmp_path) as daemon:
        ask = partial(control_client.hand_over, daemon.settings, Talkative())
        answer = await anyio.to_thread.run_sync(ask, lambda text, error: said.append(text))
        assert answer == control_client.Answer(exit=3, file="x" * 100_000)
        lines = "".join(said).splitlines()
        assert [int(line.partition(" ")[0]) for line in lines] == list(range(2_000))


async def test_a_bug_in_a_verb_ends_that_verb_alone(tmp_path: Path) -> None:
    said: list[tuple[str, bool]] = []
    async with running(tmp_path) as daemon:
        ask = partial(control_client.hand_over, daemon.settings, Faulty())
        answer = await anyio.to_thread.run_sync(ask, lambda *words: said.append(words))
        assert answer == control_client.Answer(exit=1)
        assert said[0] == ("so far so good\n", False)
        assert "KB-K006" in said[1][0]
        assert "dataset-secret" not in said[1][0]
        assert len(daemon.said("fault in a request")) == 1
        assert daemon.controllers["docs"].running


async def test_one_request_that_writes_at_a_time(tmp_path: Path) -> None:
    async with running(tmp_path) as daemon:
        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(daemon.type, "apply")
            group.start_soon(daemon.type, "status", "--running")
        assert daemon.controllers["docs"].lent == 3


async def test_who_waits_for_another_verb_is_not_left_in_silence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "SILENT", 0.05)
    first, said = list[str](), list[str]()
    async with running(tmp_path) as daemon:

        async def ask(command: Command, heard: list[str]) -> control_client.Answer | None:
            hand_over = partial(control_client.hand_over, daemon.settings, command)
            return await anyio.to_thread.run_sync(hand_over, lambda text, error: heard.append(text))

        async with anyio.create_task_group() as group:
            group.start_soon(ask, Patient(), first)
            await until(lambda: first)
            answer = await ask(PlanCommand(within=1.0), said)
            daemon.stop()
    assert "KB-K189" in said[0]
    assert answer == control_client.Answer(exit=6)


async def test_a_daemon_that_does_not_answer_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = build.settings_of(tmp_path / "kbsync.yaml")
    address = socket_path.socket_of(settings)
    address.parent.mkdir()
    monkeypatch.setattr(control_client, "SILENT", 0.05)
    monkeypatch.setattr(control_client, "PATIENCE", 0.05)
    said: list[str] = []
    # It listens, as a process does that was stopped, and takes nothing.
    async with await anyio.create_unix_listener(address):
        plan = partial(control_client.hand_over, settings, PlanCommand(within=0.1))
        with pytest.raises(Problem) as over:
            await anyio.to_thread.run_sync(plan, lambda text, error: said.append(text))
    assert "KB-K190" in said[0]
    assert over.value.exit is Exit.INDEXING


async def test_the_end_stops_what_was_asked_for(tmp_path: Path) -> None:
    said: list[str] = []
    answers: list[control_client.Answer | None] = []
    async with running(tmp_path) as daemon:

        async def ask() -> None:
            handed = partial(control_client.hand_over, daemon.settings, Patient())
            said_so = partial(handed, lambda text, error: said.append(text))
            answers.append(await anyio.to_thread.run_sync(said_so))

        async with anyio.create_task_group() as group:
            group.start_soon(ask)
            await until(lambda: said)
            daemon.stop()
    assert answers == [control_client.Answer(exit=7)]


def test_each_ledger_has_a_socket_of_its_own(tmp_path: Path) -> None:
    config = tmp_path / "kbsync.yaml"
    text = config.read_text()
    (tmp_path / "state").mkdir()
    (tmp_path / "link").symlink_to("state")
    addresses = []
    for ledger in ("./state/ledger.db", "./link/ledger.db", "./state/b.db", "postgresql://h/d"):
        config.write_text(text.replace("./state/ledger.db", ledger))
        addresses.append(socket_path.socket_of(build.settings_of(config)))
    assert addresses[0] == addresses[1] == tmp_path / "state" / "ledger.db.sock"
    assert addresses[2] == tmp_path / "state" / "b.db.sock"
    assert addresses[3] == build.settings_of(config).state / "daemon.sock"
