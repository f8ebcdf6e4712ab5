"""A source whose links are followed: a change is reported under every path that shows it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from declared import mirror_config
from watching import Watching, names

from kbsync.engine.change_source import ChangedPaths
from kbsync.engine.ports import FileRow
from kbsync.source.folder import Folder

Begin = Callable[..., Watching]


@pytest.fixture
def linked(root: Path, watching: Begin) -> Watching:
    """A file, a folder and a hidden folder, each behind a link; and a link to a link."""
    (root / "real" / "deep").mkdir(parents=True)
    (root / "real" / "a.md").write_text("a", "utf-8")
    (root / "real" / "deep" / "b.md").write_text("b", "utf-8")
    (root / ".store").mkdir()
    (root / ".store" / "v1.md").write_text("one", "utf-8")
    (root / ".store" / "v2.md").write_text("two", "utf-8")
    (root / "alias.md").symlink_to("real/a.md")
    (root / "twice.md").symlink_to("alias.md")
    (root / "folder").symlink_to("real")
    (root / "shown.md").symlink_to(".store/v1.md")
    (root / "out.md").symlink_to("/etc/hostname")
    (root / "nowhere.md").symlink_to("real/later.md")
    (root / "real" / "loop").symlink_to("..")
    return watching(follow_symlinks=True)


def shown(root: Path) -> dict[str, bytes]:
    """Read every file the walk finds, under the path it finds it by."""
    config = mirror_config(root, max_file_size=1 << 20, extensions={"md"}, follow_symlinks=True)
    source = Folder(config)
    rows: list[FileRow] = [row for row in source.scan() if isinstance(row, tuple)]
    paths = [row[0] for row in rows if not row[0].startswith("sentinel-")]
    return {path: (root / path).read_bytes() for path in paths}


def write_behind(root: Path) -> None:
    (root / "real" / "a.md").write_text("changed", "utf-8")


def write_through(root: Path) -> None:
    (root / "folder" / "deep" / "b.md").write_text("changed", "utf-8")


def write_hidden(root: Path) -> None:
    (root / ".store" / "v1.md").write_text("changed", "utf-8")


def delete_behind(root: Path) -> None:
    (root / "real" / "a.md").unlink()


def new_behind(root: Path) -> None:
    (root / "real" / "c.md").write_text("new", "utf-8")


def new_folder_behind(root: Path) -> None:
    (root / "real" / "new").mkdir()
    (root / "real" / "new" / "c.md").write_text("new", "utf-8")


def what_led_nowhere(root: Path) -> None:
    (root / "real" / "later.md").write_text("there now", "utf-8")


def switch_file(root: Path) -> None:
    (root / "next").symlink_to(".store/v2.md")
    (root / "next").replace(root / "shown.md")


def switch_middle(root: Path) -> None:
    (root / "next").symlink_to("real/deep/b.md")
    (root / "next").replace(root / "alias.md")


def switch_folder(root: Path) -> None:
    (root / "next").symlink_to("real/deep")
    (root / "next").replace(root / "folder")


def remove_link(root: Path) -> None:
    (root / "folder").unlink()


def link_for_folder(root: Path) -> None:
    shutil.move(root / "real" / "deep", root / "moved")
    (root / "real" / "deep").symlink_to("../moved")


def move_target(root: Path) -> None:
    (root / "real").rename(root / "elsewhere")


def move_target_and_back(root: Path) -> None:
    (root / "real").rename(root / "elsewhere")
    (root / "elsewhere" / "a.md").write_text("changed", "utf-8")
    (root / "elsewhere").rename(root / "real")


@pytest.mark.parametrize(
    "habit",
    [
        write_behind,
        write_through,
        write_hidden,
        delete_behind,
        new_behind,
        new_folder_behind,
        what_led_nowhere,
        switch_file,
        switch_middle,
        switch_folder,
        remove_link,
        link_for_folder,
        move_target,
        move_target_and_back,
    ],
    ids=lambda habit: habit.__name__,
)
def test_told_under_every_path(root: Path, linked: Watching, habit: Callable[[Path], None]) -> None:
    before = shown(root)
    assert {"alias.md", "twice.md", "folder/a.md", "real/a.md", "shown.md"} < set(before)
    habit(root)
    reported = linked.settled()
    after = shown(root)
    differ = {p for p in before.keys() | after.keys() if before.get(p) != after.get(p)}
    assert differ
    assert not {path for path in differ if not names(reported, path)}
    real = {path for path in reported.paths if path not in differ}
    assert not {path for path in real if (root / path).is_file() and path in before}
    # And on it goes, wherever the files are now.
    for path in ("real/a.md", "moved/b.md", ".store/v2.md", "elsewhere/deep/b.md"):
        if (root / path).is_file():
            before = shown(root)
            (root / path).write_text(f"again {path}", "utf-8")
            reported, after = linked.settled(), shown(root)
            differ = {p for p in after if before.get(p) != after[p]}
            assert not {p for p in differ if not names(reported, p)}


def test_a_projected_volume(root: Path, watching: Begin) -> None:
    """As Kubernetes shows a ConfigMap: all files at once, by one link that is replaced."""
    for version in ("one", "two"):
        (root / f"..{version}").mkdir()
        (root / f"..{version}" / "a.md").write_text(version, "utf-8")
    (root / "..data").symlink_to("..one")
    (root / "a.md").symlink_to("..data/a.md")
    watched = watching(follow_symlinks=True)
    for version in ("two", "one", "two"):
        (root / "..next").symlink_to(f"..{version}")
        (root / "..next").replace(root / "..data")
        assert "a.md" in watched.settled().paths
    (root / "..one" / "a.md").write_text("not shown", "utf-8")
    assert watched.settled() == ChangedPaths()


def test_links_are_no_way_where_they_are_not_followed(root: Path, watching: Begin) -> None:
    (root / "real").mkdir()
    (root / "folder").symlink_to("real")
    (root / "alias.md").symlink_to("real/a.md")
    watched = watching()
    (root / "real" / "a.md").write_text("a", "utf-8")
    assert watched.settled().paths == {"real/a.md"}
