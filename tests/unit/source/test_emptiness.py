"""Emptiness is one case: 0 bytes, a mark alone, blanks alone."""

from __future__ import annotations

import codecs
from pathlib import Path

import anyio
import pytest
from declared import mirror_config

from kbsync.engine.observe.glances import glanced
from kbsync.messages.source import EMPTY
from kbsync.model import Cause, Create, DocKey, FileState, Present, Skipped, Stat, Unknown
from kbsync.source.emptiness import holds_nothing
from kbsync.source.folder import Folder

NOTHING = {
    "no byte": b"",
    "mark": codecs.BOM_UTF8,
    "mark and blanks": codecs.BOM_UTF8 + b" \r\n",
    "blanks": b"  \n\t\n" * 300,
    "wide blanks": "\u00a0\u3000\u2028".encode(),
    "mark of UTF-16": codecs.BOM_UTF16_LE,
    "blanks in UTF-16": "  \n".encode("utf-16"),
    "blanks in UTF-16, no mark": "  \n".encode("utf-16-be"),
    "mark of UTF-32": codecs.BOM_UTF32_LE,
    "NULs": bytes(64),
    "two marks": codecs.BOM_UTF8 * 2,
}
SOMETHING = {"letter": b" \n.", "UTF-16": "x".encode("utf-16"), "latin": b"\xe9", "zero": b"0"}


@pytest.mark.parametrize("name", ["a.md", "a.txt", "a.csv", "a.html"])
@pytest.mark.parametrize("content", NOTHING.values(), ids=NOTHING)
def test_nothing_in_it(tmp_path: Path, content: bytes, name: str) -> None:
    (tmp_path / name).write_bytes(content)
    source = Folder(mirror_config(tmp_path))
    for state in (source.look(name), source.read(name)):
        assert isinstance(state, Skipped)
        assert state.why == EMPTY()
    with source.open(name) as opened:
        assert isinstance(opened, Unknown)


@pytest.mark.parametrize("content", SOMETHING.values(), ids=SOMETHING)
def test_something_in_it(tmp_path: Path, content: bytes) -> None:
    assert not holds_nothing(content)
    (tmp_path / "a.md").write_bytes(content)
    assert isinstance(Folder(mirror_config(tmp_path)).look("a.md"), Present)


def test_a_new_file_with_nothing_in_it_is_no_change() -> None:
    key = DocKey(mirror="docs", path="ws.md")
    create = Create(
        key=key, row="T9", cause=Cause.NEW, stat=Stat(size=3, mtime_ns=1, inode=1, ctime_ns=1)
    )
    state = Skipped(key=key, why=EMPTY())

    class Glanced(Folder):
        def glance(self, path: str) -> FileState:
            return state

    actions, skipped = anyio.run(glanced, Glanced(mirror_config("/fake")), [create])
    assert (actions, skipped) == ([], [state])
