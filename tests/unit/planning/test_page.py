"""The table of docs/design.md section 4 and the code say the same, line by line."""

from __future__ import annotations

import pytest

from kbsync.model import Action
from kbsync.planning.case import Case
from kbsync.planning.decide import decide
from kbsync.planning.rename_detection import ROW

from . import beside_the_chunks, in_the_trash, with_entry, without_entry
from .combinations import Decided, pending
from .page import PAGE, disorder, faults, lines_of, rows_of
from .stories import case

pytestmark = pytest.mark.timeout(600)  # a hundred thousand cases, on any machine

STORIES = (
    without_entry.STORIES + with_entry.STORIES + in_the_trash.STORIES + beside_the_chunks.STORIES
)
TEXT = PAGE.read_text()


@pytest.fixture(scope="module")
def stories() -> Decided:
    """The truth table of the tests; `test_decide` holds the code to it."""
    cases = [case(**story.given) for story in STORIES]
    return [(subject, decide(subject)) for subject in cases]


@pytest.fixture(scope="module")
def some(everything: Decided) -> Decided:
    """One case of each kind that matters to a comparison, so that many can be made."""
    kinds: dict[object, tuple[Case, Action]] = {}
    for subject, action in everything:
        evidence, local = subject.evidence, type(subject.local).__name__
        known = getattr(evidence.known, "readiness", evidence.known)
        sides = (subject.entry and subject.entry.state, local, known, bool(evidence.marked))
        swap = subject.entry is not None and subject.entry.superseded is not None
        kind = (*sides, swap, evidence.listed, type(action).__name__, action.row)
        kinds.setdefault((*kind, getattr(action, "cause", "")), (subject, action))
    return list(kinds.values())


def test_the_stories_tell_the_rows_they_are_filed_under(stories: Decided) -> None:
    assert [action.row for _, action in stories] == [story.row for story in STORIES]


def test_the_page_and_the_code_are_the_same_table(stories: Decided, everything: Decided) -> None:
    pendings = (each for subject, _ in everything[::500] for each in pending(subject))
    assert faults(TEXT, stories, [*everything, *((p, decide(p)) for p in pendings)]) == []


def test_a_move_is_named_where_the_page_tells_of_it() -> None:
    assert f"become Move (row {ROW}," in TEXT


def test_the_rows_stand_in_the_order_of_the_page(stories: Decided, everything: Decided) -> None:
    answered = rows_of([*stories, *everything])
    assert all(answered), "a function that no case reaches"
    assert disorder(TEXT, answered) == []
    # Rows that never compete cannot be distinguished by cases: their order counts all the same.
    assert disorder(_swapped("T12", "T13"), answered)


# -- what the comparison would find --------------------------------------------------------------


def _mangled(*changes: tuple[str, str]) -> str:
    text = TEXT
    for before, after in changes:
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    return text


def test_the_comparison_of_some_finds_nothing(stories: Decided, some: Decided) -> None:
    assert faults(TEXT, stories, some) == []


@pytest.mark.parametrize("number", range(len(lines_of(TEXT))))
def test_no_line_can_be_left_out(number: int, stories: Decided, some: Decided) -> None:
    lines = TEXT.splitlines(keepends=True)
    first = next(n for n, each in enumerate(lines) if each.startswith("|---|---|---|---|---|"))
    del lines[first + 1 + number]
    assert faults("".join(lines), stories, some)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("| T8 | none |", "| T21 | none |"),
        ("| R2 | any entry | present |", "| R2 | any entry | any |"),
        ("| disabled by an operator / archived |", "| disabled by an operator |"),
        (
            "| T13 | any entry | any | disabled, declared enabled |",
            "| T13 | none | any | disabled |",
        ),
        ("| absent | drift, not to be deleted |", "| absent | drift |"),
        ("| T10 | synced |", "| T10 | any entry |"),
        ("| T17 | any entry | changed |", "| T17 | any entry | renamed |"),
        ("| Delete(orphan), Trash, Hold, or Adopt(mark) |", "| Delete(orphan) |"),
        ("| Delete(extra) |", "| Delete(orphan) |"),
        ("| Create(new) |", "| Create(new) or Update(edited) |"),
        ("| Update(edited, settings, unknown) |", "| Update(edited, settings) |"),
        ("| Forget | both gone |", "| Noop | both gone |"),
        ("| T6 | none | present | not listed |", "| T6 | none | present | any |"),
    ],
)
def test_a_page_that_says_something_else_is_found(
    before: str, after: str, stories: Decided, some: Decided
) -> None:
    assert faults(_mangled((before, after)), stories, some)


def _swapped(one: str, other: str) -> str:
    lines = TEXT.splitlines(keepends=True)
    first, second = (
        next(n for n, each in enumerate(lines) if each.startswith(f"| {row} |"))
        for row in (one, other)
    )
    lines[first], lines[second] = lines[second], lines[first]
    return "".join(lines)


@pytest.mark.parametrize(
    ("one", "other"),
    [("T7", "T6"), ("T6", "T9"), ("T10", "T14"), ("T11", "T12"), ("T15", "T17"), ("T18", "T20")],
)
def test_rows_that_changed_places_are_found(
    one: str, other: str, stories: Decided, some: Decided
) -> None:
    assert faults(_swapped(one, other), stories, some)


def test_a_story_too_few_is_found(stories: Decided, some: Decided) -> None:
    fewer = [(subject, action) for subject, action in stories if action.row != "T19"]
    assert faults(TEXT, fewer, some) == ["no story hits T19 of the page"]
