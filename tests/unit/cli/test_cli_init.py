"""What init writes can be loaded, and nothing is ever written over or left half done."""

from pathlib import Path

import pytest

from kbsync.cli import obey as run
from kbsync.config import load
from kbsync.messages import command as say


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_file_says_what_was_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--source", "./a folder/$x", "--knowledge-base", "Bücher: 1", "--name", "books")
    assert run(["init", "--url", "https://kb.example.org/v1", *words]) == 0
    settings = load(Path("kbsync.yaml"), {"DIFY_API_KEY": "dataset-x"})
    (mirror,) = settings.mirrors
    assert (mirror.name, mirror.knowledge_base.name) == ("books", "Bücher: 1")
    assert mirror.source == Path.cwd() / "a folder" / "$x"
    assert settings.servers["default"].url == "https://kb.example.org/v1"
    printed = capsys.readouterr().out
    assert "mkdir -p 'a folder/$x'" in printed
    assert "export DIFY_API_KEY" in printed
    assert "kbsync apply" in printed


@pytest.mark.parametrize("words", [["-c", "x/my.yaml", "init"], ["init", "x/my.yaml"]])
def test_a_place_of_its_own(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    Path("x/docs").mkdir(parents=True)
    assert run(words) == 0
    printed = capsys.readouterr().out
    assert "kbsync -c x/my.yaml plan" in printed
    assert "mkdir" not in printed


def test_two_files_in_a_folder_have_a_ledger_each() -> None:
    """One that both used would tie a mirror of the second to what the first one filled."""
    assert run(["init"]) == 0
    assert run(["init", "over TCP.yaml"]) == 0
    usual, other = (load(Path(name), {}) for name in ("kbsync.yaml", "over TCP.yaml"))
    assert usual.ledger.path == Path.cwd() / "state" / "ledger.db"
    assert other.state == Path.cwd() / "state-over-tcp"
    assert other.servers["default"].data == other.state / "knowledge.db"


def test_a_folder_gets_the_usual_name() -> None:
    Path("x").mkdir()
    assert run(["init", "x"]) == 0
    assert Path("x/kbsync.yaml").exists()


def test_an_existing_file_stays(capsys: pytest.CaptureFixture[str]) -> None:
    Path("kbsync.yaml").write_text("mine")
    assert run(["init"]) == 64
    assert Path("kbsync.yaml").read_text() == "mine"
    assert say.FILE_EXISTS.code in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ("--url", "ftp://example.org"),
        ("--name", "no blanks"),
        ("--knowledge-base", "x" * 41),
        ("--knowledge-base", ""),
        ("--source", ""),
    ],
)
def test_a_wrong_option_leaves_no_file(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["init", *words]) == 64
    assert list(Path.cwd().iterdir()) == []
    err = capsys.readouterr().err
    assert "kbsync init --help" in err
    assert "kbsync.yaml:" in err


def test_no_folder_to_write_into(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["init", "no/such/kbsync.yaml"]) == 1
    assert say.CANNOT_WRITE.code in capsys.readouterr().err


def test_a_hostile_name_is_printed_safely(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["init", "a\x1b[2J.yaml"]) == 0
    assert "\x1b" not in capsys.readouterr().out
