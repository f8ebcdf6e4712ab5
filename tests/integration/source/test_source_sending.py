"""How a file is sent by its rule: what is read, what is remembered, what is held."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kbsync.engine.ports import Known
from kbsync.model import FileState, Present, Skipped, Unknown
from kbsync.source import conversion
from kbsync.source.convert import converters, rich
from kbsync.source.document_rules import RulesOfMirror
from kbsync.source.folder import Folder
from tests import rich_files
from tests.declared import mirror_config

Make = Callable[..., Folder]

NOTE = rich_files.notebook({"cell_type": "markdown", "source": "granite"})
RULES = [
    {"match": ["*.ipynb", "*.pptx"], "send": "converted"},
    {"match": ["*.py", "notes/"], "send": "text"},
]


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The types of the files that were converted."""
    seen: list[str] = []

    def become(fd: int, ending: str, **how: Any) -> Any:
        seen.append(ending)
        return rich.become(fd, ending, **how)

    monkeypatch.setattr(conversion, "become", become)
    return seen


def read(source: Folder, path: str, **how: Any) -> Present:
    found = source.read(path, **how)
    assert isinstance(found, Present), found
    return found


def code(state: FileState) -> str:
    assert isinstance(state, Unknown | Skipped), state
    return state.why.code


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_unchanged_bytes_are_not_converted_again(
    ground: Path, folder: Make, counted: list[str]
) -> None:
    (ground / "a.ipynb").write_bytes(NOTE)
    first = read(folder(rules=RULES), "a.ipynb")
    assert (first.source, first.content) == (sha(NOTE), sha(b"granite\n\n"))
    assert counted == ["ipynb"]

    # Another process, a file with another time, a forced look at its content.
    os.utime(ground / "a.ipynb", (1, 1))
    known = Known(source=first.source or "", content=first.content or "")
    for fresh in (False, True):
        again = read(folder(rules=RULES), "a.ipynb", fresh=fresh, known=known)
        assert (again.source, again.content) == (first.source, first.content)
        assert again.stat.mtime_ns == 1_000_000_000
    assert counted == ["ipynb"]

    changed = rich_files.notebook({"cell_type": "markdown", "source": "basalt"})
    (ground / "a.ipynb").write_bytes(changed)
    assert read(folder(rules=RULES), "a.ipynb", known=known).content == sha(b"basalt\n\n")
    assert counted == ["ipynb", "ipynb"]


def test_what_was_read_to_decide_is_not_converted_again_to_be_sent(
    ground: Path, folder: Make, counted: list[str]
) -> None:
    (ground / "a.ipynb").write_bytes(NOTE)
    os.utime(ground / "a.ipynb", (1, 1))
    source = folder(rules=RULES, trust_ctime=False)
    read(source, "a.ipynb")
    with source.open("a.ipynb") as sent:
        assert not isinstance(sent, Unknown)
        assert (sent.read(), sent.media_type, sent.size) == (b"granite\n\n", "text/markdown", 9)
        assert sent.source == sha(NOTE)
    assert counted == ["ipynb"]


def test_types_are_taken_where_a_rule_says_how(ground: Path, folder: Make) -> None:
    for name in ("a.py", "a.ipynb", "a.rst", "notes/b", "notes/c.xyz", "photo.png"):
        (ground / name).parent.mkdir(exist_ok=True)
        (ground / name).write_bytes(b"text")
    seen = {
        each[0] if isinstance(each, tuple) else each.key.path: each
        for each in folder(rules=RULES, extensions={"md"}).scan()
        if isinstance(each, tuple | Skipped)
    }
    taken = {path for path, each in seen.items() if isinstance(each, tuple)}
    assert taken == {"a.py", "a.ipynb", "notes/b", "notes/c.xyz"}
    source = folder(rules=RULES, extensions={"md"})
    for path, each in seen.items():
        assert isinstance(source.look(path), Skipped) == isinstance(each, Skipped)


