from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbsync.embedded.text_splitting import clean, normal_form, split_at, split_automatically

TEXTS = st.text(alphabet="ab. \n\u3002", max_size=400)


def bare(text: str) -> str:
    return "".join(text.split())


@given(text=TEXTS, longest=st.integers(5, 60), overlap=st.integers(0, 5))
def test_no_chunk_is_too_long_and_no_letter_is_lost(text: str, longest: int, overlap: int) -> None:
    overlap = min(overlap, longest // 2)
    cut = list(split_automatically(text, longest=longest, overlap=overlap))
    by_hand = list(split_at("\u00a7", text, longest=longest, overlap=overlap))
    for chunks in (cut, by_hand):
        assert all(len(chunk) <= longest for chunk in chunks)
        if not overlap:
            assert bare("".join(chunks)) == bare(text)


@given(text=TEXTS, longest=st.integers(5, 60))
def test_a_custom_separator_cuts_at_every_place(text: str, longest: int) -> None:
    chunks = list(
        split_at("\\n", text, longest=longest, overlap=0)
    )  # written out, as in JSON twice
    assert not any("\n" in chunk for chunk in chunks)
    assert all(len(chunk) <= longest for chunk in chunks)


@pytest.mark.parametrize(
    ("text", "chunks"),
    [
        ("a\nb\nc", ["abc"]),
        ("a\nb c", ["a\nb c"]),
        ("a\n\nb", ["a\n\nb"]),
        ("ab cd ef gh ij", ["ab cd ef", "ef gh ij"]),
        ("abcdefghijklm", ["abcdefghij", "hijklm"]),
    ],
)
def test_automatically(text: str, chunks: list[str]) -> None:
    assert list(split_automatically(text, longest=10, overlap=3)) == chunks


@pytest.mark.parametrize(
    ("text", "chunks"),
    [
        ("a\nb\nc", ["a\nb\nc"]),
        ("ab cd ef gh ij kl", ["abcdefghij", "ijkl"]),
        ("ab. cd. ef gh", ["ab. cd.", "ef gh"]),
        ("abcdef\nghijklm", ["abcdefghij", "hijklm"]),
    ],
)
def test_by_a_custom_rule_that_does_not_match(text: str, chunks: list[str]) -> None:
    assert list(split_at("#", text, longest=10, overlap=3)) == chunks


def test_a_separator_outside_ascii_never_matches() -> None:
    assert list(split_at("\u00a7", "a\u00a7b", longest=50, overlap=0)) == ["a\u00a7b"]


def test_neighbours_share_the_overlap() -> None:
    words = [f"w{number:03}" for number in range(100)]
    chunks = list(split_automatically(" ".join(words), longest=50, overlap=15))
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
        ("\u3010note\u3011", "\u3010note\u3011"),
        ("\u2026dots", "\u2026dots"),
        ("\u2e02\u3012x", "x"),
        ("[](http://x) y", "http://x) y"),
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
    assert clean(text, []) == cleaned


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("see https://a.example/x(y), or", "see  or"),
        ("to me@a.example.", "to "),
        ("[t](https://a.example/x) ", "[t](https://a.example/x) "),
        ("![p](https://a.example/x.png)", "![p](https://a.example/x.png)"),
        ("![a]b](https://a.example)", "![image](https://a.example)"),
        ("https://a.example/[t](https://b.example)", ""),
    ],
)
def test_removing_addresses(text: str, cleaned: str) -> None:
    assert clean(text, ["remove_urls_emails"]) == cleaned
