"""Standard output and error that refuse what is written, or are not read."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import threading

import pytest

from kbsync.cli import descriptor
from kbsync.cli.background_writer import BackgroundWriter
from kbsync.cli.descriptor import Descriptor


class Disk:
    """Takes so many bytes and is full then."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.written = b""

    def write(self, number: int, piece: bytes) -> int:
        if not self.room:
            raise OSError(errno.ENOSPC, "full")
        taken = piece[: self.room]
        self.written += taken
        self.room -= len(taken)
        return len(taken)


def test_a_line_that_was_begun_comes_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Disk(8)
    monkeypatch.setattr(descriptor.os, "write", disk.write)
    log = Descriptor(2)

    assert [log.write(each) for each in (b"one\n", b"another\nand\n", b"lost\n")] == [
        True,
        False,
        False,
    ]
    disk.room = 2
    assert not log.write(b"lost too\n")
    disk.room = 100
    assert log.write(b"last\n")

    assert disk.written == b"one\nanother\nlast\n"
    assert log.fault is None
    assert log.refused


def test_a_pipe_that_its_owner_made_non_blocking() -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    text = b"x" * 200_000
    read = bytearray()

    def take() -> None:
        while len(read) < len(text):
            read.extend(os.read(reading, 65536))

    reader = threading.Thread(target=take)
    reader.start()
    assert Descriptor(writing).write(text)
    reader.join()
    assert bytes(read) == text
    os.close(reading)
    os.close(writing)


def test_lines_that_wait_too_long_are_lost_and_counted() -> None:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    pipe = os.write(writing, b"x" * 65536)  # it is full now
    lost, said = [], threading.Event()
    writer = BackgroundWriter(most=10, healed=lambda lines: (lost.append(lines), said.set()))
    log = Descriptor(writing)

    for line in (b"one\n", b"two\n", b"three\n", b"four\n"):
        writer.add(log, line)
    assert len(os.read(reading, pipe)) == pipe

    assert said.wait(10)
    assert writer.finish()
    assert os.read(reading, 100) == b"one\ntwo\n"
    assert lost == [2]
    os.close(reading)
    os.close(writing)


def test_a_log_without_a_reader_does_not_hold_up_the_end() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"x" * 65536)
    writer = BackgroundWriter(patience=0.01)
    writer.add(Descriptor(writing), b"one\n")
    assert not writer.finish()
    os.close(reading)  # the thread ends, too
    os.close(writing)


FOREIGN = """
import logging, sys, threading, warnings
from kbsync.app import foreign_lines, logs
logs.configure("info")
foreign_lines.take()
logging.getLogger("some.library").warning("a record")
warnings.warn("a warning")
print("a print")
thread = threading.Thread(target=lambda: 1 / 0)
thread.start()
thread.join()
class Torn:
    def __del__(self): raise KeyError("tidying")
Torn()
raise ValueError("the end")
"""


def test_what_others_print_is_json_too() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", FOREIGN], capture_output=True, text=True, check=False
    )
    lines = [json.loads(line) for line in ran.stderr.splitlines()]
    assert [line["event"] for line in lines] == [
        "library",
        "library",
        "printed",
        "fault in a thread",
        "fault while tidying up",
        "fault",
    ]
    assert not ran.stdout
