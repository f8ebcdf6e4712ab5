"""The pages say what the code is, and can be read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks import page as performance
from benchmarks import plot
from benchmarks.report import read
from kbsync.cli import VERBS

from . import versions
from .rooms import ORDER, PAGE, ROOT, written

WIDEST = 160
PAGES = [
    PAGE,
    ROOT / "docs" / "glossary.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "README.md",
    performance.PAGE,
    ROOT / "docs" / "deployment.md",
    ROOT / "docs" / "operations.md",
    ROOT / "docs" / "alerts.md",
]
NAMED = (
    r"(?<![\w/])((?:kbsync|tests|docs|deploy|systemd)/[\w./@-]+"
    r"\.(?:py|md|yaml|json|service|timer))\b"
)


def test_the_tree_of_rooms_is_the_one_there_is() -> None:
    page = PAGE.read_text("utf-8")
    assert page == written(page), "type: make docs"


def test_the_table_of_versions_is_the_one_there_is() -> None:
    page = versions.PAGE.read_text("utf-8")
    assert page == versions.written(page), "type: make docs"


def test_the_figures_of_the_page_are_those_that_were_measured() -> None:
    page, figures = performance.PAGE.read_text("utf-8"), read(performance.FIGURES)
    assert page == performance.written(page, figures), "type: make docs"
    assert performance.PLOT.read_text("utf-8") == plot.drawn(figures.points)


def test_every_room_is_in_the_tree() -> None:
    rooms = {each.parent.name for each in (ROOT / "kbsync").glob("*/__init__.py")}
    assert rooms == set(ORDER)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_line_is_too_long_to_read(page: Path) -> None:
    lines = enumerate(page.read_text("utf-8").splitlines(), 1)
    assert [n for n, line in lines if len(line) > WIDEST and not line.startswith("|")] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_a_page_names_is_there(page: Path) -> None:
    # Section 9 of the design names files of other projects.
    text = re.sub(r"## 9\. .*?(?=## 10\.)", "", page.read_text("utf-8"), flags=re.DOTALL)
    named = re.findall(NAMED, text)
    assert [each for each in named if not (ROOT / each).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_page_and_a_section(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#\s]*)(#[\w-]+)?\)", page.read_text("utf-8"))
    for path, section in links:
        target = page.parent / path if path else page
        assert target.exists(), path
        assert not section or section[1:] in _sections(target), (path, section)


def test_each_verb_is_in_the_table_of_the_first_page() -> None:
    table = (ROOT / "README.md").read_text("utf-8").partition("\n## The verbs\n")[2]
    named = set(re.findall(r"`([a-z]+)`", table.partition("\n## ")[0]))
    assert named >= set(VERBS)


def _sections(page: Path) -> set[str]:
    """The names that links to the sections of a page have."""
    titles = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def test_no_class_name_stands_for_two_things() -> None:
    found: dict[str, list[str]] = {}
    for file in sorted((ROOT / "kbsync").rglob("*.py")):
        for name in re.findall(r"^class (\w+)", file.read_text("utf-8"), re.MULTILINE):
            found.setdefault(name, []).append(file.name)
    assert {name: files for name, files in found.items() if len(files) > 1} == {}


def test_no_file_is_too_long_to_read() -> None:
    sizes = {
        str(file.relative_to(ROOT)): len(file.read_text("utf-8").splitlines())
        for folder in ("kbsync", "tests")
        for file in (ROOT / folder).rglob("*.py")
    }
    assert [file for file, lines in sizes.items() if lines > 500] == []
