"""Drawn input: no row, no Markdown and no link breaks what is promised of it."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from kbsync.embedded.extract.text_files import read_markdown
from kbsync.embedded.text_splitting import clean, normal_form, split_at
from kbsync.source.convert.kept import kept
from kbsync.source.convert.links import Links
from kbsync.source.convert.markdown_loss import loses
from kbsync.source.convert.rows import SEPARATOR, texts

CELL = st.text(st.sampled_from(list("ab1 =\n-#<>._ü\t,")), max_size=12)
TABLE = st.lists(st.lists(CELL, max_size=4), max_size=8)
MARKDOWN = st.text(st.sampled_from(list("ab <>`#\n/!-~()[]\\.")), max_size=80)


@settings(max_examples=300, deadline=None)
@given(table=TABLE, sheet=CELL, longest=st.sampled_from([50, 80, 4000]))
def test_each_row_that_is_sent_is_one_chunk(
    table: list[list[str]], sheet: str, longest: int
) -> None:
    sent = list(texts([[cell.strip() for cell in row] for row in table], sheet, longest))
    cut = split_at(SEPARATOR, clean("".join(sent), ()), longest=longest, overlap=0)
    stored = [chunk for chunk in map(normal_form, cut) if chunk]
    assert stored == [each.removesuffix(SEPARATOR).strip() for each in sent]
    assert all(len(each) <= longest for each in stored)


@settings(max_examples=300, deadline=None)
@given(text=MARKDOWN)
def test_markdown_written_for_a_server_keeps_its_words(text: str) -> None:
    read = "\n".join(read_markdown(kept(text).encode()))
    assert re.findall("[ab]", read.replace("&lt;", "")) == re.findall("[ab]", text)
    assert not loses(
        line for line in kept(text).split("\n") if not line.lstrip("> ").startswith("#")
    )


@settings(max_examples=300, deadline=None)
@given(text=MARKDOWN)
def test_without_links_nothing_changes(text: str) -> None:
    lines = text.split("\n")
    found = list(Links("https://docs.example/", "a/b.md").markdown(lines))
    assert len(found) == len(lines)
    for before, after in zip(lines, found, strict=True):
        assert after == before or "](" in before or "]:" in before
