"""Relative targets become absolute, in what links and nowhere else."""

from __future__ import annotations

import pytest

from kbsync.source.convert.links import Links

LINKS = Links("https://docs.example/kb", "guides/in stall.md")
BASE = "https://docs.example/kb/"


def line(text: str) -> str:
    return "".join(LINKS.markdown([text]))


@pytest.mark.parametrize(
    ("target", "absolute"),
    [
        ("a.md", BASE + "guides/a.md"),
        ("../img/p.png", BASE + "img/p.png"),
        ("./a.md#part", BASE + "guides/a.md#part"),
        ("/top.md", BASE + "top.md"),
        ("../../../etc/passwd", BASE + "etc/passwd"),
        ("#part", "#part"),
        ("https://x.example/a", "https://x.example/a"),
        ("mailto:a@example.com", "mailto:a@example.com"),
        ("//cdn.example/a.js", "//cdn.example/a.js"),
        ("data:image/png;base64,AA", "data:image/png;base64,AA"),
    ],
)
def test_a_target_is_resolved_against_the_path_of_its_file(target: str, absolute: str) -> None:
    assert LINKS.of(target) == absolute


def test_links_pictures_definitions_and_attributes_are_rewritten() -> None:
    assert line("see [a](a.md) and ![p](<p.png> 'title')") == (
        f"see [a]({BASE}guides/a.md) and ![p](<{BASE}guides/p.png> 'title')"
    )
    assert line("[ref]: ../x.md 'T'") == f"[ref]: {BASE}x.md 'T'"
    assert line('<img src="p.png"> [w](a_(b).md)') == (
        f'<img src="{BASE}guides/p.png"> [w]({BASE}guides/a_(b).md)'
    )


def test_code_is_left_alone() -> None:
    lines = ["```", "[a](a.md)", "```", "`[a](a.md)` [b](b.md)", "a ` [c](c.md)"]
    assert list(LINKS.markdown(lines)) == [
        *lines[:3],
        f"`[a](a.md)` [b]({BASE}guides/b.md)",
        f"a ` [c]({BASE}guides/c.md)",
    ]


def test_html_is_rewritten_in_its_attributes() -> None:
    page = "<a href='b.html'>b.html</a><script src=\"/s.js\"></script><a href='#x'>"
    assert "".join(LINKS.html([page])) == (
        f"<a href='{BASE}guides/b.html'>b.html</a><script src=\"{BASE}s.js\"></script><a href='#x'>"
    )


@pytest.mark.parametrize("piece", ["](", "[", "(", "href='", "src=", "](a(", "`", "]: "])
def test_lines_made_for_it_take_no_time(piece: str) -> None:
    line(piece * 100_000)
    list(LINKS.html([piece * 100_000]))
