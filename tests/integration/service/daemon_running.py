"""A daemon in this process, on real files, a real ledger and a real socket.

Its controllers are stand-ins that do nothing and remember the calls; what verbs hand over is
carried out by real engines on the embedded knowledge base.
"""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import anyio
import anyio.to_thread
from captured_log import captured
from structlog.typing import EventDict

from kbsync.app import build
from kbsync.cli import obey as type_in
from kbsync.cli.beside import KINDS
from kbsync.config import MirrorConfig, Settings
from kbsync.engine.control.controller import ControllerStatus, Phase
from kbsync.engine.reconciler import Reconciler
from kbsync.messages import Notice
from kbsync.model import DocKey, Halted
from kbsync.service import control_client
from kbsync.service.daemon import run
from kbsync.service.socket_path import socket_of
from kbsync.service.supervisor import MakeController
from kbsync.service.systemd import SystemdNotifier

SECONDS = 20.0


class StandIn:
    """Syncs nothing. `lent`: how often its engine was lent."""

    def __init__(
        self, declared: MirrorConfig, engine: Reconciler, turned: Callable[[ControllerStatus], None]
    ) -> None:
        self.declared = declared
        self.engine = engine
        self.turned = turned
        self.read_only = False
        self.paused = False
        self.status = ControllerStatus()
        self.unmet: dict[DocKey, Notice] = {}
        self.held: Halted | None = None
        self.lent = 0
        self.running = False
        self._stopped = anyio.Event()

    def become(self, phase: Phase, **more: object) -> None:
        self.status = replace(self.status, phase=phase, **more)  # type: ignore[arg-type]
        self.turned(self.status)

    async def run(self) -> None:
        self.running = True
        await self._stopped.wait()
        self.running = False

    def stop(self) -> None:
        self._stopped.set()

    @asynccontextmanager
    async def suspended(self) -> AsyncIterator[Reconciler]:
        self.lent += 1
        before = self.status
        self.become(Phase.SUSPENDED)
        try:
            yield self.engine
        finally:
            self.become(before.phase)


class Running:
    """The daemon, as a test asks it."""

    def __init__(self, folder: Path, settings: Settings, phase: Phase) -> None:
        self.folder = folder
        self.settings = settings
        self.made: list[StandIn] = []
        self.log: list[EventDict] = []
        self._phase = phase
        self._stopped = False

    def make(
        self, declared: MirrorConfig, engine: Reconciler, turned: Callable[[ControllerStatus], None]
    ) -> StandIn:
        controller = StandIn(declared, engine, turned)
        controller.status = ControllerStatus(phase=self._phase)
        self.made.append(controller)
        return controller

    @property
    def controllers(self) -> dict[str, StandIn]:
        """Those that run, by mirror."""
        return {each.declared.name: each for each in self.made if each.running}

    @property
    def stands(self) -> bool:
        """Whether every controller runs, and the socket answers."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            listens = line.connect_ex(str(socket_of(self.settings))) == 0
        return listens and len(self.controllers) == len(self.settings.mirrors)

    async def type(self, *words: str) -> int:
        """Type a command as a person would; return its exit code."""
        return await typed(self.folder, *words)

    def stop(self) -> None:
        """Send SIGTERM, once."""
        if not self._stopped:
            self._stopped = True
            os.kill(os.getpid(), signal.SIGTERM)

    async def live(self) -> Mapping[str, object]:
        answer = await anyio.to_thread.run_sync(control_client.live, self.settings)
        assert answer is not None
        return answer

    def said(self, event: str) -> list[EventDict]:
        return [each for each in self.log if each["event"] == event]


async def typed(folder: Path, *words: str) -> int:
    """Type a command, in another thread: the daemon has to answer it meanwhile."""
    config = ["-c", str(folder / "kbsync.yaml")]
    return await anyio.to_thread.run_sync(type_in, [*config, *words])


async def until(condition: Callable[[], object]) -> None:
    """Return once it holds."""
    with anyio.fail_after(SECONDS):
        while not condition():  # noqa: ASYNC110 - no event is set
            await anyio.sleep(0.02)


def never(seconds: float, code: int) -> Callable[[], None]:
    """Force nothing: a test's own limit does."""
    return lambda: None


@asynccontextmanager
async def running(
    folder: Path,
    *,
    notifier: SystemdNotifier | None = None,
    phase: Phase = Phase.WATCHING,
    make: MakeController | None = None,
) -> AsyncIterator[Running]:
    """Run the daemon of `folder`/kbsync.yaml until the block ends; then stop it by SIGTERM."""
    settings = build.settings_of(folder / "kbsync.yaml")
    daemon = Running(folder, settings, phase)
    codes: list[int] = []
    ended = anyio.Event()

    async def lived() -> None:
        try:
            codes.append(
                await run(
                    settings,
                    notifier or SystemdNotifier({}),
                    make or daemon.make,
                    never,
                    kinds=KINDS,
                )
            )
        finally:
            ended.set()

    with captured(daemon.log):
        async with anyio.create_task_group() as group:
            group.start_soon(lived)
            await until(lambda: daemon.stands or ended.is_set())
            yield daemon
            if not ended.is_set():
                daemon.stop()
            with anyio.fail_after(SECONDS):
                await ended.wait()
    assert codes == [0]


def ask_raw(settings: Settings, raw: bytes, *, listen: bool = True) -> bytes:
    """Send `raw` to the daemon and return all it answers."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.settimeout(SECONDS)
        line.connect(str(socket_of(settings)))
        line.sendall(raw)
        if not listen:
            return b""
        heard = b""
        while piece := line.recv(65536):
            heard += piece
        return heard


def configure(folder: Path, *mirrors: str, more: str = "", server: str = "{url: embedded}") -> None:
    """Write a configuration; each mirror is what stands between its braces."""
    for each in mirrors:
        name = each.partition("source: ./")[2].partition(",")[0]
        (folder / name).mkdir(exist_ok=True)
    lines = [f"  - {{{each}}}\n" for each in mirrors]
    (folder / "kbsync.yaml").write_text(
        f"version: 1\nserver: {server}\nledger: ./state/ledger.db\n{more}mirrors:\n{''.join(lines)}"
    )


def mirror(name: str, more: str = "") -> str:
    return f"name: {name}, source: ./{name}, knowledge_base: {name.title()}, settle: 0s{more}"
