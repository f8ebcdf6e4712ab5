"""A text is cut into chunks here: whole blocks, within bounds, and far from an edit as before."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kbsync.embedded.text_splitting import clean, normal_form, split_at
from kbsync.model.document_rule import CHUNK_SEPARATOR
from kbsync.source.cutting import chunks_of

LETTERS = st.characters(exclude_categories=["Cs"])
WORDS = ["granite", "basalt", "quartz", "shale", "marble", "slate", "chalk", "gneiss"]


def cut(text: str, longest: int = 200, *, markdown: bool = True) -> list[str]:
    return list(chunks_of([text], longest=longest, markdown=markdown))


def test_a_heading_begins_a_chunk_and_stays_with_what_follows() -> None:
    text = "# One\n\nfirst\n\n## Two\n\n### Three\n\nthird"
    assert cut(text) == ["One\n\nfirst", "Two\n\n### Three\n\nthird"]


def test_fences_and_tables_are_kept_whole_and_no_heading_is_found_in_them() -> None:
    fence = "```sh\n# no heading\n\nls\n```"
    table = "| a | b |\n|---|---|\n| 1 | 2 |"
    assert any("# no heading\n\nls" in chunk for chunk in cut(f"text\n\n{fence}\n\n{table}"))
    assert any("|---|---|\n| 1 | 2 |" in chunk for chunk in cut(f"text\n\n{fence}\n\n{table}"))


def test_plain_text_is_cut_at_blank_lines() -> None:
    long = "word " * 39
    assert cut(f"{long}\n\n{long}", markdown=False) == [long.strip(), long.strip()]


@pytest.mark.parametrize("longest", [50, 200, 4000])
@given(
    text=st.text(
        st.characters(exclude_categories=["Cs"]) | st.sampled_from("\n# .|`-"), max_size=900
    )
)
@example(text='one\n\n# : * ? " < > | are refused')
@example(text="one\n\n## =====\n\n=====\n\n... three")
@settings(max_examples=60, deadline=None)
def test_no_chunk_is_too_long_and_each_comes_out_of_a_server_as_it_was_sent(
    longest: int, text: str
) -> None:
    chunks = cut(text, longest)
    assert all(0 < len(chunk) <= longest + 1 for chunk in chunks)
    sent = "".join(chunk + CHUNK_SEPARATOR for chunk in chunks)
    pieces = split_at(CHUNK_SEPARATOR, clean(sent, (), spared=True), longest=longest + 1, overlap=0)
    stored = [form for piece in pieces if (form := normal_form(piece, spared=True))]
    assert stored == chunks


@given(text=st.text("ab .\n", max_size=400))
@settings(max_examples=60, deadline=None)
def test_no_letter_is_lost(text: str) -> None:
    letters = Counter(text.replace("\n", "").replace(" ", "").replace(".", ""))
    found = "".join(cut(text, 50)).replace("\n", "").replace(" ", "").replace(".", "")
    assert Counter(found) == letters


@pytest.mark.parametrize("headings", [True, False])
def test_an_edit_of_one_paragraph_changes_few_chunks(headings: bool) -> None:
    chance = random.Random(7)
    blocks = []
    for number in range(3000):
        if headings and number % 9 == 0:
            blocks.append(f"## Part {number}")
        length = chance.randint(5, 60)
        blocks.append(f"{number} " + " ".join(chance.choices(WORDS, k=length)))
    before = Counter(cut("\n\n".join(blocks), 500))
    assert before.total() > 1000
    worst = 0
    for place in chance.sample(range(len(blocks)), 12):
        edited = [*blocks[:place], blocks[place] + " and something new", *blocks[place + 1 :]]
        worst = max(worst, (Counter(cut("\n\n".join(edited), 500)) - before).total())
    assert worst <= 6


def test_a_line_that_is_the_separator_does_not_cut() -> None:
    (chunk,) = cut("Title\n=====\n\ntext")
    assert CHUNK_SEPARATOR not in chunk + CHUNK_SEPARATOR[:-1]
    assert "Title" in chunk
    assert "text" in chunk
