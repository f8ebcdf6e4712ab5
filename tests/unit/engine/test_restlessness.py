"""A file that never rests costs a bounded number of uploads, and is read in the end."""

from __future__ import annotations

from itertools import pairwise

import anyio
import pytest

from kbsync.engine.control.restlessness import distance, longest_settling, next_upload
from kbsync.model import Restless

from .controlled import SETTLE, controlled, counted
from .fakes import stage

pytestmark = pytest.mark.anyio


def test_the_distance_doubles_from_the_fourth_upload_on_and_has_an_end() -> None:
    assert [distance(n, 10.0) for n in range(7)] == [0, 0, 0, 10, 20, 40, 80]
    assert distance(10_000, 10.0) == 900
    assert distance(9, 3600.0) == 3600
    assert distance(9, 0.0) == 0


def test_a_document_that_rested_may_be_sent_at_once() -> None:
    assert next_upload(None, 10.0) == float("-inf")
    assert next_upload(Restless(uploads=4, last=100.0), 10.0) == 120


async def test_what_changes_all_the_time_is_uploaded_at_a_growing_distance() -> None:
    on = counted(stage())
    on.synced("log.txt", b"old")
    async with controlled(on) as it:
        for n in range(1800):
            it.write("log.txt", b"line\n" * (n + 1))
            await anyio.sleep(2)
        sent = on.server.times("update")
        gaps = [later - earlier for earlier, later in pairwise(sent)]
        assert 8 <= len(sent) <= 12
        assert [round(gap / 10) * 10 for gap in gaps[2:6]] == [10, 20, 40, 80]
        await anyio.sleep(1000)
        assert it.exact()


async def test_a_person_who_saves_now_and_then_waits_for_nothing() -> None:
    on = counted(stage())
    on.synced("a.md", b"old")
    async with controlled(on) as it:
        for n in range(3):
            it.write("a.md", b"text %d" % n)
            await anyio.sleep(SETTLE + 8)
            assert it.exact()


async def test_a_settle_that_never_comes_has_an_end() -> None:
    on = counted(stage())
    on.synced("log.txt", b"old")
    async with controlled(on) as it:
        began = it.now()
        while not on.server.times("update"):
            it.write("log.txt", b"line\n" * int(2 + it.now() - began))
            await anyio.sleep(SETTLE / 2)
            assert it.now() - began < longest_settling(SETTLE) + 5
        assert it.now() - began >= longest_settling(SETTLE) - 1


async def test_other_files_do_not_wait_for_the_restless_one() -> None:
    on = counted(stage())
    on.synced("log.txt", b"old")
    on.synced("a.md", b"old")
    async with controlled(on) as it:
        for n in range(60):
            it.write("log.txt", b"line\n" * (n + 1))
            await anyio.sleep(2)
        it.write("a.md", b"new")
        await anyio.sleep(SETTLE + 5)
        assert on.states()["a.md"] == "synced"
        assert it.controller.status.unsettled == ("log.txt",)
