import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbsync.embedded.normal_form import clean, normal_form
from kbsync.embedded.split import split_at, split_recursively

TEXTS = st.text(alphabet="ab. \n\u3002", max_size=400)


@given(text=TEXTS, longest=st.integers(5, 60), overlap=st.integers(0, 5))
def test_no_chunk_is_too_long_and_nothing_is_lost(text: str, longest: int, overlap: int) -> None:
    chunks = split_recursively(text, longest=longest, overlap=min(overlap, longest // 2))
    assert all(len(chunk) <= longest for chunk in chunks)
    if not overlap:
        separators = re.compile("[. \\n\u3002]")
        assert separators.sub("", "".join(chunks)) == separators.sub("", text)


@given(text=TEXTS, longest=st.integers(5, 60))
def test_a_custom_separator_cuts_at_every_place(text: str, longest: int) -> None:
    chunks = split_at("\\n", text, longest=longest, overlap=0)  # written out, as in JSON twice
    assert not any("\n" in chunk for chunk in chunks)
    assert all(len(chunk) <= longest for chunk in chunks)


def test_a_separator_outside_ascii_never_matches() -> None:
    assert split_at("\u00a7", "a\u00a7b", longest=50, overlap=0) == ["a\u00a7b"]


def test_neighbours_share_the_overlap() -> None:
    words = [f"w{number:03}" for number in range(100)]
    chunks = split_recursively(" ".join(words), longest=50, overlap=15)
    for before, after in pairwise(chunks):
        assert before.split()[-3:] == after.split()[:3]


@pytest.mark.parametrize(
    ("chunk", "stored"),
    [
        ("# Heading", "Heading"),
        ("/usr/bin", "usr/bin"),
        ("__init__", "init__"),
        ("- item", "- item"),
        ("!important", "!important"),
        ("[text](http://x) more", "[text](http://x) more"),
        ("[text] more", "text] more"),
        ("\u3010note\u3011", "note\u3011"),
        ("\n# shielded", "# shielded"),
        ("  plain  ", "plain"),
        ("###", ""),
        ("", ""),
    ],
)
def test_the_normal_form(chunk: str, stored: str) -> None:
    assert normal_form(chunk) == stored


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("a\r\nb\rc", "a\nb\nc"),
        ("<|im|> x", "<im> x"),
        ("a\0\x07b\x7f", "ab"),
        ("na\u00efve \u00bf \u00be", "nave  "),
        ("tab\tstays", "tab\tstays"),
    ],
)
def test_cleaning_without_rules(text: str, cleaned: str) -> None:
    assert clean(text, extra_spaces=False, urls_and_mails=False) == cleaned
