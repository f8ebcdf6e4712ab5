"""A map of paths to documents, as CSV and as YAML, and everything that may be wrong with one."""

from __future__ import annotations

from pathlib import Path

import pytest

from kbsync.config.adopt_map import read_pairs
from kbsync.messages import Problem

GOOD = {
    "plain.csv": "a/b.md,ID-1\nc.md,ID-2\n",
    "headed.csv": "path,document_id\na/b.md,ID-1\nc.md, ID-2\n\n",
    "crlf.csv": "\ufeffPath,Document\r\na/b.md,ID-1\r\n./c.md,ID-2\r\n",
    "noname": "a/b.md,ID-1\nc.md,ID-2",
    "map.yaml": "a/b.md: ID-1\n# a comment\nc.md: ID-2\n",
    "map.yml": "'a/b.md': 'ID-1'\n./c.md: ID-2\n",
    "map.json": '{"a/b.md": "ID-1", "c.md": "ID-2"}',
}

BAD = {
    "empty.csv": ("", 1),
    "heading.csv": ("path,document_id\n", 1),
    "one.csv": ("a.md,ID\nb.md\n", 2),
    "three.csv": ("a.md,ID,x\n", 1),
    "blank.csv": ("a.md,\n", 1),
    "quote.csv": ('a.md,"ID\n', 1),
    "latin.csv": (b"a.md,ID\n\xe9.md,ID\n", 2),
    "list.yaml": ("- a.md\n", 1),
    "deep.yaml": ("a.md: ID\nb.md: {c: d}\n", 2),
    "none.yaml": ("a.md:\n", 1),
    "broken.yaml": ("a.md: 'ID\n", 2),
    "nested.json": ("[" * 5000, 1),
    "empty.yaml": ("# nothing\n", 1),
}


@pytest.mark.parametrize("name", GOOD)
def test_a_map_is_read(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(GOOD[name].encode())
    assert read_pairs(tmp_path / name) == [("a/b.md", "ID-1"), ("c.md", "ID-2")]


def test_doubled_lines_are_kept_and_odd_paths_survive(tmp_path: Path) -> None:
    (tmp_path / "map.yaml").write_text('a.md: 1\na.md: 2\n"e\u0301, ${x}.md": 1e5\n')
    found = [("a.md", "1"), ("a.md", "2"), ("\u00e9, ${x}.md", "1e5")]
    assert read_pairs(tmp_path / "map.yaml") == found
    (tmp_path / "map.csv").write_text('a.md,1\na.md,2\n"e\u0301, ${x}.md",1e5\n')
    assert read_pairs(tmp_path / "map.csv") == found


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_map_is_reported_with_its_line(tmp_path: Path, name: str) -> None:
    text, line = BAD[name]
    (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(Problem) as caught:
        read_pairs(tmp_path / name)
    assert caught.value.notice.code == "KB-A023"
    assert caught.value.notice.words["line"] == str(line)


@pytest.mark.parametrize("name", ["nowhere.csv", "."])
def test_what_cannot_be_read_is_reported(tmp_path: Path, name: str) -> None:
    with pytest.raises(Problem) as caught:
        read_pairs(tmp_path / name)
    assert caught.value.notice.code == "KB-A022"
