"""Ranges of paths, against asking about each path."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbsync.planning.path_range import EVERYTHING, PathRange, PathScope, cut_between

PARTS = st.sampled_from(["a", "b", "a.txt", "a-b", "A", "ü", "\U0001f600", "a b", "~"])
PATHS = st.lists(PARTS, min_size=1, max_size=3).map("/".join)
BOUNDS = st.one_of(PATHS, PATHS.map(lambda path: path + "/"))
RANGES = st.builds(PathRange, st.one_of(st.just(""), BOUNDS), st.one_of(st.none(), BOUNDS))


@given(RANGES, BOUNDS, st.lists(PATHS))
def test_what_is_said_of_a_prefix_holds_for_its_paths(
    within: PathRange, prefix: str, paths: list[str]
) -> None:
    for path in (prefix + each for each in paths):
        assert within.meets(prefix) or path not in within
        assert path in within or not within.covers(prefix)


def test_a_range_meets_the_folder_it_begins_or_ends_in() -> None:
    within = PathRange("a/c", "b/d")
    assert [within.meets(each) for each in ("a/", "a/b/", "a/d/", "b/", "b/d", "b/e/")] == [
        *(True, False, True, True, False, False)
    ]
    assert [within.covers(each) for each in ("a/", "a/d/", "b/", "b/c/")] == [
        *(False, True, False, True)
    ]
    assert (within.leads, EVERYTHING.leads) == (False, True)


@given(PATHS, PATHS)
def test_a_cut_lies_between_its_neighbours(one: str, other: str) -> None:
    before, path = sorted((one, other))
    if before != path:
        assert before < cut_between(before, path) <= path


@pytest.mark.parametrize(
    ("before", "path", "at"),
    [
        ("a/b/c.md", "a/d/e.md", "a/d/"),
        ("a/b/c.md", "b/c/d.md", "b/"),
        ("a/b.md", "a/c.md", "a/c.md"),
        ("a.md", "a/b.md", "a/"),
        ("a/b.md", "a0.md", "a0.md"),
    ],
)
def test_a_cut_is_made_at_a_folder_where_one_begins(before: str, path: str, at: str) -> None:
    assert cut_between(before, path) == at


def test_a_walk_is_cut_at_a_folder_or_in_a_large_one_in_its_middle() -> None:
    scope = PathScope(PathRange("a"), most=10)
    assert scope.cut(9, "a/b", "b/c") is None
    assert scope.cut(10, "a/b", "b/c") == "b/"
    assert scope.cut(10, "a/b", "a/c") is None
    assert scope.cut(20, "a/b", "a/c") == "a/c"
    assert PathScope().cut(10**9, "a/b", "b/c") is None
    # Without a path before it nothing would be left for this part.
    assert PathScope(PathRange("b/"), most=0).cut(0, "", "b/") is None
