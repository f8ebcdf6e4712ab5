"""A program is what is done to kbsync and its world, step by step; the same one always plays alike.

Each step carries its own number, from which everything within it is drawn. So a step can be left
out and the others stay what they were: that is how a failing program is made shorter.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

NUMBERS = 1 << 16
# How many kinds of trials a program takes up.
KINDS = (0, 0, 1, 1, 1, 2, 2, 3)


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
    def drawn(
        cls,
        seed: int,
        weights: Mapping[str, int],
        longest: int,
        trials: Mapping[str, Sequence[str]] | None = None,
    ) -> Self:
        """Draw a program.

        Args:
            seed: the same one draws the same program.
            weights: how often each rule comes.
            longest: the most steps without trials.
            trials: rules by kind; a program takes up some kinds, or none. What is drawn without
                them stays what it is.
        """
        chance = random.Random(f"program {seed}")
        rules = chance.choices(
            list(weights), list(weights.values()), k=chance.randint(longest // 4, longest)
        )
        steps = tuple(Step(rule, chance.randrange(NUMBERS)) for rule in rules)
        program = cls(chance.randrange(NUMBERS), steps)
        return program if trials is None else program.tried(random.Random(f"word {seed}"), trials)

    def tried(self, chance: random.Random, trials: Mapping[str, Sequence[str]]) -> Program:
        """Return it with steps put in of some kinds of trials; of all where they are few."""
        steps = list(self.steps)
        many = len(trials) if len(trials) < max(KINDS) else chance.choice(KINDS)
        for kind in chance.sample(sorted(trials), many):
            for _ in range(chance.randint(2, 5)):
                step = Step(chance.choice(trials[kind]), chance.randrange(NUMBERS))
                steps.insert(chance.randint(0, len(steps)), step)
        return Program(self.world, tuple(steps))

    @classmethod
    def parsed(cls, text: str) -> Self:
        world, *steps = text.split()
        pairs = (step.split(":") for step in steps)
        return cls(int(world), tuple(Step(rule, int(number)) for rule, number in pairs))

    def __str__(self) -> str:
        return " ".join([str(self.world), *map(str, self.steps)])

    def without(self, start: int, count: int) -> Program:
        return Program(self.world, self.steps[:start] + self.steps[start + count :])
