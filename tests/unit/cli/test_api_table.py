"""The tables of calls as commands: what they take, what they ask before, what they load."""

import io
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from kbsync.cli import VERBS
from kbsync.cli import obey as run
from kbsync.cli.api import chunks, documents, knowledge_bases
from kbsync.cli.api.api_verb import ApiVerb, Arguments
from kbsync.messages import command as say

TABLES = {"kb": knowledge_bases.VERBS, "docs": documents.VERBS, "chunks": chunks.VERBS}
CALLS = [(name, verb) for name, verbs in TABLES.items() for verb in verbs]
SLOW = ("httpx", "pydantic", "sqlalchemy", "structlog", "rich", "starlette", "anyio", "yaml")


@pytest.mark.parametrize("name", TABLES)
def test_no_verb_stands_twice(name: str) -> None:
    verbs = [each.verb for each in TABLES[name]]
    assert sorted(verbs) == sorted(set(verbs))


@pytest.mark.parametrize(("name", "verb"), CALLS, ids=[f"{n}-{v.verb}" for n, v in CALLS])
def test_every_call(name: str, verb: ApiVerb, capsys: pytest.CaptureFixture[str]) -> None:
    assert verb.help.endswith(".")
    taken = {parameter.name for parameter in verb.parameters}
    for template in (verb.done, verb.destroys):
        assert set(re.findall(r"{(\w+)}", template)) <= taken
    # Whatever deletes asks, and nothing else does.
    assert bool(verb.destroys) == verb.verb.startswith("delete")
    assert run([name, verb.verb, "--help"]) == 0
    printed = capsys.readouterr().out
    assert "--json" in printed
    assert "--server" in printed
    assert ("--yes" in printed) == bool(verb.destroys)


@pytest.mark.parametrize("words", [["--version"], ["--help"], *([v, "--help"] for v in VERBS)])
def test_help_loads_nothing_heavy(words: list[str]) -> None:
    program = (
        "import sys\nfrom kbsync.cli import obey as run\n"
        f"assert run({words!r}) == 0\n"
        f"print([name for name in {SLOW!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stderr == "[]\n"


def test_without_a_terminal_the_answer_is_no(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = str(tmp_path / "none.yaml")
    assert run(["-c", config, "kb", "delete", "Do\x1bcs"]) == 64
    err = capsys.readouterr().err
    assert say.NEEDS_YES.code in err
    assert "\x1b" not in err


@pytest.mark.parametrize("answer", ["n\n", "\n"])
def test_a_no_deletes_nothing(
    answer: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    typed = io.StringIO(answer)
    monkeypatch.setattr(typed, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", typed)
    # The configuration does not even exist: nothing was opened before the answer.
    assert run(["-c", str(tmp_path / "none.yaml"), "docs", "delete", "Docs", "a.md"]) == 1
    assert "nothing was deleted" in capsys.readouterr().err


def test_arguments_by_name_and_type() -> None:
    args = Arguments({"a": "x", "n": 3, "b": None, "m": {"k": 1}, "t": ("p", "q"), "e": ()})
    assert (args["a"], args.number("n"), args.text("b")) == ("x", 3, None)
    assert (args.mapping("m"), args.mapping("b"), args.texts("t")) == (
        {"k": 1},
        None,
        ("p", "q"),
    )
    assert args.given(wire="a", other="b", many="t", none="e") == {"wire": "x", "many": ("p", "q")}
    with pytest.raises(TypeError):
        args["n"]


def test_the_groups_list_their_verbs_in_the_order_of_the_table() -> None:
    with click.Context(knowledge_bases.GROUP) as context:
        found = knowledge_bases.GROUP.list_commands(context)
    assert found == [verb.verb for verb in knowledge_bases.VERBS]
