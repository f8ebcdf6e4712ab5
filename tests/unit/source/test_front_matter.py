"""Front matter: what of a text is left out, and what its fields are."""

from __future__ import annotations

import time

import pytest

from kbsync.model import Typed
from kbsync.source.front_matter import LONGEST, behind_front_matter, chosen, front_matter
from kbsync.source.yaml_fields import NotUsableError


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("---\ntitle: A\n---\nbody\n", "body\n"),
        ("---\ntitle: A\n...\nbody\n", "body\n"),
        ("---  \r\ntitle: A\r\n---\r\n\r\nbody\r\n", "body\r\n"),
        ("---\n# a comment\n\ntitle: A\n---\n\n \n\nbody", "body"),
        ("---\n---\nbody\n", "body\n"),
        ("---\ntitle: A\n---", ""),
        ("---\n'quoted key': 1\nlist:\n- a\n---\nbody", "body"),
        ("---\ntitle: [broken\n---\nbody", "body"),
    ],
)
def test_it_is_left_out(text: str, rest: str) -> None:
    assert text[front_matter(text)[1] :] == rest
    assert "".join(behind_front_matter(iter(text))) == rest


@pytest.mark.parametrize(
    "text",
    [
        "body\n---\ntitle: A\n---\n",
        "---\ntitle: A\nnever closed\n",
        "---\nA sentence between two rules\n---\nbody\n",
        "---\n- a list\n---\n",
        "----\ntitle: A\n---\n",
        " ---\ntitle: A\n---\n",
        "--- title: A\n---\n",
        "---\n" + f"title: {'a' * LONGEST}\n" + "---\nbody\n",
        "",
        "-",
    ],
)
def test_what_is_none_stays(text: str) -> None:
    assert front_matter(text) == ("", 0)
    assert "".join(behind_front_matter(iter([text[:2], text[2:]]))) == text


def test_types_of_fields() -> None:
    yaml = (
        "title: A\nweight: 3\nratio: 1.5\ndate: 2024-05-01\nquoted: '2024-05-01'\ndraft: true\n"
        "tags: [a, 2, true]\nempty:\nblank: ''\nclock: 10:30\nversion: 1.10.0\nother: {x: 1}\n"
    )
    names = ("title", "weight", "ratio", "date", "quoted", "draft", "tags", "empty", "blank")
    found = chosen(yaml, (*names, "clock", "version", "absent"))
    assert found == {
        "title": Typed("string", "A"),
        "weight": Typed("number", 3),
        "ratio": Typed("number", 1.5),
        "date": Typed("time", 1_714_521_600),
        "quoted": Typed("time", 1_714_521_600),
        "draft": Typed("string", "true"),
        "tags": Typed("string", "a, 2, true"),
        "empty": None,
        "blank": None,
        "clock": Typed("string", "10:30"),
        "version": Typed("string", "1.10.0"),
    }


@pytest.mark.parametrize(
    "yaml",
    [
        "title: [A\n",
        "title: {x: 1}\n",
        "title: [[1]]\n",
        "title: A\ntitle: B\n",
        'title: "\\0"\n',
        'title: "\\ud800"\n',
        "title: " + "[" * 100 + "\n",
        "title: " + "a" * 30_000 + "\n",
        "title: a\x07b\n",
        "- title\n",
        "title: *nothing\n",
        "title: !!python/object:os.system {}\n",
    ],
)
def test_what_is_no_field_is_named(yaml: str) -> None:
    with pytest.raises(NotUsableError):
        chosen(yaml, ("title",))


def test_what_is_not_chosen_is_not_looked_at() -> None:
    assert chosen("title: A\nother: {x: [y]}\n", ("title",)) == {"title": Typed("string", "A")}
    assert chosen("title: [A\n", ()) == {}


def test_a_bomb_costs_little() -> None:
    bomb = "a: &a [x, x]\n" + "".join(
        f"b{n}: &b{n} [{', '.join([f'*b{n - 1}' if n else '*a'] * 9)}]\n" for n in range(12)
    )
    begun = time.monotonic()
    with pytest.raises(NotUsableError):
        chosen(bomb, ("b11",))
    lines = "---\n" + "title: a\n" * 7000
    front_matter(lines)
    assert time.monotonic() - begun < 5
