"""The root goes, comes back, and is exchanged for another one."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from declared import mirror_config
from watching import Watching, names, watches

from kbsync.engine.change_source import ChangedPaths
from kbsync.source.document_rules import RulesOfMirror
from kbsync.source.filters import Filters
from kbsync.source.taken_types import TakenTypes
from kbsync.source.watch.buffer import ChangeBuffer
from kbsync.source.watch.visibility import Visibility
from kbsync.source.watch.watch_session import WatchSession

Begin = Callable[..., Watching]


@pytest.fixture
def watching(watching: Begin) -> Begin:
    """Watch with an eye on the root ten times a second."""
    return partial(watching, poll_interval=0.1)


def is_told(reported: ChangedPaths) -> bool:
    return reported.root


def watches_on(watched: Watching, root: Path) -> None:
    """Check that changes are reported again, at the top and in a folder, once the root is back."""
    reported = ChangedPaths()
    while "after.md" not in reported.paths:
        # The first ones may be reported by the root's return.
        (root / "after.md").write_text("after", "utf-8")
        reported = watched.until(lambda reported: names(reported, "after.md"))
    (root / "deep" / "after.md").write_text("after", "utf-8")
    assert "deep/after.md" in watched.settled().paths
    assert watched.watch.mode == "inotify"


def filled(root: Path) -> Path:
    (root / "deep").mkdir(parents=True)
    (root / "deep" / "a.md").write_text("a", "utf-8")
    return root


def test_removed_and_made_anew(root: Path, watching: Begin) -> None:
    filled(root)
    watched = watching()
    shutil.rmtree(root)
    reported = watched.until(is_told)
    assert reported.root
    assert watched.watch.mode == "polling"
    filled(root)
    watched.until(is_told)
    watches_on(watched, root)


def test_removed_and_made_anew_at_once(root: Path, watching: Begin) -> None:
    filled(root)
    watched = watching()
    for _ in range(5):
        shutil.rmtree(root)
        filled(root)
        watched.until(is_told)
    watches_on(watched, root)


def test_renamed_away_and_back(root: Path, watching: Begin) -> None:
    filled(root)
    watched = watching()
    away = root.with_name("away")
    root.rename(away)
    watched.until(is_told)
    (away / "deep" / "meanwhile.md").write_text("unseen", "utf-8")
    away.rename(root)
    watched.until(is_told)
    watches_on(watched, root)


def test_another_folder_in_its_place(root: Path, watching: Begin) -> None:
    filled(root)
    watched = watching()
    new = filled(root.with_name("new"))
    root.rename(root.with_name("old"))
    new.rename(root)
    watched.until(is_told)
    watches_on(watched, root)
    (root.with_name("old") / "deep" / "a.md").write_text("not ours any more", "utf-8")
    assert watched.settled() == ChangedPaths()
    assert watches() == 2


@pytest.mark.parametrize("below", ["", "docs"])
def test_a_link_is_switched(tmp_path: Path, watching: Begin, below: str) -> None:
    """As releases are deployed: the source, or a folder it is in, is a link that is replaced."""
    for release in ("one", "two"):
        filled(tmp_path / release / below)
    current = tmp_path / "current"
    current.symlink_to("one")
    watched = watching(current / below)
    for release in ("two", "one", "two"):
        (tmp_path / "next").symlink_to(release)
        (tmp_path / "next").replace(current)
        watched.until(is_told)
    watches_on(watched, current / below)


def test_a_parent_is_renamed(root: Path, watching: Begin) -> None:
    filled(root / "inner")
    watched = watching(root / "inner")
    root.rename(root.with_name("away"))
    watched.until(is_told)
    root.with_name("away").rename(root)
    watched.until(is_told)
    watches_on(watched, root / "inner")


def test_it_comes_after_the_start(tmp_path: Path, watching: Begin) -> None:
    watched = watching(tmp_path / "later")
    assert watched.watch.mode == "polling"
    assert watched.watch.notice is None
    filled(tmp_path / "later")
    watched.until(is_told)
    watches_on(watched, tmp_path / "later")


def test_gone_between_the_check_and_the_watch(tmp_path: Path) -> None:
    """No later check could notice: a folder made in its place may have the same inode number."""
    config = mirror_config()
    types = TakenTypes(config, RulesOfMirror(config))
    visibility = Visibility(Filters(config), types, ChangeBuffer())
    for root in (tmp_path / "gone", tmp_path.parent):
        session = WatchSession(str(root), tmp_path.stat(), visibility, {}, 1.0, on_end=lambda: None)
        session.begin()
        assert session.root_moved
        session.close()


def test_a_file_in_its_place_is_no_root(root: Path, watching: Begin) -> None:
    watched = watching()
    root.rmdir()
    root.write_text("a file", "utf-8")
    watched.until(is_told)
    root.unlink()
    filled(root)
    watched.until(is_told)
    watches_on(watched, root)
