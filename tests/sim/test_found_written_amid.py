"""What looked like an omission: files that are written to while the judge itself reads them."""

from __future__ import annotations

from pathlib import Path

from .history import History
from .quiescence import settle
from .rules import _by_hand
from .stories import NEW, one_pass, play_story

BEFORE, AFTER = b"text 1", b"text 2"


def test_the_judge_changes_no_file_that_is_held(empty: Path, tmp_path: Path) -> None:
    async def story(history: History) -> None:
        folder = history.folders["docs"]
        folder.write("a.md", BEFORE)
        await one_pass(history)
        _by_hand(history, "b.md", b"made by hand")
        folder.link("a.md", "b.md")
        folder.amid_hash["b.md"] = (BEFORE, AFTER)
        await settle(history)

    play_story(empty, tmp_path, story, able=NEW)


def test_what_was_written_to_amid_the_last_plan_is_judged_after_the_next_pass(
    empty: Path, tmp_path: Path
) -> None:
    async def story(history: History) -> None:
        folder = history.folders["docs"]
        folder.write("a.md", BEFORE)
        history.hidden = True  # so that the last plan reads what its pass has sent
        history.on_event = lambda event: folder.amid_hash.update({"a.md": (BEFORE, AFTER)})
        await settle(history)
        (document,) = history.server.documents.values()
        assert document.content == AFTER

    play_story(empty, tmp_path, story, able=NEW)
