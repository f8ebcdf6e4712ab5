"""Every benchmark runs at toy size and prints its table, so that none rots between two releases."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# What each is run with, and how lines of its table begin.
TOY = {
    "freshness": (
        ["20", "2", "--grace", "1", "--rest", "2"],
        ["20 files mirrored", "edited: 2", "new: 2", "gone: 1", "one edit, then 2 s: {'"],
    ),
    "ledger": (["200"], ["200 entries", "rows, no listing", "commits of 10 ", "open and close"]),
    "noop": (
        ["200", "--rounds", "1"],
        ["200 files in 2 folders", "kbsync apply --no-refresh", "kbsync --version"],
    ),
    "scan": (["200", "5"], ["200 files in 5 folders", "scan with filters", "look", "memory"]),
    "transport": (["4"], ["4 uploads of 4096 bytes", "client on httpx", "bare httpx", "floor"]),
}


@pytest.mark.parametrize("name", TOY)
@pytest.mark.seconds(10)
def test_a_benchmark_prints_its_table(name: str, tmp_path: Path) -> None:
    words, expected = TOY[name]
    command = [sys.executable, str(ROOT / "benchmarks" / f"{name}.py"), *words]
    ran = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=110, check=False
    )
    assert ran.returncode == 0, ran.stderr
    lines = [line.strip() for line in ran.stdout.splitlines()]
    missing = [start for start in expected if not any(each.startswith(start) for each in lines)]
    assert not missing, ran.stdout


def test_no_benchmark_is_left_out() -> None:
    assert {path.stem for path in (ROOT / "benchmarks").glob("*.py")} == TOY.keys()
