"""A configuration that cannot be used: the daemon that works with the one before can be asked."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from daemon_running import configure, mirror, running, typed

from kbsync.config.place import known_place

pytestmark = pytest.mark.anyio

BROKEN = {
    "an unknown key": ("mirrors:", "oops: 1\nmirrors:"),
    "no YAML": ("mirrors:", "oops: [\nmirrors:"),
    "a tab": ("mirrors:", "\toops: 1\nmirrors:"),
    "a key that is not set": (
        "{url: embedded}",
        '{url: "http://127.0.0.1:9/v1", api_key: "${X_}"}',
    ),
    "no version": ("version: 1\n", ""),
}


def break_it(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


@pytest.mark.parametrize("broken", BROKEN)
async def test_what_needs_the_daemon_alone_works(
    tmp_path: Path, broken: str, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(tmp_path, mirror("docs"))
    async with running(tmp_path) as daemon:
        break_it(tmp_path / "kbsync.yaml", *BROKEN[broken])
        assert await daemon.type("status", "--running") == 0
        assert f"process {os.getpid()}" in capsys.readouterr().out
        assert await daemon.type("pause") == 0
        assert daemon.controllers["docs"].paused
        assert "KB-C0" in capsys.readouterr().err, "it is said all the same"
        assert await daemon.type("resume", "docs") == 0
        assert await daemon.type("reload") == 64
        assert await daemon.type("status") == 64
        assert f"process {os.getpid()}" in capsys.readouterr().out
        assert await daemon.type("plan") == 64
    assert await typed(tmp_path, "status", "--running") == 64
    assert await typed(tmp_path, "pause") == 64


def test_where_the_ledger_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "kbsync.yaml"
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    found = {}
    for text in (
        "mirrors: [",
        "ledger: [\n",
        'ledger: "${NOT_SET}"\n',
        'ledger: "${SET}/l.db"\n',
        "ledger: ./state/ledger.db\n\toops\n",
        "ledger: postgresql://kbsync@/kbsync\nmirrors: [",
        "",
    ):
        file.write_text(text)
        place = known_place(file, {"SET": str(tmp_path)})
        found[text.partition("\n")[0]] = place and (place.ledger.path or place.ledger.url)
    default = found.pop("mirrors: [")
    assert str(default).startswith(f"{tmp_path}/kbsync/kbsync-")
    assert list(found.values()) == [
        None,
        None,
        tmp_path / "l.db",
        tmp_path / "state" / "ledger.db",
        "postgresql+psycopg://kbsync@/kbsync",
        None,
    ]
    assert known_place(tmp_path / "none.yaml", {}) is None
