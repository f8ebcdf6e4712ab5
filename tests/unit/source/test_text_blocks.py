"""A text is read piece by piece: the blocks are those of the whole text, and little is held."""

from __future__ import annotations

import re
import tracemalloc
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from kbsync.source.cutting import chunks_of
from kbsync.source.text_blocks import Block, blocks_of

LINES = st.sampled_from(
    [
        *(
            "",
            "",
            "  ",
            "\t",
            "# Title",
            "## Two #",
            "words and more",
            "    indented",
            "===",
            "---",
        ),
        *("- item", "  - inner", "* other", "1. one", "7) seven", "> said", ">> twice", "lazy"),
        *(
            "```",
            "~~~",
            "````sh",
            "   ```",
            "- ```",
            "> ```",
            "| a | b |",
            "|---|---|",
            "| 1 | 2 |",
        ),
        *("<div>", "</div>", "<!-- begun", "ended -->", "<script>", "</script>", "<b>", "<?php"),
        *("[foo]: /url", "[foo]: /url 'begun", "ended'", "[bar]:", "/url", "***", "<|im|>", "\\"),
        *("\x0b", "a\x00<|b", "<\x00|", "\u2028", "  text  ", "\u00e4\u00f6"),
    ]
)
TEXTS = st.lists(
    st.tuples(LINES, st.sampled_from(["\n", "\n", "\n", "\r\n", "\r"])), max_size=30
).map(lambda lines: "".join(line + end for line, end in lines))


def whole(text: str, *, markdown: bool) -> list[Block]:
    """The blocks of a text that is looked at as a whole, by a parser that leaves nothing out."""
    text = re.sub(r"\r\n?", "\n", text)
    text = re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe]", "", text)
    text = text.replace("<|", "<").replace("|>", ">")
    if not markdown:
        return [Block(piece) for piece in re.split(r"\n[ \t]*\n", text) if piece.strip()]
    lines, found = text.split("\n"), list[Block]()
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        if token.level == 0 and token.map is not None and token.nesting >= 0:
            piece = "\n".join(lines[token.map[0] : token.map[1]]).strip("\n")
            if piece.strip():
                found.append(Block(piece, heading=token.type == "heading_open"))
    return found


@pytest.mark.parametrize("markdown", [True, False])
@given(text=TEXTS, cuts=st.lists(st.integers(0, 300), max_size=12), window=st.integers(1, 80))
@example(text="a\r\n\r\nb\r", cuts=[2, 4], window=1)
@example(text="one\n\n\n\n\ntwo\n \n \nthree", cuts=[5], window=1)
@example(text="- a\n\n  b\n\n      c\n\nd", cuts=[], window=1)
@example(text="[foo]:\n/url\n'title\n\nno title'\n", cuts=[8], window=1)
@settings(max_examples=400, deadline=None)
def test_blocks_are_those_of_the_whole_text(
    markdown: bool, text: str, cuts: list[int], window: int
) -> None:
    places = [0, *sorted(cut for cut in cuts if cut < len(text)), len(text)]
    pieces = [text[begin:end] for begin, end in pairwise(places)]
    found = list(blocks_of(pieces, markdown=markdown, window=window))
    assert found == whole(text, markdown=markdown)


def long_text(parts: int) -> Iterator[str]:
    for number in range(parts):
        yield f"\n## Part {number}\n\n" + "Granite, basalt and `shale` are *stones*. " * 20 + "\n"


@pytest.mark.parametrize("markdown", [True, False])
def test_what_is_held_does_not_grow_with_the_text(markdown: bool) -> None:
    list(chunks_of(long_text(1), longest=500, markdown=markdown))  # what is loaded once
    tracemalloc.start()
    try:
        for _ in chunks_of(long_text(3000), longest=500, markdown=markdown):
            pass
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1_500_000, "of a text of 2.6 million characters"


def test_a_line_without_an_end_is_cut_in_one_go() -> None:
    chunks = list(chunks_of(("x" * 100_000 for _ in range(20)), longest=200, markdown=False))
    assert [len(chunk) for chunk in chunks] == [200] * 10_000
