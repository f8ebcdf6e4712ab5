"""Real mounts below a source that come and go: what is looked at there says so."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from declared import mirror_config

from kbsync.model import Absent, FileState, Present
from kbsync.source.folder import Folder

PATH = "docs/nas/1.md"
POINT = "docs/nas"

Mounting = Callable[..., Path]


@pytest.fixture
def mounting() -> Iterator[Mounting]:
    """Mount a file system of its own, or with `bind` another folder, until the test is over."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount: run the tests as root")
    made: list[Path] = []

    def mount(place: Path, bind: Path | None = None) -> Path:
        place.mkdir(parents=True, exist_ok=True)
        how = ["--bind", str(bind)] if bind else ["-t", "tmpfs", "none"]
        tried = subprocess.run(["mount", *how, place], check=False, capture_output=True, text=True)
        if tried.returncode:
            pytest.skip(f"nothing can be mounted here: {tried.stderr.strip()}")
        made.append(place)
        return place

    yield mount
    for place in reversed(made):
        subprocess.run(["umount", "-l", place], check=False, capture_output=True)


def unmount(place: Path) -> None:
    subprocess.run(["umount", "-l", place], check=True)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "docs").mkdir()
    (tmp_path / "own.md").write_text("own", "utf-8")
    return tmp_path


def expecting(root: Path, *points: str, **declared: object) -> Folder:
    folder = Folder(mirror_config(root, **declared))
    folder.expect(frozenset(points or {POINT}))
    return folder


def told(state: FileState) -> tuple[type, str | None]:
    return type(state), state.unmounted if isinstance(state, Absent | Present) else None


def test_a_file_on_its_mount_is_there_and_without_the_mount_proves_nothing(
    root: Path, mounting: Mounting
) -> None:
    nas, folder = mounting(root / POINT), expecting(root)
    (nas / "1.md").write_text("one", "utf-8")
    assert folder.mounts() == {POINT}
    assert told(folder.look(PATH)) == (Present, None)
    (nas / "1.md").unlink()
    assert told(folder.look(PATH)) == (Absent, None)
    unmount(nas)
    assert folder.mounts() == frozenset()
    assert told(folder.look(PATH)) == (Absent, POINT)
    assert told(folder.look("own.md")) == (Present, None)
    assert told(folder.look("gone.md")) == (Absent, None)


def test_what_stands_beneath_a_mount_is_not_taken_for_what_was_on_it(
    root: Path, mounting: Mounting
) -> None:
    (root / POINT).mkdir()
    (root / PATH).write_text("underneath", "utf-8")
    nas, folder = mounting(root / POINT), expecting(root)
    assert told(folder.look(PATH)) == (Absent, None)
    unmount(nas)
    assert told(folder.look(PATH)) == (Present, POINT)
    assert told(folder.read(PATH)) == (Present, POINT)


@pytest.mark.parametrize("gone", [POINT, "docs"])
def test_a_mount_point_that_was_removed_with_its_folder_proves_nothing(
    root: Path, mounting: Mounting, gone: str
) -> None:
    nas, folder = mounting(root / POINT), expecting(root)
    unmount(nas)
    shutil.rmtree(root / gone)
    assert told(folder.look(PATH)) == (Absent, POINT)


def test_a_bind_mount_is_a_mount_though_its_device_is_the_same(
    root: Path, mounting: Mounting
) -> None:
    elsewhere = root.parent / f"{root.name}-elsewhere"
    elsewhere.mkdir()
    (elsewhere / "1.md").write_text("one", "utf-8")
    nas, folder = mounting(root / POINT, bind=elsewhere), expecting(root)
    assert nas.stat().st_dev == root.stat().st_dev
    assert folder.mounts() == {POINT}
    assert told(folder.look(PATH)) == (Present, None)
    unmount(nas)
    assert told(folder.look(PATH)) == (Absent, POINT)


def test_of_two_mounts_one_inside_the_other_each_is_told_apart(
    root: Path, mounting: Mounting
) -> None:
    inner = f"{POINT}/inner"
    mounting(root / POINT)
    mounting(root / inner)
    folder = expecting(root, POINT, inner)
    (root / inner / "deep.md").write_text("deep", "utf-8")
    assert folder.mounts() == {POINT, inner}
    assert told(folder.look(f"{inner}/deep.md")) == (Present, None)
    unmount(root / inner)
    assert told(folder.look(f"{inner}/deep.md")) == (Absent, inner)
    assert told(folder.look(PATH)) == (Absent, None)
    unmount(root / POINT)
    assert told(folder.look(f"{inner}/deep.md")) == (Absent, inner)
    assert told(folder.look(PATH)) == (Absent, POINT)
    mounting(root / inner)  # on the folder underneath, as a wrong order in fstab does
    assert told(folder.look(f"{inner}/deep.md")) == (Absent, None)
    assert told(folder.look(PATH)) == (Absent, POINT)


def test_another_mount_in_its_place_is_a_mount(root: Path, mounting: Mounting) -> None:
    folder = expecting(root)
    unmount(mounting(root / POINT))
    mounting(root / POINT)
    assert told(folder.look(PATH)) == (Absent, None)


def test_what_is_listed_through_a_link_is_judged_by_where_it_really_is(
    root: Path, mounting: Mounting
) -> None:
    nas = mounting(root / POINT)
    (nas / "sub").mkdir()
    (root / "short").symlink_to("docs/nas/sub")
    folder = expecting(root, follow_symlinks=True)
    assert told(folder.look("short/1.md")) == (Absent, None)
    unmount(nas)
    (root / POINT / "sub").mkdir()
    assert told(folder.look("short/1.md")) == (Absent, POINT)


def test_blanks_and_letters_beyond_ascii_are_written_otherwise_in_the_table(
    root: Path, mounting: Mounting
) -> None:
    point = "o\u0308l und gas"
    nas, folder = mounting(root / point), expecting(root, "\u00f6l und gas")
    assert folder.mounts() == {"\u00f6l und gas"}
    (nas / "1.md").write_text("one", "utf-8")
    assert told(folder.look("\u00f6l und gas/1.md")) == (Present, None)
    unmount(nas)
    assert told(folder.look("\u00f6l und gas/1.md")) == (Absent, "\u00f6l und gas")
