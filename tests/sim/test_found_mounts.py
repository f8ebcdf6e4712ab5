"""What the simulator found about disks below the root that come and go."""

from __future__ import annotations

import random
from functools import partial
from pathlib import Path

import anyio

from tests.model.folder import EMPTY

from .history import History
from .rules import lose_ledger
from .stories import NEW, one_pass, play_story
from .weather import Weather


def test_an_empty_disk_proves_nothing_to_a_ledger_that_was_lost(
    empty: Path, tmp_path: Path
) -> None:
    async def story(history: History) -> None:
        folder = history.folders["docs"]
        folder.nested["d"] = True
        for path in ("a.md", "d/a.md", "d/b.md"):
            folder.write(path, path.encode())
        await one_pass(history)
        lose_ledger(history, random.Random(1))
        folder.nested["d"], folder.strange = False, {"d"}
        await one_pass(history)
        assert len(history.server.documents) == 3

    play_story(empty, tmp_path, story, able=NEW)


def test_a_pass_that_was_released_stays_so_though_another_ends(empty: Path, tmp_path: Path) -> None:
    async def story(history: History) -> None:
        folder = history.folders["docs"]
        for number in range(6):
            folder.write(f"{number}.md", b"text %d" % number)
        await one_pass(history)
        folder.mount = EMPTY
        history.rival_ran = history.rivalry = True
        async with anyio.create_task_group() as group:
            for releases, disk in ((True, history.own), (False, history.rival)):
                chance = random.Random(1)
                run = partial(history.kbsync, chance, Weather(chance), releases=releases, disk=disk)
                group.start_soon(run)
        assert not history.server.documents

    play_story(empty, tmp_path, story, able=NEW)
