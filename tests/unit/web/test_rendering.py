"""What a page makes of hostile texts."""

from __future__ import annotations

import re

import pytest

from kbsync.messages import daemon as say
from kbsync.model import JournalLine
from kbsync.web.rendering import HEADERS, Renderer, name, passage, url

HOSTILE = [
    "<script>alert(1)</script>.md",
    '"><img src=x onerror=alert(1)>.md',
    "a&lt;b>.md",
    "price\u202etxt.md",
    "\u2066hidden\u2069.md",
    "bell\x07and\ttab\nline.md",
    "l" * 252 + ".md",
    "guides//caf\\xe9.md",
    "{{ 7 * 7 }}{% raw %}.md",
    "javascript:alert(1)",
    "שלום עולם.md",
    "\udce9lone.md",
]


def text_of(html: str) -> str:
    """Return what a browser shows of `html`."""
    shown = re.sub(r"<[^>]*>", "", html)
    for entity, letter in (("&lt;", "<"), ("&gt;", ">"), ("&#34;", '"'), ("&#39;", "'")):
        shown = shown.replace(entity, letter)
    return shown.replace("&amp;", "&")


@pytest.mark.parametrize("text", HOSTILE)
def test_a_name_is_text_and_nothing_else(text: str) -> None:
    html = str(name(text))
    assert re.fullmatch(r"<bdi>[^<>]*</bdi>", html)
    shown = text_of(html)
    assert shown.isprintable()
    if text.isprintable():
        assert shown == text


def test_what_steers_is_shown_as_what_it_is() -> None:
    assert str(name("price\u202etxt.md")) == r"<bdi>price\u202etxt.md</bdi>"
    assert str(name("a\x07b")) == r"<bdi>a\x07b</bdi>"
    assert str(passage("one\r\ntwo\t3\x1b[31m<b>")) == "one\ntwo\t3\\x1b[31m&lt;b&gt;"


@pytest.mark.parametrize("text", HOSTILE[:-1])
def test_a_url_quotes_what_it_is_given(text: str) -> None:
    found = url("mirrors", text, "level", folder=text)
    assert re.fullmatch(r"[A-Za-z0-9/_.~%?=+-]+", found)
    assert not found.startswith("//")


def test_a_journal_of_hostile_paths_has_no_markup_of_theirs() -> None:
    lines = [
        (
            number,
            JournalLine(
                at=1.0,
                mirror="docs",
                path=path,
                action="create",
                document_id=None,
                outcome=path,
                milliseconds=1,
                detail=path,
            ),
        )
        for number, path in enumerate(HOSTILE)
    ]
    values = {
        **{"here": "/journal", "mirrors": ["docs"], "logged_in": False, "form": ""},
        **{"asks_for_token": False, "actions": (), "misread": False, "more": "", "lines": lines},
        "chosen": dict.fromkeys(("mirror", "action", "path", "since", "failed"), HOSTILE[1]),
    }
    html = Renderer().html("journal.html", **values)
    assert "<script>alert" not in html
    assert "<img" not in html
    assert "\u202e" not in html.replace(HOSTILE[3], "")
    assert "49" not in re.sub(r"<[^>]*>", "", html)


def test_the_policy_allows_files_of_the_package_alone() -> None:
    policy = dict(
        part.strip().split(" ", 1) for part in HEADERS["content-security-policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    for source in ("script-src", "style-src", "connect-src", "form-action"):
        assert policy[source] == "'self'"
    assert policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert HEADERS["x-content-type-options"] == "nosniff"
    assert HEADERS["referrer-policy"] == "no-referrer"


def test_no_template_has_a_script_or_a_style_of_its_own() -> None:
    environment = Renderer()._templates
    assert len(environment.list_templates()) > 10
    for each in environment.list_templates():
        assert environment.loader is not None
        source = environment.loader.get_source(environment, each)[0]
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:|\|\s*safe", source), each
        assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", source)), each


def test_a_problem_ends_with_what_to_type() -> None:
    html = Renderer().html("login.html", back="/", why=say.WRONG_TOKEN())
    assert "KB-K371" in html
    assert "Next: " in html
