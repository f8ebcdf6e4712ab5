"""What a pass needs of this machine: what the table of mishaps cannot bring about."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kbsync.cli import machine
from kbsync.cli import obey as run
from kbsync.ledger import LedgerStore
from kbsync.ledger.location import find_location
from kbsync.messages import command as say
from kbsync.messages import doctor, ledger
from kbsync.service import control_client

TABLE = "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n30 22 0:40 / {point} rw - {kind} server:/x rw\n"
CONFIGURATION = """\
version: 1
server: {url: embedded}
ledger: ./state/deep/ledger.db
mirrors:
  - {name: docs, source: ./docs, knowledge_base: Docs}
"""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("docs").mkdir()
    Path("kbsync.yaml").write_text(CONFIGURATION)


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "smb3", "fuse.sshfs", "9p", "virtiofs"])
def test_a_ledger_on_a_network(tmp_path: Path, kind: str) -> None:
    location = find_location(tmp_path / "ledger.db")
    (said,) = machine.on_a_network(location, TABLE.format(point=tmp_path, kind=kind))
    assert said.message is doctor.NETWORK_LEDGER
    assert kind in said.text
    assert not list(machine.on_a_network(location, TABLE.format(point=tmp_path, kind="xfs")))


def test_a_warning_is_summed_up(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    network = doctor.NETWORK_LEDGER(place="ledger.db", kind="NFS (nfs4)")
    monkeypatch.setattr(machine, "on_a_network", lambda location: [network])
    assert run(["validate"]) == 0
    assert capsys.readouterr().out.endswith("sound, but for 1 warning\n")


@pytest.mark.parametrize("verb", ["validate", "doctor"])
def test_nothing_stays(verb: str, tmp_path: Path) -> None:
    assert run([verb]) == 0
    assert sorted(os.listdir(tmp_path)) == ["docs", "kbsync.yaml"]
    with LedgerStore.open("state/deep/ledger.db"):
        before = sorted(os.listdir("state/deep"))
        assert run([verb]) == 0
        assert sorted(os.listdir("state/deep")) == before


def test_a_mirror_that_the_daemon_halted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    why = {"text": "the ledger was removed", "code": "KB-L193", "next": ""}
    state = {"phase": "halted", "why": why}
    live = {"pid": 4711, "mirrors": {"docs": state, "wiki": {"phase": "watching", "why": None}}}
    monkeypatch.setattr(control_client, "live", lambda settings: live)
    for verb, code in (("validate", 64), ("doctor", 1)):
        assert run([verb, "--offline"]) == code
        out = capsys.readouterr().out
        assert "KB-D193" in out
        assert "the ledger was removed [KB-L193]" in out
        assert "1 to correct" in out


def test_an_embedded_base_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(machine, "_unwritable", lambda data: "permission denied")
    assert run(["validate", "--offline"]) == 64
    assert say.EMBEDDED_STORE.code in capsys.readouterr().out


def test_a_quota_that_is_used_up_is_no_room(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*words: object, **more: object) -> None:
        raise OSError(122, "Disk quota exceeded")

    monkeypatch.setattr("kbsync.ledger.trial.TemporaryDirectory", full)
    assert run(["validate", "--offline"]) == 64
    out = capsys.readouterr().out
    assert ledger.NO_ROOM.code in out
    assert "Disk quota exceeded" in out
