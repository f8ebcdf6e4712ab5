"""The parts of the suite of benchmarks that need nothing measured."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from benchmarks.documents import StoredDocuments, file_id
from benchmarks.figures import Cost, Result, of_medians, of_values
from benchmarks.measure import FailedError, cost_of, cpu_of, in_turn, peak_of
from benchmarks.report import Report, read
from benchmarks.table import as_text, cells, number
from benchmarks.targets import TARGETS
from benchmarks.trees import FILE_BYTES, Shape, drawn, make_tree, text_of


def test_a_tree_has_so_many_files_and_is_the_same_each_time(tmp_path: Path) -> None:
    found = []
    for name in ("one", "two"):
        make_tree(tmp_path / name, Shape(300, 20))
        files = sorted((tmp_path / name).rglob("*.md"))
        found.append(
            [(str(each.relative_to(tmp_path / name)), each.stat().st_size) for each in files]
        )
    assert len(found[0]) == 300
    assert found[0] == found[1]


def test_sizes_are_those_that_were_measured() -> None:
    draw = random.Random(3)
    sizes = sorted(drawn(FILE_BYTES, draw) for _ in range(5000))
    assert 5000 < sizes[2500] < 7500  # the median of the trees measured is 6,368
    assert sizes[0] >= 1
    assert sizes[-1] <= FILE_BYTES[-1]


def test_text_has_exactly_so_many_bytes() -> None:
    assert [len(text_of(size, random.Random(1))) for size in (1, 100, 4096)] == [1, 100, 4096]


def test_contenders_run_in_both_orders_after_one_run_that_warms_up() -> None:
    order = []

    def contender(name: str) -> Cost:
        order.append(name)
        return Cost(1, 1, 1)

    in_turn({name: lambda name=name: contender(name) for name in "ab"}, 2)
    assert order == ["a", "b", "a", "b", "b", "a"]


def test_a_ratio_is_of_medians_and_its_spread_of_rounds() -> None:
    figure = of_medians([2.0, 4.0, 9.0], [1.0, 2.0, 3.0])
    assert (figure.value, figure.lowest, figure.highest) == (2.0, 2.0, 3.0)


def test_a_command_is_measured_with_its_children(tmp_path: Path) -> None:
    child = "x = bytearray(60 << 20); sum(range(3_000_000))"
    busy = f"import os\nif os.fork():\n  os.wait()\nelse:\n  {child}"
    cost = cost_of(["python3", "-c", busy], tmp_path)
    assert cost.cpu > 0.01
    assert 60 < cost.peak < 120


def test_a_small_command_is_not_counted_with_what_started_it(tmp_path: Path) -> None:
    ballast = bytearray(80 << 20)
    assert cost_of(["true"], tmp_path).peak < 40
    del ballast


def test_a_command_that_fails_is_named_with_what_it_said(tmp_path: Path) -> None:
    with pytest.raises(FailedError, match=r"ended with 3:\nwhy"):
        cost_of(["sh", "-c", "echo why; exit 3"], tmp_path)


def test_a_running_process_tells_what_it_took() -> None:
    assert cpu_of(os.getpid()) > 0
    assert peak_of(os.getpid()) > 1


def test_an_update_keeps_the_document_and_replaces_its_file() -> None:
    documents = StoredDocuments()
    first = documents.upload("a.md", 3, "one", 0.0, None)
    again = documents.upload("a.md", 4, "two", 0.0, first.id)
    assert (again.id, again.file_id, len(documents)) == (first.id, file_id(1), 1)
    assert [each.name for each in documents.page(1, 10, keyword="", status="available")[0]] == [
        "a.md"
    ]


def test_pages_list_the_newest_first_and_end() -> None:
    documents = StoredDocuments()
    for number_ in range(5):
        documents.upload(f"{number_}.md", 1, "", 0.0, None)
    pages = [documents.page(page, 2, keyword="", status="")[0] for page in (1, 2, 3, 4)]
    assert [[each.name for each in page] for page in pages] == [
        ["4.md", "3.md"],
        ["2.md", "1.md"],
        ["0.md"],
        [],
    ]


def test_a_row_says_whether_its_target_is_met() -> None:
    assert cells(Result("rate", of_values([0.95])))[-1] == "met"  # here more is better
    assert cells(Result("rate", of_values([0.5])))[-1] == "missed"
    assert cells(Result("plan", of_values([20.0])))[-1] == "missed"
    assert cells(Result("walk-find", of_values([20.0])))[-1] == ""


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, ""),
        (0.0, "0"),
        (0.004, "0.004"),
        (1.1, "1.1"),
        (1.0, "1"),
        (21.04, "21"),
        (1234.5, "1,234"),
    ],
)
def test_numbers_have_few_digits(value: float | None, shown: str) -> None:
    assert number(value) == shown


def test_figures_are_read_as_they_were_written(tmp_path: Path) -> None:
    report = Report(machine="two cores")
    result = Result("plan", of_values([1.0, 2.0, 3.0]), of_values([4.0]), {"kbsync": [1.0]})
    about = {"size": "toy", "runs": "1", "at": "2026-11-29", "version": "v", "compared": ""}
    report.add(result, about)
    report.write(tmp_path / "figures.json")
    assert read(tmp_path / "figures.json") == report
    assert TARGETS["plan"].case in as_text(report.ordered)
