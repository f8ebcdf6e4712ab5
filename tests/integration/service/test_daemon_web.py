"""The daemon's HTTP server, asked over real connections: health, readiness, who may ask."""

from __future__ import annotations

import shutil
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from daemon_running import Running, configure, mirror, running, until

from kbsync.app import build
from kbsync.config import web_token
from kbsync.engine.control.controller import Phase
from kbsync.messages import Problem, guard
from kbsync.messages import config as config_say
from kbsync.messages import daemon as say
from kbsync.messages import remote as remote_say
from kbsync.service.daemon import run
from kbsync.service.systemd import SystemdNotifier

pytestmark = pytest.mark.anyio
TOKEN = "token-of-the-tests-0123456789"
AWAY = remote_say.CANNOT_CONNECT(what="list", url="http://server", words="refused")
WRONG_KEY = remote_say.WRONG_KEY(what="list", words="no")
HELD = guard.HALTED_ROOT(mirror="wiki", reason="gone", count=9, documents=9, digest="1234abcd")


class Asked:
    """The server of a daemon.

    Args:
        daemon: answers.
        url: of its HTTP server.
        http: asks.
    """

    def __init__(self, daemon: Running, url: str, http: httpx.AsyncClient) -> None:
        self.daemon = daemon
        self.url = url
        self._http = http

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self._http.get(self.url + path, headers=headers)

    async def reasons(self, **headers: str) -> list[Mapping[str, object]]:
        answer = await self.get("/readyz", accept="application/json", **headers)
        found = answer.json()
        assert found["ready"] == (answer.status_code == 200) == (not found["reasons"])
        reasons: list[Mapping[str, object]] = found["reasons"]
        return reasons


@asynccontextmanager
async def asked(
    folder: Path, *, web: str = "", phase: Phase = Phase.WATCHING
) -> AsyncIterator[Asked]:
    more = f'web: {{listen: "127.0.0.1:0"{web}}}\n'
    configure(folder, mirror("docs"), mirror("wiki"), more=more)
    async with running(folder, phase=phase) as daemon, httpx.AsyncClient() as http:
        await until(lambda: daemon.said("web listens"))
        yield Asked(daemon, daemon.said("web listens")[0]["url"], http)


def compared(daemon: Running) -> None:
    for controller in daemon.controllers.values():
        controller.become(Phase.WATCHING, last_pass=1.0)


async def test_ready_once_everything_was_compared(tmp_path: Path) -> None:
    async with asked(tmp_path, phase=Phase.STARTING) as web:
        assert (await web.get("/healthz")).text == "alive\n"
        answer = await web.get("/readyz")
        assert answer.status_code == 503
        assert answer.text.splitlines() == [
            f"mirror {each}: the first comparison of everything is not through"
            for each in ("docs", "wiki")
        ]
        compared(web.daemon)
        answer = await web.get("/readyz")
        assert (answer.status_code, answer.text) == (200, "ready\n")


async def test_not_ready_while_halted_held_or_away(tmp_path: Path) -> None:
    async with asked(tmp_path, web=", unready_after: 500ms") as web:
        compared(web.daemon)
        docs, wiki = (web.daemon.controllers[name] for name in ("docs", "wiki"))
        assert await web.reasons() == []

        docs.become(Phase.HALTED, why=WRONG_KEY)
        (reason,) = await web.reasons()
        assert (reason["cause"], reason["mirror"], reason["code"]) == (
            "halted",
            "docs",
            WRONG_KEY.code,
        )
        docs.become(Phase.WATCHING, why=None)

        wiki.become(Phase.WATCHING, held="1234abcd", why=HELD)
        (reason,) = await web.reasons()
        assert (reason["cause"], reason["mirror"]) == ("held", "wiki")
        assert reason["commands"] == [HELD.commands[0]]
        wiki.become(Phase.WATCHING, held=None, why=None)

        docs.become(Phase.UNREACHABLE, why=AWAY)
        assert await web.reasons() == []  # not for long yet
        await until(lambda: web.daemon.said("outage begins"))
        found: list[Mapping[str, object]] = []
        while not found:
            found = await web.reasons()
        assert (found[0]["cause"], found[0]["mirror"]) == ("server_away", "docs")
        assert "http://server" in (await web.get("/readyz")).text
        docs.become(Phase.WATCHING, why=None)
        while await web.reasons():
            pass


async def test_not_ready_while_calls_in_flight_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with asked(tmp_path) as web:
        compared(web.daemon)
        docs = web.daemon.controllers["docs"]
        with monkeypatch.context() as patch:
            patch.setattr(docs, "stop", lambda: None)  # it has a call in flight
            web.daemon.stop()
            await until(lambda: web.daemon.said("stopping"))
            (reason,) = await web.reasons()
            assert (reason["cause"], reason["mirror"]) == ("stopping", None)
            assert (await web.get("/healthz")).status_code == 200
        docs.stop()


