"""What the stories of the simulator share: a pass, a mirrored folder, weather for one call."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from pathlib import Path

from kbsync.model import Capabilities
from tests.model.dated_folder import DatedFolder

from .history import History, play
from .program import Program
from .weather import LATE, LOST, NOT_SENT, PAGES, RESET, SHIFTED, WRITES, Weather

NEW = Capabilities(version="1.16.1")
WEDGING = Capabilities(version="1.12.1")
UNTOLD = Capabilities()
"""A server that tells no version: it has no metadata, and never merges by name."""


async def one_pass(history: History, weather: Callable[[random.Random], Weather] = Weather) -> None:
    chance = random.Random(1)
    await history.kbsync(chance, weather(chance), releases=False)


async def two_mirrored(history: History) -> DatedFolder:
    """Mirror a.md and b.md; return their folder."""
    folder = history.folders["docs"]
    folder.write("a.md", b"text")
    folder.write("b.md", b"another")
    await one_pass(history)
    return folder


def play_story(
    empty: Path, place: Path, story: Callable[[History], Awaitable[None]], *, able: Capabilities
) -> History:
    async def begun(history: History) -> None:
        history.server.able = history.server.told = able
        history.fine = True
        await story(history)

    return play(Program(0, ()), place, empty, begun)


class Unanswered(Weather):
    """The next write is not answered; it takes effect at once, unless its fate is another."""

    how = RESET

    def fate(self, fates: dict[str, int]) -> str:
        if fates is not WRITES or self.met[self.how]:
            return super().fate(fates)
        self.met[self.how] += 1
        return self.how


class Lost(Unanswered):
    """The next write is not answered, and takes no effect."""

    how = LOST


class Unreached(Unanswered):
    """The next write is not sent."""

    how = NOT_SENT


class Shifting(Weather):
    """No listing is complete."""

    def fate(self, fates: dict[str, int]) -> str:
        return SHIFTED if fates is PAGES else super().fate(fates)


class Late(Unanswered):
    """The next write is not answered, and takes effect later."""

    how = LATE
