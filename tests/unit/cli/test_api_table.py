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
from kbsync.cli.api import chunks, documents, knowledge_bases, table
from kbsync.cli.api.params import Given, Row
from kbsync.messages import command as say

TABLES = {"kb": knowledge_bases.ROWS, "docs": documents.ROWS, "chunks": chunks.ROWS}
ROWS = [(name, row) for name, rows in TABLES.items() for row in rows]
SLOW = ("httpx", "pydantic", "sqlalchemy", "structlog", "rich", "starlette", "anyio", "yaml")


@pytest.mark.parametrize("name", TABLES)
def test_no_verb_stands_twice(name: str) -> None:
    verbs = [row.verb for row in TABLES[name]]
    assert sorted(verbs) == sorted(set(verbs))


@pytest.mark.parametrize(("name", "row"), ROWS, ids=[f"{n}-{r.verb}" for n, r in ROWS])
def test_every_row(name: str, row: Row, capsys: pytest.CaptureFixture[str]) -> None:
    assert row.help.endswith(".")
    taken = {parameter.name for parameter in row.parameters}
    for template in (row.done, row.destroys):
        assert set(re.findall(r"{(\w+)}", template)) <= taken
    # Whatever deletes asks, and nothing else does.
    assert bool(row.destroys) == row.verb.startswith("delete")
    assert run([name, row.verb, "--help"]) == 0
    told = capsys.readouterr().out
    assert "--json" in told
    assert "--server" in told
    assert ("--yes" in told) == bool(row.destroys)


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


def test_nobody_to_ask_is_a_no(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
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


def test_given_says_what_it_has() -> None:
    given = Given({"a": "x", "n": 3, "b": None, "m": {"k": 1}, "t": ("p", "q"), "e": ()})
    assert (given["a"], given.number("n"), given.text("b")) == ("x", 3, None)
    assert (given.mapping("m"), given.mapping("b"), given.texts("t")) == (
        {"k": 1},
        None,
        ("p", "q"),
    )
    assert given.told(wire="a", other="b", many="t", none="e") == {"wire": "x", "many": ("p", "q")}
    with pytest.raises(TypeError):
        given["n"]


def test_the_groups_list_their_verbs_in_the_order_of_the_table() -> None:
    made = table.group_of("kb", "help", knowledge_bases.ROWS)
    with click.Context(made) as context:
        assert made.list_commands(context) == [row.verb for row in knowledge_bases.ROWS]
