"""Where a configuration is looked for that nobody names: here, the user's, then the machine's."""

from __future__ import annotations

from pathlib import Path

import pytest

from kbsync.cli import obey, usual_places
from kbsync.cli.command_line import CliContext
from kbsync.messages import Problem
from kbsync.messages import config as say

CONFIGURATION = (
    "version: 1\nserver: {url: embedded}\nmirrors: [{name: %s, source: ., knowledge_base: A}]\n"
)


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path, Path]:
    """The three places, none of which has a file; the first is relative."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.delenv("KBSYNC_CONFIG", raising=False)
    machine = tmp_path / "etc" / "kbsync.yaml"
    monkeypatch.setattr(usual_places, "MACHINE", machine)
    return Path("kbsync.yaml"), tmp_path / ".config" / "kbsync" / "kbsync.yaml", machine


def write(file: Path, mirror: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(CONFIGURATION % mirror)


def test_the_first_that_is_there_counts(
    places: tuple[Path, Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    for place, name in zip(reversed(places), ("machine", "user", "here"), strict=True):
        write(place, name)
        assert CliContext(None).config == place
        assert obey(["status"]) == 0
        assert capsys.readouterr().out.startswith(f"{name}: nothing yet")


def test_the_user_may_keep_it_elsewhere(
    places: tuple[Path, Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "mine"))
    write(tmp_path / "mine" / "kbsync" / "kbsync.yaml", "docs")
    assert CliContext(None).config == tmp_path / "mine" / "kbsync" / "kbsync.yaml"


def test_a_link_to_nowhere_is_not_passed_over(places: tuple[Path, Path, Path]) -> None:
    write(places[1], "docs")
    places[0].symlink_to("gone")
    assert CliContext(None).config == places[0]


def test_one_that_is_named_is_the_only_one(
    places: tuple[Path, Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    write(places[1], "docs")
    assert obey(["-c", "kbsync.yaml", "status"]) == 64
    assert say.FILE_MISSING.code in capsys.readouterr().err


def test_each_place_is_named_where_none_has_one(places: tuple[Path, Path, Path]) -> None:
    with pytest.raises(Problem) as caught:
        CliContext(None).config  # noqa: B018
    assert caught.value.notice.message is say.FILE_NOWHERE
    # One of a user's is named as a person types it.
    assert "kbsync.yaml, ~/.config/kbsync/kbsync.yaml, ~/etc/kbsync.yaml" in str(caught.value)


def test_without_a_home_there_are_two(
    places: tuple[Path, Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def homeless(*words: object, **more: object) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr("platformdirs.user_config_path", homeless)
    assert usual_places.usual_places() == (places[0], places[2])


def test_init_writes_here_whatever_is_elsewhere(
    places: tuple[Path, Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    write(places[1], "docs")
    assert obey(["init", "--name", "fresh"]) == 0
    assert 'name: "fresh"' in places[0].read_text()
    # It counts from now on: no command that is printed has to name it.
    assert "kbsync validate" in capsys.readouterr().out
