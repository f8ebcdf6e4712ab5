"""What editors and copying tools do to a folder, each with what has to be reported of it."""

from __future__ import annotations

import mmap
import os
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from watching import Watching, content, differing, exact, replaced

Begin = Callable[..., Watching]


def notes(root: Path, count: int = 12) -> None:
    for n in range(count):
        place = root / f"part-{n % 3}" / "deep" if n % 2 else root / f"part-{n % 3}"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"note-{n}.md").write_text(f"# Note {n}\n", "utf-8")
    (root / "a.md").write_text("first", "utf-8")
    (root / "b.md").write_text("second", "utf-8")


def truncate_and_write(root: Path) -> None:
    (root / "a.md").write_text("changed", "utf-8")


def append(root: Path) -> None:
    with (root / "a.md").open("a", encoding="utf-8") as file:
        file.write(" and more")


def write_and_keep_open(root: Path) -> None:
    fd = os.open(root / "a.md", os.O_WRONLY)
    os.write(fd, b"FIRST")
    # Left open: a file that is kept open has changed all the same.


def map_and_write(root: Path) -> None:
    with (root / "a.md").open("r+b") as file, mmap.mmap(file.fileno(), 5) as mapped:
        mapped[:5] = b"FIRST"


def hidden_and_rename(root: Path) -> None:
    replaced(root / "a.md", "changed", ".a.md.x7Ru1")


def odd_type_and_rename(root: Path) -> None:
    replaced(root / "a.md", "changed", "a.md.tmp")


def as_vim_does(root: Path) -> None:
    (root / "4913").touch()
    (root / "4913").unlink()
    (root / "a.md").rename(root / "a.md~")
    (root / "a.md").write_text("changed", "utf-8")
    (root / "a.md~").unlink()


def swap_two_files(root: Path) -> None:
    (root / "a.md").rename(root / ".c.md")
    (root / "b.md").rename(root / "a.md")
    (root / ".c.md").rename(root / "b.md")


def rename_chain(root: Path) -> None:
    for old, new in (("b", "c"), ("a", "b"), ("c", "d"), ("d", "e")):
        (root / f"{old}.md").rename(root / f"{new}.md")


def delete(root: Path) -> None:
    (root / "a.md").unlink()


def touch_new_and_fill(root: Path) -> None:
    (root / "new.md").touch()
    (root / "new.md").write_text("text", "utf-8")


def hard_link(root: Path) -> None:
    os.link(root / "a.md", root / "part-0" / "again.md")


def rename_folder(root: Path) -> None:
    (root / "part-1").rename(root / "part-9")
    (root / "part-9" / "deep" / "late.md").write_text("late", "utf-8")


def swap_two_folders(root: Path) -> None:
    (root / "part-1").rename(root / ".part")
    (root / "part-2").rename(root / "part-1")
    (root / ".part").rename(root / "part-2")


def move_folder_out(root: Path) -> None:
    (root / "part-1").rename(root.parent / "gone")


def move_folder_in(root: Path) -> None:
    made = root.parent / "new"
    notes(made)
    made.rename(root / "part-2" / "in")


def replace_folder(root: Path) -> None:
    notes(root.parent / "other", 5)
    shutil.rmtree(root / "part-1")
    (root.parent / "other").rename(root / "part-1")


def remove_folder(root: Path) -> None:
    shutil.rmtree(root / "part-1")


def folder_for_file(root: Path) -> None:
    (root / "a.md").unlink()
    (root / "a.md").mkdir()
    (root / "a.md" / "inside.md").write_text("inside", "utf-8")


def file_for_folder(root: Path) -> None:
    shutil.rmtree(root / "part-1")
    (root / "part-1").write_text("no folder now", "utf-8")


def unzip(root: Path) -> None:
    source = root.parent / "to-pack"
    notes(source, 60)
    packed = root.parent / "packed.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for found in source.rglob("*.md"):
            archive.write(found, found.relative_to(source))
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(root / "unpacked")
        archive.extractall(root)


def copy_over(root: Path) -> None:
    source = root.parent / "to-copy"
    notes(source, 80)
    subprocess.run(["cp", "-a", f"{source}/.", root], check=True)


def long_tree(root: Path) -> None:
    for branch in range(40):
        deep = root.joinpath(f"branch-{branch}", *(f"level-{n}" for n in range(8)))
        deep.mkdir(parents=True)
        for folder in (deep, *deep.parents[:7]):
            (folder / "leaf.md").write_text("leaf", "utf-8")


def letters(root: Path) -> None:
    (root / "Cafe\u0301").mkdir()
    (root / "Cafe\u0301" / "men\u00fc.md").write_text("composed", "utf-8")
    (root / "stra\u00dfe.md").write_text("sharp", "utf-8")


