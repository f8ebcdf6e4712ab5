"""What the simulator found about disks below the root that come and go."""

from __future__ import annotations

import random
from pathlib import Path

from .history import History
from .rules import lose_ledger
from .stories import NEW, one_pass, play_story


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
