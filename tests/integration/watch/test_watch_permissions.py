"""Folders and files that may not be read, and then may."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from unprivileged import unprivileged
from watching import Watching

from kbsync.engine.change_source import ChangedPaths

Begin = Callable[..., Watching]


@pytest.fixture
def locked(root: Path) -> Iterator[Path]:
    """A folder that its owner alone may enter, with a file."""
    place = root / "locked"
    (place / "deep").mkdir(parents=True)
    (place / "deep" / "a.md").write_text("a", "utf-8")
    for folder in (root, *list(root.parents)[:-2]):
        folder.chmod(folder.stat().st_mode | 0o055)
    place.chmod(0)
    yield place
    place.chmod(0o755)


def test_a_folder_may_be_entered_later(root: Path, locked: Path, watching: Begin) -> None:
    with unprivileged():
        watched = watching()
    # What may not be read is reported by the walk; it is no lack of watches.
    assert watched.watch.mode == "inotify"
    locked.chmod(0o755)
    assert watched.settled() == ChangedPaths(folders=frozenset({"locked"}))
    (locked / "deep" / "a.md").write_text("changed", "utf-8")
    assert watched.settled() == ChangedPaths(frozenset({"locked/deep/a.md"}))


def test_a_folder_that_is_only_touched_is_not_compared(root: Path, watching: Begin) -> None:
    (root / "folder").mkdir()
    watched = watching()
    (root / "folder").touch()
    (root / "folder").chmod(0o700)
    assert watched.settled() == ChangedPaths()


def test_a_file_may_be_read_later(root: Path, watching: Begin) -> None:
    (root / "a.md").write_text("a", "utf-8")
    (root / "a.md").chmod(0)
    watched = watching()
    (root / "a.md").chmod(0o644)
    assert watched.settled() == ChangedPaths(frozenset({"a.md"}))


def test_names_that_are_not_utf8_are_passed_by(root: Path, watching: Begin) -> None:
    watched = watching()
    odd = root / os.fsdecode(b"caf\xe9")
    odd.mkdir()
    (odd / "a.md").write_text("never a document", "utf-8")
    odd.with_suffix(".md").write_text("never a document", "utf-8")
    assert watched.settled() == ChangedPaths()
