"""Tables row by row: each row one text, and one chunk at a server that cuts at the separator."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from kbsync.embedded.text_splitting import clean, normal_form, split_at
from kbsync.source.convert.rows import SEPARATOR, texts


def rows(table: Sequence[Sequence[str]], sheet: str = "", longest: int = 4000) -> list[str]:
    return "".join(texts(table, sheet, longest)).split(SEPARATOR)[:-1]


def chunks(table: Sequence[Sequence[str]], sheet: str = "", longest: int = 4000) -> list[str]:
    """As a server cuts what is sent."""
    text = clean("".join(texts(table, sheet, longest)), ())
    pieces = split_at(SEPARATOR, text, longest=longest, overlap=0)
    return [chunk for chunk in map(normal_form, pieces) if chunk]


def test_each_row_names_its_columns() -> None:
    table = [["name", "size"], ["zebra", "9"], ["ant", ""]]
    assert rows(table) == ["name: zebra\nsize: 9", "name: ant"]


def test_the_name_of_the_sheet_is_in_each_row() -> None:
    assert rows([["a", "b"], ["1", "2"]], "Prices 2024") == ["Sheet: Prices 2024\na: 1\nb: 2"]


def test_what_stands_above_the_header_is_kept() -> None:
    table = [["Report", ""], ["a", "b"], ["1", "2"]]
    assert rows(table) == ["Report", "a: 1\nb: 2"]


def test_a_header_with_nothing_below_it_is_kept_with_what_stands_above() -> None:
    assert rows([["name", ""], ["Anna", "Berlin"]]) == ["name", "Anna\nBerlin"]
    long = [["name", ""]] * 9 + [["a", "b"]]
    assert rows(long)[-1] == "a\nb"
    assert rows([*long, ["1", "2"]])[-2:] == ["name", "a: 1\nb: 2"]
    assert rows([["a", "b"]]) == []


def test_cells_beyond_the_header_are_kept() -> None:
    assert rows([["a", ""], ["b", "c"], ["1", "2", "3"]])[-1] == "b: 1\nc: 2\nColumn 3: 3"


@pytest.mark.parametrize("name", ["#", "-", "(a)", "...", "？", "“x”", "=====", "@x"])
def test_punctuation_at_the_beginning_survives_the_server(name: str) -> None:
    table = [[name, "b"], ["1", "2"]]
    assert chunks(table) == rows(table)
    assert f"{name}: 1" in chunks(table)[0]


def test_no_value_passes_for_the_separator() -> None:
    table = [["a", "b"], ["x\n=====\ny", "=====\n"], ["\n\n=====", "c"]]
    assert len(chunks(table)) == 2
    assert chunks(table) == rows(table)


def test_a_row_is_one_chunk_at_the_server() -> None:
    words = " ".join(f"word{at}" for at in range(40))
    table = [["a", "b"], *([f"r{at}. {words}", "p.\n\nq\n\n\nr"] for at in range(200))]
    assert chunks(table, "S") == rows(table, "S")
    assert len(chunks(table, "S")) == 200


def test_a_row_that_is_too_long_becomes_several_with_the_sheet_in_each() -> None:
    long = " ".join(f"w{at:04}" for at in range(300))
    found = chunks([["a", "b"], [long, "end"]], "Sheet1", longest=500)
    assert all(len(each) <= 500 for each in found)
    assert all(each.startswith("Sheet: Sheet1\n") for each in found)
    words = [word for each in found for word in each.split() if word[1:].isdigit()]
    assert words == long.split()
    assert found[-1].endswith("b: end")


@pytest.mark.parametrize("table", [[], [[""]], [["", ""], []]])
def test_nothing_comes_of_nothing(table: list[list[str]]) -> None:
    assert rows(table) == []
