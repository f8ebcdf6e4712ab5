"""A ledger that goes away under the daemon: it is said, nothing is written, and it begins anew."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from daemon_running import Running, configure, mirror, running, until

from kbsync.service import daemon as daemon_module

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def _in_a_hurry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daemon_module, "LOOK", 0.02)
    configure(tmp_path, mirror("docs"))


def remove(state: Path) -> None:
    for each in state.glob("ledger.db*"):
        each.unlink()


def halted(live: object) -> object:
    shown = live["mirrors"]["docs"]  # type: ignore[index]
    return shown["phase"], shown["why"] and shown["why"]["code"]


async def backed_up(daemon: Running) -> Path:
    """Return a copy of the ledger as it is now."""
    copy = daemon.folder / "copy.db"
    assert await daemon.type("ledger", "backup", str(copy)) == 0
    return copy


@pytest.mark.parametrize("happens", [remove, shutil.rmtree])
async def test_a_removed_ledger_halts_until_a_copy_is_put_back(
    tmp_path: Path, happens: Callable[[Path], None], capsys: pytest.CaptureFixture[str]
) -> None:
    async with running(tmp_path) as daemon:
        copy = await backed_up(daemon)
        first = daemon.controllers["docs"]
        happens(tmp_path / "state")
        await until(lambda: daemon.said("ledger lost"))
        await until(lambda: daemon.stands)
        assert halted(await daemon.live()) == ("halted", "KB-L193")
        capsys.readouterr()
        # A second writer finds the daemon, and makes no ledger beside it.
        assert await daemon.type("apply") == 1
        assert await daemon.type("pause") == 1
        assert capsys.readouterr().err.count("KB-L193") == 2
        assert not (tmp_path / "state" / "ledger.db").exists()
        assert await daemon.type("status", "--running") == 4
        assert "KB-L193" in capsys.readouterr().out
        shutil.copyfile(copy, tmp_path / "state" / "ledger.db")
        await until(lambda: len(daemon.said("starting")) == 2 and daemon.stands)
        assert daemon.controllers["docs"] is not first
        assert await daemon.type("plan") == 0
        assert len(daemon.said("ledger lost")) == 1


async def test_what_was_remembered_is_dropped_with_the_ledger(tmp_path: Path) -> None:
    """A restored older copy counts, not what was known since."""
    async with running(tmp_path) as daemon:
        copy = await backed_up(daemon)
        assert await daemon.type("pause") == 0
        copy.rename(tmp_path / "state" / "ledger.db")
        await until(lambda: len(daemon.said("starting")) == 2 and daemon.stands)
        assert not daemon.controllers["docs"].paused
        assert daemon.said("ledger lost")[0]["code"] == "KB-L194"


async def test_an_overwritten_ledger_waits_for_a_restart(tmp_path: Path) -> None:
    async def overwritten() -> None:
        async with running(tmp_path) as daemon:
            copy = await backed_up(daemon)
            (tmp_path / "state" / "ledger.db").write_bytes(copy.read_bytes())
            await until(lambda: daemon.said("ledger lost"))
            assert halted(await daemon.live()) == ("halted", "KB-L195")
            assert not (tmp_path / "state" / "ledger.db-wal").exists()
            assert await daemon.type("apply") == 1

    with pytest.raises(ExceptionGroup) as ended:
        await overwritten()
    assert "KB-L195" in str(ended.value.exceptions[0]), "its end says so too"


async def test_a_log_that_is_removed_loses_nothing(tmp_path: Path) -> None:
    async with running(tmp_path) as daemon:
        assert await daemon.type("pause") == 0
        (tmp_path / "state" / "ledger.db-wal").unlink()
        await until(lambda: len(daemon.said("starting")) == 2 and daemon.stands)
        assert daemon.controllers["docs"].paused


async def test_a_socket_that_is_removed_is_made_anew(tmp_path: Path) -> None:
    async with running(tmp_path) as daemon:
        socket = tmp_path / "state" / "ledger.db.sock"
        socket.unlink()
        await until(lambda: daemon.stands)
        assert (await daemon.live())["pid"] == os.getpid()
    assert not socket.exists()
