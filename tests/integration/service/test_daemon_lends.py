"""The embedded knowledge base answers verbs while a daemon has it open."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from daemon_running import configure, mirror, running, until

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    configure(tmp_path, mirror("docs"))
    (tmp_path / "docs" / "foxes.md").write_text("the quick brown fox\n")
    return tmp_path / "kbsync.yaml"


def edit(file: Path, old: str, new: str) -> None:
    file.write_text(file.read_text().replace(old, new))


def is_gone(file: Path) -> bool:
    return not os.path.lexists(file)


async def test_verbs_that_call_the_server_are_answered(
    tmp_path: Path, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with running(tmp_path) as daemon:
        assert await daemon.type("apply") == 0
        capsys.readouterr()
        assert await daemon.type("search", "--json", "fox") == 0
        found = json.loads(capsys.readouterr().out)["results"]
        assert [each["path"] for each in found] == ["foxes.md"]
        assert await daemon.type("kb", "list", "--json") == 0
        assert [each["name"] for each in json.loads(capsys.readouterr().out)["rows"]] == ["Docs"]
        assert await daemon.type("docs", "list", "Docs", "--json") == 0
        assert [each["name"] for each in json.loads(capsys.readouterr().out)["rows"]] == [
            "foxes.md"
        ]
        assert await daemon.type("verify") == 0
        assert await daemon.type("doctor") == 0
        assert await daemon.type("export", "Docs", str(tmp_path / "out")) == 0
    assert (tmp_path / "out" / "foxes.md").read_text() == "the quick brown fox\n"


async def test_the_socket_is_its_users_alone_and_goes_with_the_daemon(
    tmp_path: Path, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lent = tmp_path / "state" / "knowledge.db.sock"
    async with running(tmp_path) as daemon:
        await until(lent.exists)
        assert stat.S_IMODE(lent.stat().st_mode) == 0o600
        assert await daemon.type("kb", "list") == 0
    assert is_gone(lent)
    # What a dead daemon left behind leads to no knowledge base: the verb opens it itself.
    lent.symlink_to(tmp_path / "nowhere")
    async with running(tmp_path) as daemon:
        assert await daemon.type("kb", "list") == 0


async def test_a_socket_that_cannot_be_made_is_logged_and_the_mirrors_go_on(
    tmp_path: Path, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "state" / "knowledge.db.sock").mkdir(parents=True)
    async with running(tmp_path) as daemon:
        await until(lambda: daemon.said("not lent"))
        assert daemon.said("not lent")[0]["code"] == "KB-K340"
        assert await daemon.type("plan") == 2
        assert await daemon.type("kb", "list") == 5
        assert "KB-V023" in capsys.readouterr().err


async def test_a_path_that_is_too_long_for_a_socket_is_the_cause(
    tmp_path: Path, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "run").mkdir(mode=0o700)
    (tmp_path / "run" / "kbsync").write_text("a file")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    edit(config, "url: embedded", f"url: embedded, embedded: {{data: ./{'long/' * 20}b.db}}")
    async with running(tmp_path) as daemon:
        await until(lambda: daemon.said("not lent"))
        said = daemon.said("not lent")[0]
        assert said["code"] == "KB-K391"
        assert "give `data` of `embedded` a shorter path" in said["next"]


async def test_a_server_that_leaves_the_configuration_is_lent_no_longer(
    tmp_path: Path, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lent = tmp_path / "state" / "knowledge.db.sock"
    async with running(tmp_path) as daemon:
        assert await daemon.type("kb", "list") == 0
        edit(config, "url: embedded", "url: embedded, embedded: {data: other.db}")
        assert await daemon.type("reload") == 0
        await until((tmp_path / "other.db.sock").exists)
        assert is_gone(lent)
        assert await daemon.type("kb", "list") == 0
