"""The look for the tests' API key finds it wherever a test leaves it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from canary import KEY, traces
from collecting import ONCE

HERE = Path(__file__).parents[1] / "e2e"
HEAD = f"KEY = {KEY!r}\n"
LEFT = {
    "a file": ("def test(tmp_path):\n    (tmp_path / 'run.log').write_text('x' * 9 + KEY)\n", 1),
    "a shortened key": ("def test(tmp_path):\n    (tmp_path / 'a.db').write_text(KEY[8:])\n", 1),
    "a capture": ("def test(capsys):\n    print(KEY)\n    capsys.readouterr()\n", 1),
    "an output": ("def test():\n    print(KEY)\n", 1),
    "a holder": ("def test(tmp_path):\n    (tmp_path / 'kbsync.yaml').write_text(KEY)\n", 0),
    "nothing": ("def test(tmp_path):\n    (tmp_path / 'run.log').write_text('a dataset')\n", 0),
}


LIKE_OTHERS = ("an output", "a shortened key", "nothing")
CASES = [pytest.param(left, (), marks=[ONCE] * (left in LIKE_OTHERS)) for left in LEFT]


@pytest.mark.parametrize(("left", "workers"), [*CASES, ("a file", ("-n", "2"))])
@pytest.mark.seconds(5)
def test_a_run_that_leaves_the_key_fails_and_says_where(
    tmp_path: Path, left: str, workers: tuple[str, ...]
) -> None:
    text, code = LEFT[left]
    (tmp_path / "test_left.py").write_text(HEAD + text)
    command = [sys.executable, "-m", "pytest", "-p", "canary", "-q", *workers]
    command += ["-p", "no:cacheprovider", "--basetemp", str(tmp_path / "base"), "test_left.py"]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(HERE), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        encoding="utf-8",
        timeout=110,
        check=False,
    )
    shutil.rmtree(tmp_path)  # this run is looked through, too
    assert done.returncode == code, done.stdout + done.stderr
    if code and left != "a capture":
        named = {"a file": "run.log", "a shortened key": "a.db"}.get(left, "test_left.py::test")
        assert named in done.stdout.partition("where no key may stand")[2]


def test_a_key_across_two_blocks_and_behind_a_hole(tmp_path: Path) -> None:
    across, hole = tmp_path / "across", tmp_path / "hole"
    across.write_bytes(b"x" * ((1 << 20) - 5) + KEY.encode())
    with hole.open("wb") as file:
        file.seek(1 << 40)
        file.write(KEY.encode())
    found = traces(tmp_path)
    across.unlink()
    hole.unlink()
    assert sorted(found) == [across, hole]
