"""What people do at the server of a history is what they can do at a real one."""

from __future__ import annotations

import random
from pathlib import Path

from .cut_texts import SEPARATOR
from .history import History
from .rules import edit_chunk, rename_metadata
from .stories import NEW, one_pass, play_story
from .trials import TITLE, title


def test_an_edited_chunk_of_a_text_that_was_sent_cut_shows_it(empty: Path, tmp_path: Path) -> None:
    async def story(history: History) -> None:
        history.folders["docs"].write("a.md", b"chunk 1" + SEPARATOR)
        await one_pass(history)
        (document,) = history.server.documents.values()
        for seed in range(10):
            before = dict(document.cut)
            edit_chunk(history, random.Random(seed))
            assert document.cut != before
        assert document.edits == 0
        document.cut = before

    play_story(empty, tmp_path, story, able=NEW)


def test_a_field_that_bears_the_name_of_a_renamed_one_is_another(
    empty: Path, tmp_path: Path
) -> None:
    async def story(history: History) -> None:
        history.folders["docs"].write("a.md", b"text")
        await one_pass(history)
        fields = history.server.fields
        fields.clear()
        title(history, random.Random(0))
        rename_metadata(history, random.Random(0))
        title(history, random.Random(0))
        assert fields.keys() == {TITLE, f"{TITLE}-old"}
        assert fields[TITLE] != fields[f"{TITLE}-old"]

    play_story(empty, tmp_path, story, able=NEW)
