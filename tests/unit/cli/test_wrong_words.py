"""Words that other tools know are answered with the ones that kbsync knows."""

from pathlib import Path

import pytest

from kbsync.cli import VERBS, cli, obey
from kbsync.cli.wrong_words import OPTIONS, SYNONYMS
from kbsync.messages import command as say


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("sync", "apply"),
        ("push", "apply"),
        ("watch", "run"),
        ("start", "run"),
        ("diff", "plan"),
        ("help", "--help"),
        ("version", "--version"),
        ("aply", "apply"),
        ("valdate", "validate"),
        ("stauts", "status"),
        ("ledger chek", "ledger check"),
        ("kb lst", "kb list"),
    ],
)
def test_the_right_verb_is_named(
    typed: str, meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert obey([*typed.split(), "more"]) == 64
    err = capsys.readouterr().err
    assert err.startswith(f"kbsync: there is no verb {typed}")
    assert f"  next: kbsync {meant}\n" in err


def test_a_word_like_none_gets_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert obey(["qqqq\x1b[2J"]) == 64
    err = capsys.readouterr().err
    assert say.NO_SUCH_VERB.code in err
    assert "plan, apply, run" in err
    assert "next: see what each does with: kbsync --help" in err
    assert "\x1b" not in err


def test_what_is_meant_is_there_and_what_is_typed_is_not() -> None:
    for meant in (*SYNONYMS.values(), *OPTIONS.values()):
        assert meant.split()[0] in {*VERBS, "--help", "--version"}
    assert not SYNONYMS.keys() & VERBS.keys()


def test_a_dry_run_is_a_plan(capsys: pytest.CaptureFixture[str]) -> None:
    assert obey(["apply", "--dry-run"]) == 64
    assert "next: kbsync plan\n" in capsys.readouterr().err


def test_any_other_option_is_answered_as_ever(capsys: pytest.CaptureFixture[str]) -> None:
    assert obey(["plan", "--jsn"]) == 64
    assert "--json" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ["-c", "my file.yaml", "apply", "--no-wait"],
        ["apply", "-c", "my file.yaml", "--no-wait"],
        ["apply", "--no-wait", "--config=my file.yaml"],
        ["apply", "--no-wait", "-cmy file.yaml"],
    ],
)
def test_the_configuration_is_named_before_the_verb_or_behind(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert obey(words) == 64
    assert "next: make it with: kbsync -c 'my file.yaml' init" in capsys.readouterr().err


def test_a_search_takes_short_options_only_by_themselves(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert obey(["search", "-h"]) == 0
    assert "QUERY" in capsys.readouterr().out
    # Words that begin with a dash and hold an h or a c.
    assert obey(["search", "- each of the"]) == 64
    assert (
        "there is no configuration; it was looked for at kbsync.yaml, " in capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("typed", "completed"),
    [("kbsync sta", ["status"]), ("kbsync plan d", ["docs", "drafts"]), ("kbsync kb li", ["list"])],
)
def test_a_shell_completes_verbs_and_mirrors(
    typed: str,
    completed: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("kbsync.yaml").write_text("mirrors: [{name: docs}, {name: drafts}, {name: x}, 7, {}]\n")
    monkeypatch.setenv("_KBSYNC_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", typed)
    monkeypatch.setenv("COMP_CWORD", str(len(typed.split()) - 1))
    with pytest.raises(SystemExit):
        cli.main([], prog_name="kbsync")
    assert capsys.readouterr().out.split() == [f"plain,{each}" for each in completed]


@pytest.mark.parametrize("text", ["", "[", "mirrors: 7", "a: &a [*a]", "\xff"])
def test_a_file_that_cannot_be_used_completes_nothing(
    text: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("kbsync.yaml").write_bytes(text.encode("latin-1"))
    monkeypatch.setenv("_KBSYNC_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "kbsync plan d")
    monkeypatch.setenv("COMP_CWORD", "2")
    with pytest.raises(SystemExit):
        cli.main([], prog_name="kbsync")
    assert capsys.readouterr().out == "file,d\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_script(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert obey(["completion", shell]) == 0
    printed = capsys.readouterr().out
    assert f"_KBSYNC_COMPLETE={shell}_complete" in printed
