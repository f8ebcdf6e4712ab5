"""What tries kbsync's word: things that look like nothing happened, or like something that did not.

Each kind is off until a program takes it up. What happens by itself is drawn from a chance of its
own, so that a program without trials plays as it did before there were any.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from . import rules
from .rules import Rule

if TYPE_CHECKING:
    from .history import History

# How often something of a trial comes along when something else happens while kbsync runs.
OFTEN = 0.4
POINTS = ["d", "d/e"]


# -- mounts below the root -----------------------------------------------------------------------


def mount_below(history: History, chance: random.Random) -> None:
    """A folder is on a disk of its own, which goes, comes back, or gives way to an empty one."""
    folder = rules._folder(history, chance)
    point, there = chance.choice(POINTS), chance.random() < 0.5
    if folder.nested.get(point) and not there:
        folder.nested[point] = False
        folder.strange ^= {point} if chance.random() < 0.3 else set()
    elif point in folder.nested and there and chance.random() < 0.1:
        del folder.nested[point]  # what was on the disk stands in the folder now
        folder.strange.discard(point)
    else:
        folder.nested[point] = True
        folder.strange.discard(point)


KINDS: dict[str, tuple[Rule, ...]] = {
    "mounts": (mount_below, mount_below, rules.delete),
}
ALL: tuple[Rule, ...] = tuple(
    dict.fromkeys(rule for group in KINDS.values() for rule in group if rule not in rules.WORLD)
)


def meanwhile(history: History) -> None:
    """While kbsync runs, a trial that was taken up goes on."""
    if history.taken_up and history.word.random() < OFTEN:
        rule = history.word.choice(history.taken_up)
        history.note(f"meanwhile {rule.__name__}")
        rule(history, history.word)


def end(history: History) -> None:
    """What comes and goes is there in the end."""
    for folder in history.folders.values():
        folder.nested = dict.fromkeys(folder.nested, True)
        folder.strange.clear()
