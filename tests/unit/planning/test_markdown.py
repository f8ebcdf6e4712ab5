"""A plan as Markdown: it shows what the text shows, and no name of a file is markup in it."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from markdown_it import MarkdownIt

from kbsync.model import Action, Cause, Create, Delete, DocKey, Stat
from kbsync.planning import plan_text
from kbsync.planning.markdown import as_markdown
from kbsync.planning.plan import Plan, make_plan

HOSTILE = (
    "**bold**.md",
    "_draft_ __init__.md",
    "`code`.md",
    "a|b.md",
    "[link](https:evil.example).md",
    "<img src=x onerror=alert(1)>.md",
    "</summary></details><script>x</script>.md",
    "1. one.md",
    "# heading.md",
    "~~gone~~.md",
    "&lt;entity&gt;.md",
    "new\nline.md",
    "\u202efdp.md",
    "@everyone #12 :tada:.md",
)
OURS = {"p", "h3", "ul", "li", "strong", "details", "summary", "code"}


class _Shown(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.words = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        assert not attrs

    def handle_data(self, data: str) -> None:
        self.words += data


def _plan(*paths: str) -> Plan:
    stat = Stat(1, 1, 1, 1)
    actions: list[Action] = [
        Create(key=DocKey(mirror="docs", path=path), row="T9", cause=Cause.NEW, stat=stat)
        for path in paths
    ]
    return make_plan(actions)


def _shown(plan: Plan, **more: int) -> _Shown:
    found = _Shown()
    read = MarkdownIt("gfm-like", {"linkify": False})
    found.feed(read.render("\n".join(as_markdown(plan, **more))))
    return found


@pytest.mark.parametrize("path", HOSTILE)
def test_a_name_is_text(path: str) -> None:
    plan = _plan(path)
    found = _shown(plan)
    assert found.tags <= OURS
    assert plan_text.line_of(plan.actions[0]) in found.words


def test_the_sign_of_a_deletion_begins_no_list() -> None:
    gone: list[Action] = [
        Delete(
            key=DocKey(mirror="docs", path="old.md"),
            row="T20",
            cause=Cause.REMOVED,
            document_id="d-1",
            name="old.md",
        )
    ]
    plan = make_plan(gone)
    assert plan_text.line_of(plan.actions[0]) in _shown(plan).words


def test_it_says_what_the_text_says() -> None:
    plan = _plan("a.md", "b.md")
    assert plan_text.summary(plan) in _shown(plan).words


def test_a_long_plan_is_counted() -> None:
    found = _shown(_plan(*(f"{number}.md" for number in range(30))), most=10)
    assert len(re.findall(r"\+ \d+\.md", found.words)) == 10
    assert "30 to create" in found.words
    assert "20 more" in found.words
