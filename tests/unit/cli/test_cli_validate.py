"""validate: one line per finding, exit code 0, 64 or 5, and nothing changed."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from kbsync.cli import obey as run
from kbsync.messages import config as messages

SOUND = """\
version: 1
server: {url: embedded}
ledger: ./state/ledger.db
mirrors:
  - {name: docs, source: ./docs, knowledge_base: Docs}
"""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("docs").mkdir()
    Path("kbsync.yaml").write_text(SOUND)


def test_sound(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["validate"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["ok", "ok", "sound"]
    assert sorted(path.name for path in Path.cwd().iterdir()) == ["docs", "kbsync.yaml"]


def test_offline_asks_no_server(capsys: pytest.CaptureFixture[str]) -> None:
    Path("kbsync.yaml").write_text(SOUND.replace("embedded", "'http://127.0.0.1:1/v1', api_key: k"))
    assert run(["validate", "--offline"]) == 0
    assert run(["validate"]) == 5
    capsys.readouterr()


def test_every_error_is_a_finding(capsys: pytest.CaptureFixture[str]) -> None:
    Path("kbsync.yaml").write_text(SOUND.replace("name: docs", "nme: docs").replace("1", "2", 1))
    assert run(["validate", "--json"]) == 64
    printed = json.loads(capsys.readouterr().out)
    assert printed["sound"] is False
    assert {each["level"] for each in printed["findings"]} == {"error"}
    codes = {each["code"] for each in printed["findings"]}
    assert {messages.VERSION_OTHER.code, messages.KEY_MISSING.code} <= codes
    assert all(each["next"].endswith(each["commands"][-1]) for each in printed["findings"])


def test_a_warning_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    Path("kbsync.yaml").write_text(SOUND.replace("./state", "./docs"))
    assert run(["validate", "--offline", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["sound"] is True
    assert {each["level"] for each in printed["findings"]} == {"warning"}


def test_a_missing_folder(capsys: pytest.CaptureFixture[str]) -> None:
    Path("docs").rmdir()
    assert run(["validate", "--offline"]) == 64
    out = capsys.readouterr().out
    assert messages.SOURCE_MISSING.code in out
    assert out.endswith("1 to correct\n")


def test_the_next_step_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    Path("kbsync.yaml").write_text("version: 2\nserver: {url: x}\nmirrors: []\n")
    assert run(["validate"]) == 64
    printed = capsys.readouterr().out
    assert printed.count("next: ") == 1
    # It is not the command alone that was just typed.
    assert "kbsync schema --example shows what each key takes" in printed


def test_what_is_hidden_in_a_line_can_be_seen(capsys: pytest.CaptureFixture[str]) -> None:
    Path("kbsync.yaml").write_text("version: 1\nserver:\n\turl: embedded\n")
    assert run(["validate"]) == 64
    shown = re.search(r"sed -n .*?(?=,)", capsys.readouterr().out)
    assert shown
    printed = subprocess.run(["bash", "-c", shown[0]], capture_output=True, check=True, text=True)
    assert printed.stdout == "\\turl: embedded$\n"
