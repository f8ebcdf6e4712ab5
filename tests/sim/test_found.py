"""What the simulator found, each told by itself."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio
import pytest
from engine.fakes import stage
from engine.server import REFUSED
from engine.words import key_of

from kbsync.engine.drive import Drive
from kbsync.model import Capabilities, Hold

from .history import History, play
from .program import Program
from .quiescence import plans
from .weather import Weather


@pytest.mark.anyio
async def test_without_waiting_a_pass_ends_though_a_document_is_done_as_the_workers_leave() -> None:
    on = stage({"a.md": b"first", "b.md": b"second"})
    on.server.indexing = 0.01
    on.server.faults["create"].extend([None, REFUSED])
    drive = Drive(on.world, listing=None, observe=on.events.append, workers=1)
    with anyio.fail_after(3600):
        report = await drive.run(map(key_of, ["a.md", "b.md"]), wait=False)
    assert on.states() == {"a.md": "synced"}
    assert report.indexing == report.waiting == 0


# -- told in the simulator's own world, on the real ledger -----------------------------------------

NEW = Capabilities(version="1.13.0")


async def _pass(history: History) -> None:
    chance = random.Random(1)
    await history.kbsync(chance, Weather(chance), releases=False)


def _tell(
    empty: Path, place: Path, story: Callable[[History], Awaitable[None]], *, able: Capabilities
) -> History:
    async def told(history: History) -> None:
        history.server.able, history.fine = able, True
        await story(history)

    return play(Program(0, ()), place, empty, told)


def test_a_mark_that_somebody_took_off_is_written_again(empty: Path, tmp_path: Path) -> None:
    async def story(history: History) -> None:
        history.folders["docs"].write("a.md", b"text")
        await _pass(history)
        (document,) = history.server.documents.values()
        marked, document.metadata = document.metadata, {"theirs": "1"}
        await _pass(history)
        assert document.metadata == {**marked, "theirs": "1"}

    history = _tell(empty, tmp_path, story, able=NEW)
    assert sum(" create a.md b" in line for line in history.trace) == 1


def test_an_old_document_that_somebody_archived_during_a_swap_is_held(
    empty: Path, tmp_path: Path
) -> None:
    async def story(history: History) -> None:
        history.swap = True
        history.folders["docs"].write("a.md", b"text")
        await _pass(history)
        (old,) = history.server.documents.values()
        history.folders["docs"].edit("a.md", b"another text")
        history.on_event = lambda event: setattr(old, "archived", True)
        await _pass(history)
        (planned,) = await plans(history)
        (action,) = planned.plan.actions
        assert isinstance(action, Hold)
        assert action.why.code == "KB-E006"
        old.archived = False
        await _pass(history)
        assert [each.content for each in history.server.documents.values()] == [b"another text"]

    _tell(empty, tmp_path, story, able=NEW)
