"""What kbsync does, as rules; and all rules together, with their weights."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import anyio

from . import daemon, process, rules, trials
from .weather import Weather

if TYPE_CHECKING:
    from .history import History


async def apply(history: History, chance: random.Random) -> None:
    await history.kbsync(chance, Weather.drawn(chance), releases=chance.random() < 0.15)


async def calm_apply(history: History, chance: random.Random) -> None:
    await history.kbsync(chance, Weather(chance), releases=chance.random() < 0.15)


async def keep(history: History, chance: random.Random) -> None:
    """The daemon runs for a few hours, and more happens meanwhile."""
    await _run(history, chance, Weather.for_long(chance), daemon.live)


async def calm_keep(history: History, chance: random.Random) -> None:
    await _run(history, chance, Weather(chance), daemon.live)


async def prune_excluded(history: History, chance: random.Random) -> None:
    await _run(history, chance, Weather.drawn(chance), process.prune)


async def retry(history: History, chance: random.Random) -> None:
    await _run(history, chance, Weather.drawn(chance), process.retry)


async def adopt(history: History, chance: random.Random) -> None:
    await _run(history, chance, Weather.drawn(chance), process.adopt)


async def _run(history: History, chance: random.Random, weather: Weather, job: process.Job) -> None:
    await history.kbsync(chance, weather, releases=chance.random() < 0.15, job=job)


async def rival(history: History, chance: random.Random) -> None:
    """Another kbsync, with a ledger of its own, runs on the same mirror.

    By itself or beside the first one, once or as a daemon.
    """
    if chance.random() < 0.5:
        return
    history.rival_ran = history.taken_over = history.rivalry = True
    history.forget()  # each ledger has an hour and calls of its own
    async with anyio.create_task_group() as group:
        if chance.random() < 0.5:
            group.start_soon(_beside, history, random.Random(chance.random()))
        job = daemon.live if chance.random() < 0.3 else process.apply
        await history.kbsync(
            chance, Weather.drawn(chance), releases=False, job=job, disk=history.rival
        )
    history.rivalry = False
    history.forget()


async def _beside(history: History, chance: random.Random) -> None:
    job = daemon.live if chance.random() < 0.5 else process.apply
    await _run(history, chance, Weather.drawn(chance), job)


ORDINARY: dict[str, rules.Rule] = {
    each.__name__: each
    for each in (
        *rules.WORLD,
        *(apply, calm_apply, keep, calm_keep, prune_excluded, retry, adopt, rival),
    )
}
RULES = ORDINARY | {each.__name__: each for each in trials.ALL}
TRIALS = {kind: [each.__name__ for each in group] for kind, group in trials.KINDS.items()}
WEIGHTS = dict.fromkeys(ORDINARY, 2) | {
    "apply": 24,
    "calm_apply": 10,
    "keep": 9,
    "calm_keep": 5,
    "write": 6,
    "edit": 6,
    "delete": 6,
    "rename": 6,
    "rest": 5,
    "delete_base": 1,
    "rival": 1,
    "lose_ledger": 3,
}
