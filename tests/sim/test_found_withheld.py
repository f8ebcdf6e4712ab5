"""What the simulator found about bases that take nothing, whatever is sent."""

from __future__ import annotations

from pathlib import Path

from .history import History
from .stories import NEW, one_pass, play_story, two_mirrored
from .trials import REFUSALS


def test_a_pass_ends_though_the_update_is_refused_that_the_others_wait_for(
    empty: Path, tmp_path: Path
) -> None:
    async def story(history: History) -> None:
        folder = await two_mirrored(history)
        folder.edit("a.md", b"edited")
        folder.edit("b.md", b"edited, too")
        history.server.withheld = REFUSALS[1]
        began = history.time()
        await one_pass(history)
        assert history.time() - began < 3600
        assert history.server.turned_away == 1
        history.server.withheld = None
        await one_pass(history)
        contents = {each.content for each in history.server.documents.values()}
        assert contents == {b"edited", b"edited, too"}

    play_story(empty, tmp_path, story, able=NEW)
