"""kbsync that believes what a stat says; see `mutants`."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any
from unittest import mock

from kbsync.engine.control import rehash
from kbsync.engine.observe.content_check import ContentCheck
from kbsync.model import Stat
from kbsync.model.files import NO_CTIME
from kbsync.source import ticks
from tests.model.folder import File


def ctime_ignored() -> Any:
    """A change time does not belong to a stat."""

    def stat(file: File) -> Stat:
        return Stat(len(file.content), file.mtime_ns, file.inode, 1)

    def stat_of(found: Any, *, settled: bool) -> Stat:
        return Stat(found.st_size, found.st_mtime_ns, found.st_ino, 1 if settled else NO_CTIME)

    stack = ExitStack()
    stack.enter_context(mock.patch.object(File, "stat", property(stat)))
    stack.enter_context(mock.patch.object(ticks, "stat_of", stat_of))
    return stack


def racy_stat_believed() -> Any:
    """A stat counts however shortly after a write it was taken."""
    return mock.patch.object(ticks, "rested", return_value=True)


def checksum_believes_stats() -> Any:
    """No file is read whose stat is the recorded one."""
    return mock.patch.object(ContentCheck, "differing_row", return_value=None)


def nothing_read_again() -> Any:
    """The daemon reads no file that seems to have rested."""
    return mock.patch.object(rehash, "USUAL", float("inf"))