async def test_a_lost_ledger_halts_every_mirror(tmp_path: Path) -> None:
    async with asked(tmp_path) as web:
        compared(web.daemon)
        assert await web.reasons() == []
        copy = tmp_path / "copy.db"
        assert await web.daemon.type("ledger", "backup", str(copy)) == 0
        shutil.rmtree(tmp_path / "state")
        await until(lambda: web.daemon.said("ledger lost"))
        assert [each["cause"] for each in await web.reasons()] == ["halted", "halted"]
        await until(lambda: web.daemon.stands)
        copy.rename(tmp_path / "state" / "ledger.db")
        await until(lambda: len(web.daemon.said("web listens")) == 2)  # the daemon began anew


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:9464", 200),
        ("localhost", 200),
        ("[::1]:80", 200),
        ("10.1.2.3", 200),
        ("known.example:9464", 200),
        ("KNOWN.example", 200),
        ("rebound.example", 421),
        ("127.0.0.1.rebound.example", 421),
        ("", 421),
    ],
)
async def test_only_known_hosts_are_answered(tmp_path: Path, host: str, status: int) -> None:
    async with asked(tmp_path, web=", hosts: [known.example]") as web:
        for path in ("/healthz", "/nothing"):
            answer = await web.get(path, host=host)
            expected = 404 if (path, status) == ("/nothing", 200) else status
            assert answer.status_code == expected


async def test_the_token_is_asked_for_but_by_health(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    async with asked(tmp_path, web=", token_file: ./token, unready_after: 0s") as web:
        compared(web.daemon)
        wiki = web.daemon.controllers["wiki"]
        wiki.become(Phase.HALTED, why=AWAY)
        assert (await web.get("/healthz")).status_code == 200
        (reason,) = await web.reasons()
        assert reason == {"cause": "halted", "mirror": "wiki", "code": AWAY.code}
        assert "http://server" not in (await web.get("/readyz")).text
        (reason,) = await web.reasons(authorization=f"Bearer {TOKEN}")
        assert "http://server" in str(reason["text"])
        for wrong in ({}, {"authorization": "Bearer no"}, {"authorization": f"Basic {TOKEN}"}):
            answer = await web.get("/other", **wrong)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == "Bearer"
        right = {"authorization": f"Bearer {TOKEN}", "host": "any.example"}
        assert (await web.get("/other", **right)).status_code == 404
        (tmp_path / "token").write_text("another-token-0123456789")  # replaced: at once in force
        assert (await web.get("/other", **right)).status_code == 421


async def test_only_reads_are_answered(tmp_path: Path) -> None:
    async with asked(tmp_path) as web:
        answer = await web._http.post(web.url + "/healthz")
        assert answer.status_code == 405


async def test_a_taken_address_keeps_nothing_from_being_synced(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        configure(tmp_path, mirror("docs"), more=f'web: {{listen: "127.0.0.1:{port}"}}\n')
        async with running(tmp_path) as daemon:
            await until(lambda: daemon.said("no web"))
            (said,) = daemon.said("no web")
            assert (said["code"], said["level"]) == (say.CANNOT_LISTEN.code, "warning")
            assert str(port) in said["why"]
            assert daemon.controllers["docs"].running


async def test_it_comes_and_goes_with_the_configuration(tmp_path: Path) -> None:
    configure(tmp_path, mirror("docs"))
    async with running(tmp_path) as daemon, httpx.AsyncClient() as http:
        configure(tmp_path, mirror("docs"), more='web: {listen: "127.0.0.1:0"}\n')
        await until(lambda: daemon.said("web listens"))
        url = daemon.said("web listens")[0]["url"]
        assert (await http.get(f"{url}/healthz")).status_code == 200
        configure(tmp_path, mirror("docs"))
        await until(lambda: len(daemon.said("reloaded")) == 2)

        def gone() -> bool:
            with socket.socket() as line:
                return line.connect_ex(("127.0.0.1", int(url.rpartition(":")[2]))) != 0

        await until(gone)


async def test_without_the_packages_it_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(tmp_path, mirror("docs"))
    async with running(tmp_path) as daemon:
        monkeypatch.setattr(web_token, "not_installed", lambda packages: ("uvicorn",))
        configure(tmp_path, mirror("docs"), more="web: {}\n")
        await until(lambda: daemon.said("configuration refused"))
        (said,) = daemon.said("configuration refused")
        assert said["code"] == config_say.WEB_EXTRA.code
        assert "kbsync.yaml:4: web: " in said["why"]
        assert "[web]" in said["next"] or "prometheus-client" in said["next"]
    with pytest.raises(Problem) as refused:
        await run(build.settings_of(tmp_path / "kbsync.yaml"), SystemdNotifier({}))
    assert refused.value.notice.message is config_say.WEB_EXTRA
