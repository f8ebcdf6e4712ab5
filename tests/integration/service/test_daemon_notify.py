"""What a service manager receives, on a socket of the test's own."""

from __future__ import annotations

import os
import re
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from daemon_running import configure, mirror, running, until

from kbsync.engine.control.controller import Phase
from kbsync.service.systemd import SystemdNotifier

pytestmark = pytest.mark.anyio


class Manager:
    """Listens as a service manager does."""

    def __init__(self, address: str) -> None:
        self.line = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.line.bind("\0" + address[1:] if address.startswith("@") else address)
        self.line.setblocking(False)
        self.environ = {"NOTIFY_SOCKET": address}
        self._heard: list[str] = []

    @property
    def heard(self) -> list[str]:
        while True:
            try:
                self._heard.append(self.line.recv(4096).decode())
            except BlockingIOError:
                return self._heard

    def about(self, what: str) -> list[str]:
        return [each for each in self.heard if each.startswith(what)]


@pytest.fixture(params=["file", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Manager]:
    abstract = f"@kbsync-test-{os.getpid()}-{time.monotonic_ns()}"
    found = Manager(abstract if request.param == "abstract" else str(tmp_path / "notify"))
    yield found
    found.line.close()


async def test_ready_when_every_mirror_is_watched_or_halted(
    tmp_path: Path, manager: Manager
) -> None:
    configure(tmp_path, mirror("docs"), mirror("wiki"))
    notifier = SystemdNotifier(manager.environ)
    async with running(tmp_path, notifier=notifier, phase=Phase.STARTING) as daemon:
        await until(lambda: "STATUS=2 starting" in manager.heard)
        daemon.controllers["docs"].become(Phase.WATCHING)
        await until(lambda: "STATUS=1 watching, 1 starting" in manager.heard)
        assert "READY=1" not in manager.heard
        assert len(manager.about("EXTEND_TIMEOUT_USEC=")) == 1
        daemon.controllers["wiki"].become(Phase.HALTED)
        await until(lambda: "READY=1" in manager.heard)
        assert "STATUS=1 watching, 1 halted (wiki)" in manager.heard
        assert daemon.said("ready")[0]["halted"] == 1

        os.kill(os.getpid(), signal.SIGHUP)
        await until(lambda: manager.heard.count("READY=1") == 2)
        reload = manager.heard.index(manager.about("RELOADING=1")[0])
        found = re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=(\d+)", manager.heard[reload])
        assert found is not None
        assert 0 <= time.clock_gettime(time.CLOCK_MONOTONIC) - int(found[1]) / 1e6 < 20
        assert manager.heard[reload:].index("READY=1") > 0
        (tmp_path / "kbsync.yaml").write_text("version: 2\n")
        await until(lambda: len(manager.about("RELOADING=1")) == 2)
        await until(lambda: manager.heard.count("READY=1") == 3)
        await until(lambda: manager.heard[-1].endswith("; the configuration file is refused"))
    assert manager.heard[-1] == "STOPPING=1"
    assert manager.about("WATCHDOG=1") == []


async def test_signs_of_life_at_half_of_the_time(tmp_path: Path, manager: Manager) -> None:
    configure(tmp_path, mirror("docs"))
    environ = {**manager.environ, "WATCHDOG_USEC": "100000", "WATCHDOG_PID": str(os.getpid())}
    async with running(tmp_path, notifier=SystemdNotifier(environ)):
        began = time.monotonic()
        before = len(manager.about("WATCHDOG=1"))
        await until(lambda: len(manager.about("WATCHDOG=1")) - before == 6)
        took = time.monotonic() - began
        assert took > 0.2  # six signs are at least five rests of 50 ms, less what was due
        time.sleep(0.3)  # noqa: ASYNC251 - the loop hangs
        assert len(manager.about("WATCHDOG=1")) - before == 6


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"NOTIFY_SOCKET": ""},
        {"NOTIFY_SOCKET": "relative"},
        {"NOTIFY_SOCKET": "/nowhere/at/all", "WATCHDOG_USEC": "many"},
        {"NOTIFY_SOCKET": "@" + "x" * 200, "WATCHDOG_USEC": "0"},
        {"NOTIFY_SOCKET": "/nowhere", "WATCHDOG_USEC": "5000", "WATCHDOG_PID": "1"},
        {"WATCHDOG_USEC": "5000"},
    ],
)
def test_without_a_manager(environ: dict[str, str]) -> None:
    notifier = SystemdNotifier(environ)
    assert notifier.watchdog is None
    notifier.ready()
    notifier.status("well")
    notifier.alive()


def test_a_status_is_one_line_and_not_repeated(manager: Manager) -> None:
    notifier = SystemdNotifier(manager.environ)
    for text in ("all\nis well", "all\nis well", "other", "all\nis well"):
        notifier.status(text)
    assert manager.heard == ["STATUS=all is well", "STATUS=other", "STATUS=all is well"]
