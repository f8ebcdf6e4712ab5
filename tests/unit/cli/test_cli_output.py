"""What comes from servers and disks cannot steer a terminal, and pipes get plain rows."""

import json
import re
from collections import Counter

import pytest

from kbsync.cli import output
from kbsync.cli.api import rendering
from kbsync.dify import schemas
from kbsync.dify.reading import read

HOSTILE = "a\x1b[31m\u202egnp.exe\r\n\tb\x7f[bold]"
STEERING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e]")


class Terminal:
    """Makes standard output a terminal."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("TERM", "xterm-256color")
        monkeypatch.setattr(output, "on_terminal", lambda: True)


def test_rows_are_tab_separated_off_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    output.rows(("id", "name"), [("1", HOSTILE), ("2", None)])
    out = capsys.readouterr().out
    lines = out.splitlines()
    assert [line.count("\t") for line in lines] == [1, 1]
    assert lines[1] == "2\t-"
    assert not STEERING.search(out.replace("\t", "").replace("\n", ""))
    assert "[bold]" in out


@pytest.mark.parametrize("width", [60, 80, 120])
def test_nothing_of_a_table_is_cut_off(
    width: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Terminal(monkeypatch)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", str(width))
    words = {"id": "8040b266-4456-41cc-bd42-40ab93759acb", "name": "Docs", "document_count": 1234}
    more = {"word_count": 56789, "indexing_technique": "economy", "doc_form": "text_model"}
    row = read(schemas.KnowledgeBaseRow, json.dumps({**words, **more}).encode())
    rendering.reply((row,), "")
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= width
    assert str(words["id"]) in printed
    head, _, body = printed.partition("─")
    for text, letters in ((head, "idnamedocswordstechniqueform"), (body, "1234economytext_model")):
        assert not Counter(letters) - Counter(text)
    assert ("technique" in head) == ("text_model" in body) == (width >= 80)


def test_a_table_shows_names_as_they_are(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Terminal(monkeypatch)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    output.rows(("id", "name"), [("1", "[red]loud[/red]"), ("2", HOSTILE)])
    out = capsys.readouterr().out
    assert "[red]loud[/red]" in out
    assert not STEERING.search(out.replace("\n", ""))


def test_members_and_lines_are_safe(capsys: pytest.CaptureFixture[str]) -> None:
    output.members([("name", HOSTILE), ("text", "one\ntwo\x1b]0;x\x07"), ("none", None)])
    output.line(HOSTILE)
    out = capsys.readouterr().out
    assert not STEERING.search(out.replace("\n", ""))
    assert "text:\n  one\n  two\\x1b]0;x\\x07\n" in out
    assert "none: -\n" in out


def test_json_is_ascii_and_comes_back_as_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    value = {"name": HOSTILE, "rows": ({"é": 1.5}, None, True)}
    output.as_json(value)
    out = capsys.readouterr().out
    assert out.isascii()
    assert not STEERING.search(out.replace("\n", ""))
    assert json.loads(out) == {"name": HOSTILE, "rows": [{"é": 1.5}, None, True]}


def test_an_excerpt_is_one_line_of_the_length_asked_for() -> None:
    assert output.excerpt("a\n\nb  c", 10) == "a b c"
    assert output.excerpt("x" * 50, 10) == "x" * 9 + "…"


@pytest.mark.parametrize(
    ("environment", "coloured"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)],
)
def test_colour(
    environment: dict[str, str], coloured: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    Terminal(monkeypatch)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert output.coloured() is coloured


def test_no_colour_off_a_terminal() -> None:
    assert output.coloured() is False


# -- replies -------------------------------------------------------------------------------------

TAG = schemas.Tag(id="1", name="novel")


def test_a_page_says_that_there_are_more(capsys: pytest.CaptureFixture[str]) -> None:
    rendering.reply(schemas.ListPage[schemas.Tag](data=(TAG,), total=3, has_more=True), "")
    out, err = capsys.readouterr()
    assert out == "1\tnovel\n"
    assert err == "1 of 3; the others with --page or --all\n"


@pytest.mark.parametrize(
    ("value", "out", "err"),
    [
        (None, "it is done\n", ""),
        ((), "", "none\n"),
        ((TAG,), "1\tnovel\n", ""),
        (("one", "two"), "one\ntwo\n", ""),
        (TAG, "id: 1\nname: novel\n", ""),
        (
            schemas.MetadataFields(doc_metadata=(), built_in_field_enabled=True),
            "",
            "none\nbuilt-in fields: yes\n",
        ),
    ],
)
def test_replies(value: object, out: str, err: str, capsys: pytest.CaptureFixture[str]) -> None:
    rendering.reply(value, "it is done")
    assert capsys.readouterr() == (out, err)


def test_every_kind_of_row_has_the_columns_it_names() -> None:
    for kind, columns in rendering.COLUMNS.items():
        assert all(column in kind.model_fields or hasattr(kind, column) for column in columns), kind
