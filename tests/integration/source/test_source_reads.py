"""A file is read once to decide and once to send: never again for its hash or its encoding."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from counted_reads import CountedReads

from kbsync.model import Present
from kbsync.source import payload as payload_module
from kbsync.source import ticks
from kbsync.source.encoding import BLOCK
from kbsync.source.folder import Folder
from kbsync.source.ticks import SECOND_NS, TICK_NS

pytestmark = pytest.mark.usefixtures("descriptors")
Make = Callable[..., Folder]

# Longer than a file that is looked into for blanks alone.
LINE = "Où est le garçon ? À l'école, très content." * 100 + "\n"
ONCE = 1.15  # and a little, for a sample of the letters


def rested(file: Path, content: bytes) -> None:
    """Write a file, and let the file system's clock go on."""
    file.write_bytes(content)
    time.sleep(1.5 * TICK_NS / 1e9)


def sent_text(source: Folder, path: str) -> str:
    with source.open(path) as sent:
        return sent.read().decode()  # type: ignore[union-attr]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("size", [BLOCK // 2, 3 * BLOCK])
def test_a_decision_and_an_upload_read_a_text_twice(
    ground: Path, folder: Make, monkeypatch: pytest.MonkeyPatch, encoding: str, size: int
) -> None:
    file, text = ground / "a.md", LINE * (size // len(LINE))
    rested(file, text.encode(encoding))
    source, reads = folder(max_file_size=1 << 30), CountedReads(monkeypatch)
    decided = source.read("a.md")
    assert isinstance(decided, Present)
    assert reads.whole(file) <= ONCE
    assert source.read("a.md") == decided
    assert reads.whole(file) <= ONCE
    assert sent_text(source, "a.md") == text
    assert reads.whole(file) <= 2 * ONCE


def test_an_edit_between_the_two_is_not_taken_for_what_was_read(ground: Path, folder: Make) -> None:
    file, source = ground / "a.md", folder()
    rested(file, LINE.encode())
    assert isinstance(source.read("a.md"), Present)
    rested(file, LINE.encode("cp1252"))
    assert sent_text(source, "a.md") == LINE


def test_what_is_known_of_a_file_just_written_is_not_kept(
    ground: Path, folder: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second write within the tick of the first would leave size and times as they were."""
    file, source = ground / "a.md", folder()
    monkeypatch.setattr(ticks, "TICK_NS", 10**18)
    file.write_bytes(LINE.encode())
    reads = CountedReads(monkeypatch)
    for _ in range(2):
        assert isinstance(source.read("a.md"), Present)
    assert reads.whole(file) == 2
    assert sent_text(source, "a.md") == LINE
    assert reads.whole(file) == 4


def test_what_is_known_of_a_file_just_written_is_not_kept_where_times_are_whole_seconds(
    ground: Path, folder: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, source = ground / "a.md", folder()
    file.write_bytes(LINE.encode())
    second = time.time_ns() // SECOND_NS * SECOND_NS
    os.utime(file, ns=(second, second))
    time.sleep(1.5 * TICK_NS / 1e9)
    reads = CountedReads(monkeypatch)
    for _ in range(2):
        assert isinstance(source.read("a.md"), Present)
    assert reads.whole(file) == 2


def test_only_so_much_is_remembered(
    ground: Path, folder: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(payload_module, "READ_FILES", 2)
    source, names = folder(), ["a.md", "b.md", "c.md"]
    for name in names:
        (ground / name).write_bytes(LINE.encode())
    time.sleep(1.5 * TICK_NS / 1e9)
    for name in names:
        source.read(name)
    reads = CountedReads(monkeypatch)
    assert {sent_text(source, name) for name in reversed(names)} == {LINE}
    assert [round(reads.whole(ground / name)) for name in names] == [2, 1, 1]


def put_back(file: Path, content: bytes) -> None:
    """Write to the file in place, and put its modification time back."""
    before = file.stat()
    file.write_bytes(content)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_a_time_that_was_put_back_is_seen_by_the_change_time(ground: Path, folder: Make) -> None:
    file, source = ground / "a.md", folder()
    rested(file, b"rate 100")
    before = source.look("a.md")
    put_back(file, b"rate 120")
    now = source.look("a.md")
    assert isinstance(before, Present)
    assert isinstance(now, Present)
    assert now.stat != before.stat
    assert now.stat[:3] == before.stat[:3]


def test_where_change_times_say_nothing_a_file_is_read_to_know(ground: Path, folder: Make) -> None:
    file, source = ground / "a.md", folder(trust_ctime=False)
    rested(file, b"rate 100")
    before = source.read("a.md")
    put_back(file, b"rate 120")
    assert isinstance(before, Present)
    assert [row[1:] for row in source.scan() if isinstance(row, tuple)] == [before.stat]
    assert source.read("a.md") == before  # what is remembered of that stat
    now = source.read("a.md", fresh=True)
    assert isinstance(now, Present)
    assert now.content != before.content
    assert source.read("a.md") == now


def test_the_stat_of_a_file_just_written_is_equal_to_no_later_look(
    ground: Path, folder: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, source = ground / "a.md", folder()
    file.write_bytes(LINE.encode())
    monkeypatch.setattr(ticks, "TICK_NS", 10**18)
    young, look = source.read("a.md"), source.look("a.md")
    with source.open("a.md") as sent:
        assert isinstance(young, Present)
        assert isinstance(look, Present)
        assert sent.stat == young.stat != look.stat  # type: ignore[union-attr]
        assert look.stat.agrees(young.stat)
    monkeypatch.setattr(ticks, "TICK_NS", 0)
    read = source.read("a.md")
    assert isinstance(read, Present)
    assert read.stat == look.stat
