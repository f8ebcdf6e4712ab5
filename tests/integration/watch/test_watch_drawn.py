"""Drawn programs: all that is done to a folder is reported, and all of it stays watched."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from watching import Watching, content, differing, names, watches

Begin = Callable[..., Watching]


class Hand:
    """Does at random what people and programs do to folders."""

    def __init__(self, root: Path, outside: Path, seed: int) -> None:
        self.root = root
        self.outside = outside
        self.random = Random(seed)
        self.written = 0

    def act(self) -> None:
        # What is chosen may be gone, in the way, or inside itself: so it is for everybody.
        with contextlib.suppress(OSError, shutil.Error):
            self.random.choice(
                (self.write, self.write, self.make, self.move, self.move, self.remove,
                 self.carry_out, self.carry_in, self.replace_by_file)
            )()  # fmt: skip

    def folder(self) -> Path:
        found = [self.root, *sorted(p for p in self.root.rglob("*") if p.is_dir())]
        return self.random.choice(found)

    def name(self) -> str:
        return self.random.choice("abcd")

    def write(self) -> None:
        self.written += 1
        (self.folder() / f"{self.name()}.md").write_text(f"text {self.written}", "utf-8")

    def make(self) -> None:
        made = self.folder().joinpath(*(self.name() for _ in range(self.random.randint(1, 3))))
        made.mkdir(parents=True)
        (made / "new.md").write_text("new", "utf-8")

    def move(self) -> None:
        found = sorted(p for p in self.root.rglob("*") if not p.name.startswith("sentinel"))
        if found:
            old = self.random.choice(found)
            old.rename(self.folder() / f"{self.name()}{old.suffix}")

    def remove(self) -> None:
        if (place := self.folder()) != self.root:
            shutil.rmtree(place)

    def carry_out(self) -> None:
        if (place := self.folder()) != self.root:
            place.rename(self.outside / f"{self.random.random()}")

    def carry_in(self) -> None:
        if found := sorted(self.outside.iterdir()):
            self.random.choice(found).rename(self.folder() / self.name())

    def replace_by_file(self) -> None:
        place = self.folder()
        if place != self.root:
            shutil.rmtree(place)
            place.write_text("no folder now", "utf-8")


@pytest.mark.parametrize("follow", [False, True])
@pytest.mark.parametrize("seed", range(12))
def test_all_is_told_and_stays_watched(
    root: Path, watching: Begin, seed: int, follow: bool
) -> None:
    outside = root.with_name("outside")
    outside.mkdir()
    hand = Hand(root, outside, seed)
    for _ in range(40):
        hand.act()
    watched = watching(follow_symlinks=follow)
    for _ in range(3):
        before = content(root)
        for _ in range(60):
            hand.act()
        reported = watched.settled()
        differ = differing(before, content(root))
        assert not {path for path in differ if not names(reported, path)}

        # Each folder that is there now is watched, under its name of now.
        folders = [root, *(found for found in root.rglob("*") if found.is_dir())]
        written = {str((place / "seen.md").relative_to(root)) for place in folders}
        for path in written:
            (root / path).write_text("seen", "utf-8")
        assert watched.settled().paths == written
        assert watches() == len(folders)
