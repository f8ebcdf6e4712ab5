"""Patterns that do not go back over what they matched mean what pathspec's own mean."""

from __future__ import annotations

import re

from bounds import bounded
from hypothesis import given, settings
from hypothesis import strategies as st
from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

from kbsync.source.gitignore import _spell_out_stars, _without_backtracking, compiled

LINES = st.lists(
    st.sampled_from(["*", "**", "a", "b", "?", "/", "/**/", "**/", "/*", "[ab]", "."]),
    min_size=1, max_size=9,
).map("".join)  # fmt: skip
PATHS = st.text("ab./", min_size=1, max_size=14).filter(lambda path: "//" not in path)


@given(line=LINES, paths=st.lists(PATHS, min_size=1, max_size=20))
@settings(max_examples=400)
def test_a_pattern_matches_what_it_matched_before(line: str, paths: list[str]) -> None:
    try:
        source, _ = GitIgnoreSpecPattern.pattern_to_regex(
            _spell_out_stars(line.replace("[ab]", "?"))
        )
    except ValueError:
        return
    if source is None:
        return
    before, after = (
        re.compile(source, re.DOTALL),
        re.compile(_without_backtracking(source), re.DOTALL),
    )
    for path in paths:
        assert bool(after.fullmatch(path)) == bool(before.fullmatch(path)), (line, path, source)


def test_no_number_of_stars_takes_long() -> None:
    lines = (
        "*a" * 40 + "b",
        "a*" * 60 + "?b",
        "**/a/" * 30 + "b",
        "a/**/" * 30 + "*b*c",
        "*" * 200,
    )
    paths = ("a" * 255, "a/" * 1500, "a/" * 1000 + "a" * 255, "ab" * 120)
    with bounded(seconds=2, mebibytes=50):
        for line in lines:
            patterns = compiled(line)
            for path in paths:
                patterns.verdict(path)
