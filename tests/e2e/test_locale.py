"""The locale decides nothing: names are the disk's bytes read as UTF-8, and output never raises."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from typing_commands import environment

from kbsync.cli import utf8
from kbsync.messages import Problem
from kbsync.messages import command as say

CONFIGURATION = """\
version: 1
server: {url: embedded}
ledger: ./state/ledger.db
mirrors: [{name: docs, source: ./docs, knowledge_base: Docs}]
"""
# Every machine has this one: without the coercion Python takes names as ASCII.
EIGHT_BIT = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}


def typed(folder: Path, *words: str, **locale: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "kbsync", *words]
    return subprocess.run(
        command, check=False, cwd=folder, env=environment(**locale), capture_output=True
    )


def test_names_and_output_are_utf8_under_any_locale(tmp_path: Path) -> None:
    (tmp_path / "kbsync.yaml").write_text(CONFIGURATION)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "Präsentation 日本.md").write_text("x")
    (tmp_path / "docs" / b"caf\xe9.md".decode("utf-8", "surrogateescape")).write_text("x")
    usual = typed(tmp_path, "plan")
    assert "+ Präsentation 日本.md" in usual.stdout.decode()
    odd = typed(tmp_path, "plan", **EIGHT_BIT)
    assert (odd.returncode, odd.stdout) == (usual.returncode, usual.stdout)
    named = typed(tmp_path, "explain", "docs/Präsentation 日本.md", **EIGHT_BIT)
    assert "document name  Präsentation 日本.md" in named.stdout.decode()


def test_output_that_cannot_show_a_letter_is_no_fault(tmp_path: Path) -> None:
    script = "from kbsync.cli import utf8; utf8.insist(); print('ä \\udcff 日')"
    command = [sys.executable, "-c", script]
    env = environment(PYTHONIOENCODING="ascii:strict")
    printed = subprocess.run(command, env=env, capture_output=True, check=True)
    assert printed.stdout == b"\\xe4 \\udcff \\u65e5\n"


def test_a_process_that_cannot_begin_again_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "getfilesystemencoding", lambda: "iso8859-1")
    monkeypatch.setattr(sys, "executable", "")
    with pytest.raises(Problem) as caught:
        utf8.insist()
    assert caught.value.notice.message is say.NAMES_NOT_UTF8