HABITS: dict[Callable[[Path], None], set[str]] = {
    truncate_and_write: set(),
    append: set(),
    write_and_keep_open: set(),
    map_and_write: set(),
    hidden_and_rename: set(),
    odd_type_and_rename: set(),
    as_vim_does: set(),
    swap_two_files: set(),
    rename_chain: {"c.md", "d.md"},
    delete: set(),
    touch_new_and_fill: set(),
    hard_link: set(),
    rename_folder: set(),
    swap_two_folders: set(),
    move_folder_out: set(),
    move_folder_in: set(),
    replace_folder: set(),
    remove_folder: set(),
    folder_for_file: set(),
    file_for_folder: set(),
    long_tree: set(),
}


@pytest.mark.parametrize("habit", HABITS, ids=lambda habit: habit.__name__)
def test_a_habit_is_told_exactly(
    root: Path, watching: Begin, habit: Callable[[Path], None]
) -> None:
    notes(root)
    watched = watching()
    before = content(root)
    habit(root)
    exact(watched.settled(), differing(before, content(root)), HABITS[habit])
    after = content(root)
    (root / "part-0" / "note-0.md").write_text("and on it goes", "utf-8")
    exact(watched.settled(), {"part-0/note-0.md"} if "part-0/note-0.md" in after else set())


@pytest.mark.parametrize("habit", [unzip, copy_over], ids=lambda habit: habit.__name__)
def test_what_is_written_over_with_the_same_text_may_be_told(
    root: Path, watching: Begin, habit: Callable[[Path], None]
) -> None:
    notes(root)
    watched = watching()
    before = content(root)
    habit(root)
    exact(watched.settled(), differing(before, content(root)), set(before))


def test_names_are_told_as_keys(root: Path, watching: Begin) -> None:
    watched = watching()
    letters(root)
    reported = watched.settled()
    assert "stra\u00dfe.md" in reported.paths
    assert "Caf\u00e9" in reported.folders or "Caf\u00e9/men\u00fc.md" in reported.paths
    (root / "Cafe\u0301" / "men\u00fc.md").write_text("again", "utf-8")
    assert watched.settled().paths == {"Caf\u00e9/men\u00fc.md"}


def test_a_checkout_of_another_branch(root: Path, watching: Begin) -> None:
    if not shutil.which("git"):
        pytest.skip("no git on this machine")

    def git(*words: str) -> None:
        chosen = ["-c", "user.name=n", "-c", "user.email=n@example.org", "-c", "gc.auto=0"]
        subprocess.run(["git", *chosen, *words], cwd=root, check=True, capture_output=True)

    git("init", "-q", "-b", "first")
    notes(root, 300)
    git("add", "-A")
    git("commit", "-qm", "first")
    git("checkout", "-qb", "second")
    for n in range(0, 300, 3):
        found = next(root.rglob(f"note-{n}.md"))
        found.write_text(f"second {n}", "utf-8")
    shutil.rmtree(root / "part-1" / "deep")
    notes(root / "added", 200)
    git("add", "-A")
    git("commit", "-qm", "second")
    git("checkout", "-q", "first")

    watched = watching()
    first = content(root)
    for branch in ("second", "first", "second"):
        before = content(root)
        git("checkout", "-q", branch)
        exact(watched.settled(), differing(before, content(root)))
    assert content(root) != first


def test_rsync(root: Path, watching: Begin) -> None:
    if not shutil.which("rsync"):
        pytest.skip("no rsync on this machine")
    notes(root)
    source = root.parent / "source"
    shutil.copytree(root, source)
    (source / "part-0" / "note-0.md").write_text("another, longer text", "utf-8")
    (source / "part-0" / "fresh" / "deep").mkdir(parents=True)
    (source / "part-0" / "fresh" / "deep" / "new.md").write_text("new", "utf-8")
    (source / "b.md").unlink()
    watched = watching()
    before = content(root)
    subprocess.run(["rsync", "-a", "--delete", f"{source}/", root], check=True)
    exact(watched.settled(), differing(before, content(root)))


def test_vim(root: Path, watching: Begin) -> None:
    if not shutil.which("vim"):
        pytest.skip("no vim on this machine")
    notes(root)
    watched = watching()
    edit = ["vim", "-u", "NONE", "-i", "NONE", "-es", "-c", "set backup", "-c", "set bkc=no"]
    edit += ["-c", "normal! Gosaved", "-c", "wq", "a.md"]
    subprocess.run(edit, cwd=root, check=True, stdin=subprocess.DEVNULL)
    assert "saved" in (root / "a.md").read_text("utf-8")
    exact(watched.settled(), {"a.md"})
