"""A program is what is done to kbsync and its world, step by step; the same one always plays alike.

Each step carries its own number, from which everything within it is drawn. So a step can be left
out and the others stay what they were: that is how a failing program is made shorter.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

NUMBERS = 1 << 16


@dataclass(frozen=True, slots=True)
class Step:
    """One rule, and the number that everything in it is drawn from."""

    rule: str
    number: int

    def chance(self) -> random.Random:
        return random.Random(f"{self.rule} {self.number}")

    def __str__(self) -> str:
        return f"{self.rule}:{self.number}"


@dataclass(frozen=True, slots=True)
class Program:
    """`world` draws the server, the settings and what stands there at the beginning."""

    world: int
    steps: tuple[Step, ...]

    @classmethod
    def drawn(cls, seed: int, weights: Mapping[str, int], longest: int) -> Self:
        chance = random.Random(f"program {seed}")
        rules = chance.choices(
            list(weights), list(weights.values()), k=chance.randint(longest // 4, longest)
        )
        steps = tuple(Step(rule, chance.randrange(NUMBERS)) for rule in rules)
        return cls(chance.randrange(NUMBERS), steps)

    @classmethod
    def parsed(cls, text: str) -> Self:
        world, *steps = text.split()
        pairs = (step.split(":") for step in steps)
        return cls(int(world), tuple(Step(rule, int(number)) for rule, number in pairs))

    def __str__(self) -> str:
        return " ".join([str(self.world), *map(str, self.steps)])

    def without(self, start: int, count: int) -> Program:
        return Program(self.world, self.steps[:start] + self.steps[start + count :])
