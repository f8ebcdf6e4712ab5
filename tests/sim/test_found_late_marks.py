"""What the simulator found about marks of before a move that land after those of the move."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.model.dated_folder import DatedFolder

from .history import History
from .stories import NEW, one_pass, play_story, two_mirrored


async def _moved(history: History, folder: DatedFolder, paths: dict[str, str]) -> None:
    """Move files, and let the marks of before land last."""
    before = {each.id: each.metadata for each in history.server.documents.values()}
    files = {new: folder.files.pop(old) for old, new in paths.items()}
    folder.files.update(files)
    await one_pass(history)
    for document in history.server.documents.values():
        document.metadata = before[document.id]


def _marked(history: History) -> dict[str, bytes]:
    """Return what the documents hold, by the paths that their marks name."""
    documents = history.server.documents.values()
    return {each.metadata["kbsync_path"]: each.content for each in documents}


@pytest.mark.parametrize(
    "paths",
    [
        {"a.md": "b.md", "b.md": "a.md"},
        {"a.md": "b.md", "b.md": "c.md"},
        {"a.md": "c.md"},
        {"a.md": "c.md", "b.md": "d/e.md"},
    ],
)
def test_marks_that_land_late_are_written_again(
    paths: dict[str, str], empty: Path, tmp_path: Path
) -> None:
    async def story(history: History) -> None:
        folder = await two_mirrored(history)
        await _moved(history, folder, paths)
        await one_pass(history)
        await one_pass(history)
        assert _marked(history) == folder.contents()

    history = play_story(empty, tmp_path, story, able=NEW)
    assert sum(" create " in line and " b'" in line for line in history.trace) == 2
    assert not any(" update " in line or " delete " in line for line in history.trace)


@pytest.mark.parametrize("late", [0, 1])
def test_one_late_mark_of_two_files_that_changed_places(
    late: int, empty: Path, tmp_path: Path
) -> None:
    async def story(history: History) -> None:
        folder = await two_mirrored(history)
        documents = list(history.server.documents.values())
        before = documents[late].metadata
        folder.files["a.md"], folder.files["b.md"] = folder.files["b.md"], folder.files["a.md"]
        await one_pass(history)
        documents[late].metadata = before
        await one_pass(history)
        assert _marked(history) == folder.contents()

    play_story(empty, tmp_path, story, able=NEW)


def test_a_moved_file_that_is_edited_meanwhile_keeps_its_document(
    empty: Path, tmp_path: Path
) -> None:
    async def story(history: History) -> None:
        folder = await two_mirrored(history)
        await _moved(history, folder, {"a.md": "c.md"})
        folder.edit("c.md", b"edited")
        await one_pass(history)
        assert _marked(history) == folder.contents()

    history = play_story(empty, tmp_path, story, able=NEW)
    assert not any(" delete " in line for line in history.trace)


def test_a_new_file_where_another_moved_away_takes_no_late_mark_for_its_own(
    empty: Path, tmp_path: Path
) -> None:
    async def story(history: History) -> None:
        folder = await two_mirrored(history)
        moved = next(e for e in history.server.documents.values() if e.content == b"text")
        before = moved.metadata
        folder.files["c.md"] = folder.files.pop("a.md")
        await one_pass(history)
        folder.write("a.md", b"new")
        await one_pass(history)
        moved.metadata = before
        await one_pass(history)
        assert _marked(history) == folder.contents()

    history = play_story(empty, tmp_path, story, able=NEW)
    assert not any(" delete " in line for line in history.trace)
