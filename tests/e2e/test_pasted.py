"""What is said next is pasted into a shell as it is printed, with the names of hostile files."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from typing_commands import COMMAND, Terminal, environment, served

pytestmark = pytest.mark.timeout(300)

NAMES = (
    "--all.mp3",
    "it's   a note.mp3",
    "my ~ $HOME plan (v2) & co.mp3",
    "x $(touch made).mp3",
    "a\n;touch made;\x1b'.mp3",
)
CONFIGURATION = """\
version: 1
server: {{url: "{url}", api_key_env: DIFY_API_KEY}}
ledger: ./ledger.db
mirrors:
  - {{name: docs, source: ./docs, knowledge_base: Docs, extensions: [mp3]}}
"""


def pasted(folder: Path, command: str) -> subprocess.CompletedProcess[bytes]:
    path = f"{COMMAND.parent}:{os.environ['PATH']}"
    env = environment(PATH=path)
    return subprocess.run(
        ["bash", "-c", os.fsencode(command)], cwd=folder, env=env, capture_output=True, check=False
    )


def test_each_retry_is_of_the_file_it_stands_under(tmp_path: Path) -> None:
    with served(tmp_path) as url:
        (tmp_path / "docs").mkdir()
        (tmp_path / "my $conf.yaml").write_text(CONFIGURATION.format(url=url))
        for name in NAMES:
            (tmp_path / "docs" / name).write_text("la la la")
        terminal = Terminal(tmp_path)
        printed = terminal.type("-c", "my $conf.yaml", "apply", exit=3)
        commands = re.findall(r"next: .*?(kbsync -c .*)", printed)
        assert len(commands) == len(NAMES)
        before = sorted(tmp_path.iterdir())
        for command in commands:
            done = pasted(tmp_path, command)
            # Refused again, and that alone: one line for one file.
            assert done.returncode == 3, (command, done.stderr)
            assert done.stdout.count(b"failed: ") == 1, (command, done.stdout)
            assert command.encode() in done.stdout
        assert sorted(tmp_path.iterdir()) == before
