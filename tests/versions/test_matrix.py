"""The matrix at a small size: the oldest, the first with metadata, the newest."""

from __future__ import annotations

from pathlib import Path

import pytest

from .matrix import Matrix
from .mirrored import mirrored

REFUSED = 5
pytestmark = pytest.mark.timeout(300)


@pytest.mark.parametrize(
    "profile", ["page", pytest.param("1.1", marks=pytest.mark.once_a_change), "1.16"]
)
@pytest.mark.seconds(25)
def test_both_sides_are_the_same_after_every_step(tmp_path: Path, profile: str) -> None:
    matrix = Matrix(tmp_path, profile, files=20, daemon_for=0.5)
    matrix.place()
    wrong = {step.name: step.wrong for step in matrix.steps() if step.wrong}
    assert not wrong
    assert profile != "page" or not matrix.outside, "the page knows fourteen calls and no other"


def test_a_server_that_is_too_old_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    with mirrored(tmp_path, "0.6", "--quirk", "version=0.5.9") as it:
        it.write("a.md", "words\n")
        for verb in ("validate", "plan", "apply"):
            printed = it.type(verb, exits=(REFUSED,))
            assert "KB-R048" in printed
            assert "KB-R049" not in printed, "what is lost on a server that is refused is no matter"
        assert not it.stored()


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
