"""The configuration changes while the daemon runs: real files, real signals."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from daemon_running import configure, mirror, never, running, until

from kbsync.app import build
from kbsync.engine.control.controller import Phase
from kbsync.messages import Message, Problem
from kbsync.service import config_watch, supervisor
from kbsync.service.daemon import run
from kbsync.service.systemd import SystemdNotifier

pytestmark = pytest.mark.anyio
BROKEN = "version: 1\nserver: {url: embedded}\nmirrors:\n  - {name: docs, colour: red}\n"


def rewrite(config: Path, text: str) -> None:
    config.write_text(text)


def edit(config: Path, old: str, new: str) -> None:
    rewrite(config, config.read_text().replace(old, new, 1))


@pytest.fixture
def config(tmp_path: Path) -> Path:
    configure(tmp_path, mirror("docs"), mirror("wiki"))
    return tmp_path / "kbsync.yaml"


async def test_mirrors_come_change_and_go(tmp_path: Path, config: Path) -> None:
    async with running(tmp_path) as daemon:
        docs, wiki = daemon.controllers["docs"], daemon.controllers["wiki"]
        configure(tmp_path, mirror("blog"), mirror("docs"), mirror("wiki", ", prune: false"))
        await until(lambda: daemon.said("reloaded"))
        (said,) = daemon.said("reloaded")
        assert (said["new"], said["changed"], said.get("gone")) == (["blog"], ["wiki"], None)
        await until(lambda: len(daemon.controllers) == 3)
        assert daemon.controllers["docs"] is docs
        assert daemon.controllers["wiki"] is not wiki
        assert not wiki.running
        assert list((await daemon.live())["mirrors"]) == ["blog", "docs", "wiki"]  # type: ignore[call-overload]

        configure(tmp_path, mirror("docs"))
        await until(lambda: len(daemon.said("reloaded")) == 2)
        assert daemon.said("reloaded")[1]["gone"] == ["blog", "wiki"]
        assert list(daemon.controllers) == ["docs"]
        assert daemon.controllers["docs"] is docs


async def test_what_cannot_be_used_is_refused(tmp_path: Path, config: Path) -> None:
    async with running(tmp_path) as daemon:
        before = daemon.controllers
        rewrite(config, BROKEN)
        await until(lambda: daemon.said("configuration refused"))
        assert daemon.said("configuration refused")[0]["level"] == "error"
        refused = (await daemon.live())["refused"]
        assert isinstance(refused, dict)
        assert refused["code"] == daemon.said("configuration refused")[0]["code"]
        assert daemon.controllers == before
        os.unlink(config)  # noqa: PTH108
        os.kill(os.getpid(), signal.SIGHUP)
        await until(lambda: len(daemon.said("configuration refused")) == 2)
        assert daemon.said("configuration refused")[1]["code"] == "KB-C001"
        configure(tmp_path, mirror("docs"), mirror("wiki"))
        await until(lambda: daemon.said("reloaded"))
        assert (await daemon.live())["refused"] is None
        assert daemon.controllers == before


async def test_a_signal_has_it_read_again(tmp_path: Path, config: Path) -> None:
    async with running(tmp_path) as daemon:
        before = daemon.controllers
        os.kill(os.getpid(), signal.SIGHUP)
        await until(lambda: daemon.said("reloaded"))
        assert daemon.controllers == before


async def test_a_verb_reads_it_first(
    tmp_path: Path, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with running(tmp_path) as daemon:
        daemon.made.clear()
        configure(tmp_path, mirror("docs"), mirror("blog"))
        assert await daemon.type("plan", "blog") == 0
        assert [each.declared.name for each in daemon.made] == ["blog"]
        assert await daemon.type("reload") == 0
        assert capsys.readouterr().out.endswith("reloaded: 2 mirrors\n")


async def test_another_ledger_needs_a_restart(
    tmp_path: Path, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with running(tmp_path) as daemon:
        edit(config, "ledger.db", "other.db")
        os.kill(os.getpid(), signal.SIGHUP)
        await until(lambda: daemon.said("configuration refused"))
        assert daemon.said("configuration refused")[0]["code"] == "KB-K020"


async def test_a_server_that_cannot_be_opened_halts_its_mirrors_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "RETRY", 0.01)
    here, there = f"{mirror('docs')}, server: here", f"{mirror('wiki')}, server: there"
    configure(tmp_path, here, there)
    config = tmp_path / "kbsync.yaml"
    servers = "servers: {here: {url: embedded}, there: {url: embedded, embedded: {data: no.db}}}"
    text = config.read_text().replace("server: {url: embedded}", servers, 1)
    config.write_text(text)
    (tmp_path / "no.db").write_text("no database")
    monkeypatch.setattr(
        "daemon_running.Running.stands", property(lambda self: bool(self.controllers))
    )
    async with running(tmp_path) as daemon:
        await until(lambda: daemon.said("halted"))
        assert daemon.said("halted")[0]["mirror"] == "wiki"
        assert daemon.said("halted")[0]["code"] == "KB-V023"
        mirrors = (await daemon.live())["mirrors"]
        assert isinstance(mirrors, dict)
        assert [mirrors[name]["phase"] for name in ("docs", "wiki")] == ["watching", "halted"]
        assert await daemon.type("plan", "wiki") == 5
        (tmp_path / "no.db").unlink()
        await until(lambda: "wiki" in daemon.controllers)
        assert len(daemon.said("halted")) == 1
        assert await daemon.type("plan", "wiki") == 0


async def test_a_changed_server_begins_its_mirrors_anew(tmp_path: Path, config: Path) -> None:
    async with running(tmp_path) as daemon:
        before = daemon.controllers
        edit(config, "url: embedded", "url: embedded, timeout: 9s")
        await until(lambda: daemon.said("reloaded"))
        await until(lambda: len(daemon.controllers) == 2)
        assert daemon.said("reloaded")[0]["changed"] == ["docs", "wiki"]
        assert all(
            daemon.controllers[name] is not controller for name, controller in before.items()
        )
        assert await daemon.type("plan") == 0


async def test_a_start_fails_for_a_server_that_is_declared_wrongly(tmp_path: Path) -> None:
    wrong = '{url: "https://127.0.0.1:9/v1", api_key: "dataset-1", ca_file: ./none.pem}'
    configure(tmp_path, mirror("docs"), server=wrong)
    with pytest.raises(Problem) as caught:
        await run(build.settings_of(tmp_path / "kbsync.yaml"), SystemdNotifier({}), force=never)
    assert caught.value.exit == 64


async def test_a_halted_mirror_is_logged_once(tmp_path: Path, config: Path) -> None:
    async with running(tmp_path) as daemon:
        docs = daemon.controllers["docs"]
        why = Message("KB-T001", "a test said so")()
        docs.become(Phase.HALTED, why=why)
        docs.become(Phase.SUSPENDED)
        docs.become(Phase.HALTED)
        docs.become(Phase.WATCHING, why=None)
        docs.become(Phase.UNREACHABLE, why=why)
        docs.become(Phase.WATCHING, why=None, held="ab" * 32)
        docs.become(Phase.WATCHING, held=None)
        events = [each["event"] for each in daemon.log if each.get("mirror") == "docs"]
        assert events == [
            *("halted", "goes on", "outage begins", "outage ends"),
            *("held back", "not held back any more"),
        ]


def test_a_file_counts_as_changed_once_it_rests(tmp_path: Path) -> None:
    file = tmp_path / "kbsync.yaml"
    file.write_text("one")
    check = config_watch.ConfigFileCheck(file)
    assert not check.settled()
    file.write_text("another")
    assert check.changed
    assert not check.settled()  # an editor may be writing it
    file.write_text("another one")
    assert not check.settled()
    assert check.settled()
    check.read()
    assert not check.changed
    assert not check.settled()
    file.unlink()
    assert [check.settled(), check.settled(), check.changed] == [False, False, False]
    os.mkfifo(file)
    assert config_watch.stamp_of(file) is None


def test_a_link_that_leads_elsewhere_is_a_change(tmp_path: Path) -> None:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "kbsync.yaml").write_text("same")
    (tmp_path / "now").symlink_to("one")
    check = config_watch.ConfigFileCheck(tmp_path / "now" / "kbsync.yaml")
    (tmp_path / "then").symlink_to("other")
    (tmp_path / "then").replace(tmp_path / "now")
    assert check.changed
