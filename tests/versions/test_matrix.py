"""The matrix at a small size: the oldest, the first with metadata, the newest."""

from __future__ import annotations

from pathlib import Path

import pytest

from .matrix import Matrix
from .mirrored import mirrored

pytestmark = pytest.mark.timeout(300)


@pytest.mark.parametrize("profile", ["page", "1.1", "1.16"])
def test_both_sides_are_the_same_after_every_step(tmp_path: Path, profile: str) -> None:
    matrix = Matrix(tmp_path, profile, files=20, daemon_for=0.5)
    matrix.place()
    wrong = {step.name: step.wrong for step in matrix.steps() if step.wrong}
    assert not wrong
    assert profile != "page" or not matrix.outside, "the page knows fourteen calls and no other"


def test_updates_of_a_server_that_tells_no_version_stop_no_worker(tmp_path: Path) -> None:
    """Its updates would stop every indexing worker, and nothing says so."""
    quirks = ("--quirk", "wedging-update", "--quirk", "version=", "--workers", "1")
    with mirrored(tmp_path, "1.12", *quirks) as it:
        for number in range(4):
            it.write(f"{number}.md", f"words {number}\n")
        it.type("apply")
        assert "KB-R050" in it.type("validate")
        for number in range(4):
            it.write(f"{number}.md", f"edited {number}\n")
        it.type("apply")
        assert not it.differences()
        assert not it.unfinished()