def test_only_what_comes_out_has_to_be_small(ground: Path, folder: Make) -> None:
    picture = {"cell_type": "code", "source": "1", "outputs": [{"data": {"image/png": "A" * 5000}}]}
    (ground / "a.ipynb").write_bytes(rich_files.notebook(picture))
    (ground / "b.ipynb").write_bytes(
        rich_files.notebook({"cell_type": "markdown", "source": "x" * 5000})
    )
    source = folder(rules=RULES, max_file_size=1000)
    assert len([each for each in source.scan() if isinstance(each, tuple)]) == 2
    assert read(source, "a.ipynb").content == sha(b"```python\n1\n```\n\n")
    assert code(source.read("b.ipynb")) == "KB-S008"


def test_what_is_no_text_is_skipped(ground: Path, folder: Make) -> None:
    (ground / "a.py").write_bytes(b"\x7fELF\x02\x01\x01\0" + bytes(range(256)) * 9)
    (ground / "b.py").write_bytes("größe = 1\n".encode("utf-16"))
    source = folder(rules=RULES)
    assert code(source.glance("a.py")) == code(source.read("a.py")) == "KB-S235"
    assert read(source, "b.py").content == sha("größe = 1\n".encode())


def test_what_has_no_text_in_it_is_skipped(ground: Path, folder: Make) -> None:
    (ground / "a.ipynb").write_bytes(rich_files.notebook())
    assert code(folder(rules=RULES).read("a.ipynb")) == "KB-S234"


def test_without_the_packages_a_file_is_held_and_never_sent_raw(
    ground: Path, folder: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rich, "missing", lambda ending, *, rows: ("python-pptx",))
    (ground / "a.pptx").write_bytes(b"PK")
    (ground / "a.pptx").write_bytes(rich_files.zipped({"[Content_Types].xml": "x"}))
    source = folder(rules=RULES)
    for found in (source.glance("a.pptx"), source.read("a.pptx")):
        assert isinstance(found, Unknown)
        assert found.why.code == "KB-S232"
        assert "python-pptx" in found.why.text
        assert " install " in found.why.next
    with source.open("a.pptx") as sent:
        assert isinstance(sent, Unknown)


def test_a_converter_is_part_of_the_settings_of_what_it_touches(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def settings() -> dict[str, str]:
        converters.version.cache_clear()
        rules = RulesOfMirror(mirror_config(rules=RULES))
        return {path: rules.of(path).settings for path in ("a.pptx", "a.ipynb", "a.py", "a.md")}

    before, plain = settings(), RulesOfMirror(mirror_config()).of("a.md").settings
    assert before["a.md"] == plain, "nothing that is sent as before is sent again"
    assert len(set(before.values())) == 4
    monkeypatch.setattr(converters, "_version", lambda package: "99")
    after = settings()
    assert {path for path in before if after[path] != before[path]} == {"a.pptx"}
    converters.version.cache_clear()


def test_a_link_base_touches_the_types_that_link() -> None:
    plain = RulesOfMirror(mirror_config())
    linked = RulesOfMirror(mirror_config(links="https://docs.example/"))
    touched = {
        path
        for path in ("a.md", "a.mdx", "a.html", "a.txt", "a.pdf", "a.csv")
        if linked.of(path).settings != plain.of(path).settings
    }
    assert touched == {"a.md", "a.mdx", "a.html"}


def test_links_of_a_page_in_any_charset(ground: Path, folder: Make) -> None:
    (ground / "a.html").write_bytes(b"<p>gr\xfc\xdfe <a href='b.html'>b</a>")
    source = folder(links="https://docs.example", extensions={"html"})
    with source.open("a.html") as sent:
        assert not isinstance(sent, Unknown)
        expected = b"<p>gr\xfc\xdfe <a href='https://docs.example/b.html'>b</a>"
        assert sent.read() == expected
        assert sent.media_type == "text/html"
