"""What a server takes out of Markdown, told as the embedded server does it."""

from __future__ import annotations

import re

import pytest

from kbsync.embedded.extract.text_files import read_markdown
from kbsync.source.convert.kept import kept
from kbsync.source.convert.markdown_loss import loses

LOST = [
    "a `List<String>` here",
    "use <placeholder>",
    "see <https://example.com/a>",
    "a < b and c > d",
    "```html\n<div>\n```",
    "`<br>` breaks",
    "# C# basics",
    "text <you@example.com>",
    "```\n#include <stdio.h>\n```",
    "x <!DOCTYPE html>",
]
FINE = [
    "plain",
    "a < b",
    "a > b\n> quote <b",
    "<details><summary>More</summary>",
    "<!-- note > more -->",
    "line<br/>break <img src='a.png' alt=x>",
    '<a href="x">y</a>',
    "# Heading ##",
    "```\n# comment\n```",
    "#hashtag",
]


@pytest.mark.parametrize("text", LOST)
def test_text_that_would_be_lost_is_found(text: str) -> None:
    assert loses(text.split("\n"))


@pytest.mark.parametrize("text", FINE)
def test_markup_and_plain_text_are_no_loss(text: str) -> None:
    assert not loses(text.split("\n"))


def test_components_are_meant_in_mdx() -> None:
    assert loses(["<Tabs>"])
    assert not loses(["<Tabs items={x}>", "<>", "</Card.Title>"], components=True)
    assert loses(["`<Tabs>`"], components=True)


@pytest.mark.parametrize("text", [each for each in LOST + FINE if not each.startswith("#")])
def test_what_is_written_for_the_server_is_kept_by_it(text: str) -> None:
    read = "\n".join(read_markdown(kept(text).encode()))
    words = re.findall(r"\w+", text)
    assert [word for word in words if word not in re.findall(r"\w+", read)] == []


def test_tags_that_are_meant_stay() -> None:
    assert kept("a <br> b `<br>` List<T>", tags=True) == "a <br> b `&lt;br>` List&lt;T>"
    assert kept("a <br> b") == "a &lt;br> b"


def test_lines_made_for_it_take_no_time() -> None:
    assert not loses(["<" * 1_000_000, "#" * 1_000_000, "<b>" * 200_000])
    assert loses(["# " + " #" * 200_000])
    assert len(kept("<" * 1_000_000 + ">")) == 4_000_001
