"""Names of hostile paths: never shared, read back as long as they were not cut."""

from __future__ import annotations

import unicodedata
from itertools import islice

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kbsync.planning.document_names import (
    LONGEST,
    document_name,
    document_names,
    kept_extension,
    path_of,
)

TOKENS = st.sampled_from(
    [
        *"/\\.%~ \t\r\n\0\x1b\x7f:*?\"<>|'&;$`(){}",
        *[
            "..",
            "../",
            "//",
            "%2F",
            "%25",
            "%E2%88%95",
            "%~",
            "%~2",
            "%~3",
            ".md",
            ".MD",
            ".tar.gz",
        ],
        *["\u2215", "\u2044", "\uff0f", "\u202e", "\u200f", "\u2066", "\ufeff", "\u2028", "\x85"],
        *["e\u0301", "\u00e9", "\u212b", "\u00c5", "A\u030a", "\u1100\u1161", "\uac00", "\u0344"],
        *["\u0327", "\u3000", "\u00a0", "\u200d", "\U0001f468\u200d\U0001f469", "\u0130", "\u00df"],
        *["<script>", "%41", "%c3%a9", "CON", "a" * 64, "\u65e5" * 40, "%~" + "0" * 32],
    ]
)
TEXT = st.characters(exclude_categories=["Cs"])
PATHS = st.lists(TOKENS | TEXT, min_size=1, max_size=40).map("".join)


def composed(path: str) -> str:
    return unicodedata.normalize("NFC", path)


def escaped(ch: str) -> str:
    return "".join(f"%{byte:02X}" for byte in ch.encode())


@st.composite
def neighbours(draw: st.DrawFn) -> tuple[str, str]:
    """Draw a path, and one that looks like it."""
    path = draw(PATHS)
    at = draw(st.integers(0, len(path) - 1))
    ch = path[at]
    name = document_name(path)
    stem, dot, end = path.rpartition(".")
    other = draw(
        st.sampled_from(
            [
                path[:at] + escaped(ch) + path[at + 1 :],
                path[:at] + escaped(ch).lower() + path[at + 1 :],
                path[:at] + path[at + 1 :],
                path[:at] + ch + path[at:],
                path[:at] + ch.swapcase() + path[at + 1 :],
                path.replace("/", "\u2215"),
                path.replace("\u2215", "/"),
                f"{stem}%~2{dot}{end}",
                unicodedata.normalize("NFD", path),
                unicodedata.normalize("NFKC", path),
                path.strip() or path,
                path + draw(TOKENS),
                name,
                path_of(name) or name,
            ]
        )
    )
    assume(other)
    return path, other


@settings(max_examples=400)
@given(neighbours())
def test_two_paths_share_a_name_only_when_they_are_one_path(pair: tuple[str, str]) -> None:
    one, other = pair
    shared = document_name(one) == document_name(other)
    assert shared is (composed(one) == composed(other))


@settings(max_examples=200)
@given(neighbours())
def test_not_even_the_names_for_when_the_first_is_taken_are_shared(pair: tuple[str, str]) -> None:
    one, other = pair
    assume(composed(one) != composed(other))
    names = [{*islice(document_names(path), 4)} for path in pair]
    assert not names[0] & names[1]
    assert [len(each) for each in names] == [4, 4]


@settings(max_examples=200)
@given(PATHS)
def test_what_fits_is_read_back(path: str) -> None:
    """A path that fits however it is written is never cut."""
    fits = 3 * len(composed(path).encode()) <= LONGEST
    name = document_name(path)
    assert len(name) <= LONGEST
    if fits or "%~" not in name:
        assert path_of(name) == composed(path)
    else:
        assert path_of(name) is None


WIDTHS = {"a": 1, "/": 1, "\u00e9": 1, "\u65e5": 1, "%": 3, "\n": 3, "\u2215": 9, "\u202e": 9}


@settings(max_examples=200)
@given(
    st.lists(st.sampled_from(sorted(WIDTHS)), max_size=60),
    st.integers(LONGEST - 12, LONGEST + 12),
    st.sampled_from(["", ".md"]),
)
def test_the_longest_name_is_read_back_and_the_next_one_is_cut(
    middle: list[str], width: int, end: str
) -> None:
    known = 2 + sum(WIDTHS[ch] for ch in middle) + len(end)
    assume(known <= width)
    path = "b" + "".join(middle) + "c" * (width - known) + "d" + end
    name = document_name(path)
    whole = width <= LONGEST
    assert (len(name) == width) is whole
    assert path_of(name) == (path if whole else None)
    assert len(name) <= LONGEST
    assert kept_extension(name) == kept_extension(path) == end.removeprefix(".")


@given(PATHS, st.sampled_from(["p", "p/q", "\u65e5/", "p%"]), st.sampled_from(["r", "p/q2", "P"]))
def test_mirrors_with_a_prefix_each_never_share_a_name(path: str, one: str, other: str) -> None:
    assert document_name(path, prefix=one) != document_name(path, prefix=other)
    if path_of(document_name(path, prefix=one), prefix=one) is not None:
        assert path_of(document_name(path, prefix=one), prefix=other) is None


@settings(max_examples=100)
@given(PATHS, st.characters(categories=["Cs"]), PATHS)
def test_what_is_no_text_has_no_name_and_says_so(before: str, broken: str, after: str) -> None:
    with pytest.raises(ValueError, match="document name"):
        document_name(before + broken + after)


@settings(max_examples=200)
@given(st.text(st.characters() | st.sampled_from("%\u2215~0123456789ABCDEF"), max_size=80))
def test_any_name_at_all_is_read_back_as_its_one_path_or_none(name: str) -> None:
    path = path_of(name)
    assert path is None or document_name(path) == name
