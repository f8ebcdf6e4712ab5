"""`kbsync run` is killed while files are written, edited and removed."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest
from running_daemon import keeping
from typing_commands import SECONDS

from .faults import Drawn, Verb, fair
from .killing import Nth
from .proxy import Passage, Stage, between
from .site import NO_MERGE, PATIENCE, Base, Folder, differences, serving
from .together import together

FILES, KILLS, REMOVED = 12, 4, 6


class Work:
    """Works in the folder: pages come, change and go, and never come back."""

    def __init__(self, folder: Folder, seed: int) -> None:
        self._folder = folder
        self._drawn = random.Random(seed)
        self._pages = list(range(FILES))
        self._next, self._removable = FILES, REMOVED
        for number in self._pages:
            folder.write(number)

    def go_on(self) -> None:
        """Do one thing."""
        what = self._drawn.choice(["edit", "edit", "add", "remove"])
        if what == "add":
            self._folder.write(self._next)
            self._pages.append(self._next)
            self._next += 1
        elif what == "remove" and self._removable:
            self._removable -= 1
            self._folder.remove(self._pages.pop(self._drawn.randrange(len(self._pages))))
        else:
            number = self._drawn.choice(self._pages)
            self._folder.write(number, f"{time.monotonic_ns()}th")


class Watchman:
    """Notes every request to delete a document whose page stands there."""

    def __init__(self, folder: Folder, base: Base, nth: Nth) -> None:
        self._folder, self._base, self.nth = folder, base, nth
        self.wrong: list[str] = []

    def __call__(self, stage: Stage, passage: Passage) -> None:
        self.nth(stage, passage)
        if passage.verb is Verb.DELETE and stage is Stage.RECEIVED:
            name = self._base.name_of(passage.subject.rpartition("/")[2])
            self.wrong += [name] if name in self._folder.pages() else []


def _killed_at_work(folder: Folder, work: Work, nth: Nth) -> None:
    with keeping(folder.place) as daemon:
        for _ in range(6):
            work.go_on()
        end = time.monotonic() + 2 * SECONDS
        while not nth.reached.wait(0.1):
            assert daemon.process.poll() is None, daemon.lines()[-50:]
            assert time.monotonic() < end, daemon.lines()[-50:]
            work.go_on()
        daemon.process.kill()
        daemon.process.wait(SECONDS)
    work.go_on()


def _kept_exact(folder: Folder, base: Base) -> None:
    with keeping(folder.place) as daemon:
        daemon.until(lambda: not differences(folder, base))
        daemon.end()


def _story(place: Path, seed: int, *quirks: str) -> list[str]:
    drawn = random.Random(seed)
    with serving(place, *quirks) as server, between(server.url, patience=PATIENCE) as proxy:
        base = Base(server.url)
        folder = Folder(place / "here", proxy.url, more=", delete_grace: 300ms")
        work, watchman = Work(folder, seed), Watchman(folder, base, Nth(0))
        proxy.moment, proxy.schedule = watchman, Drawn(seed, 0.05)
        for _ in range(KILLS):
            watchman.nth = Nth(drawn.randint(1, 20))
            _killed_at_work(folder, work, watchman.nth)
        proxy.schedule = fair
        _kept_exact(folder, base)
        folder.terminal.type("apply")
        assert folder.counts() == {}
        wrong = [f"deletes {name}" for name in watchman.wrong] + differences(folder, base)
        base.close()
        return wrong


@pytest.mark.timeout(400)
@pytest.mark.seconds(20)
def test_a_daemon_that_is_killed(tmp_path: Path) -> None:
    assert not together(
        tmp_path,
        {
            "merging": lambda place: _story(place, 1),
            "doubling": lambda place: _story(place, 2, *NO_MERGE),
        },
    )
