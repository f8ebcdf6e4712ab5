"""The keywords of an economy base: one table, read by a task when it begins, written when it ends.

So what was written in between by another task is lost from search, and nothing says so.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

LOST = 0.6


class Indexed(Protocol):
    """A document as far as its keywords go; `lost`: no search finds it."""

    id: str
    rev: str
    fate: str
    ready_at: float
    lost: bool


@dataclass(frozen=True, slots=True)
class Task:
    """Indexing of one upload."""

    document: Indexed
    rev: str
    since: float


class KeywordTable:
    """Which documents were lost from it.

    Attributes:
        races: whether tasks write over each other.
    """

    def __init__(self) -> None:
        self.races = False
        self._tasks: list[Task] = []
        self._written: dict[str, tuple[Indexed, float]] = {}

    def begin(self, document: Indexed, at: float) -> None:
        """A task begins that indexes `document`."""
        self.settle(at)
        self._tasks.append(Task(document, document.rev, at))

    def settle(self, now: float) -> None:
        """Let all tasks write that ended by `now`."""
        newest = {task.document.id: task for task in self._tasks}
        live = [task for task in newest.values() if task.document.rev == task.rev]
        self._tasks = [task for task in live if task.document.ready_at > now]
        ended = [task for task in live if task.document.ready_at <= now]
        for task in sorted(ended, key=lambda each: each.document.ready_at):
            if task.document.fate == "fine":
                self._write(task.document, since=task.since, at=task.document.ready_at)

    def write_anew(self, document: Indexed, at: float) -> None:
        """The keywords of `document` are written: it was enabled."""
        self.settle(at)
        self._write(document, since=at, at=at)

    def _write(self, document: Indexed, *, since: float, at: float) -> None:
        between = [other for other, when in self._written.values() if since < when < at]
        for other in self._written_over(document, between):
            other.lost = True
        document.lost = False
        self._written[document.id] = (document, at)

    def _written_over(self, document: Indexed, between: Sequence[Indexed]) -> list[Indexed]:
        if not self.races:
            return []
        others = [other for other in between if other is not document]
        return [each for each in others if self._meet(document, each)]

    def _meet(self, one: Indexed, other: Indexed) -> bool:
        return random.Random(f"{one.rev} {other.rev}").random() < LOST
