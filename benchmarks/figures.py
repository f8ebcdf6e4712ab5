"""What was measured, as numbers: costs of single runs, and what is made of several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from statistics import median


@dataclass(frozen=True)
class Cost:
    """What one run of one contender cost.

    Args:
        wall: seconds by the clock.
        cpu: seconds of processor, of the process and the children it waited for.
        peak: MiB of memory at most.
        requests: how many the server counted.
        by_route: the same by method and route.
    """

    wall: float
    cpu: float
    peak: float
    requests: int = 0
    by_route: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Figure:
    """One number and its spread.

    Args:
        value: a median, or a ratio of two medians.
        lowest: of the single runs, or of the ratios within one round.
        highest: the same.
    """

    value: float
    lowest: float
    highest: float


def of_medians(own: Sequence[float], other: Sequence[float]) -> Figure:
    """Return the ratio of two medians, and the spread of the ratios round by round."""
    rounds = [mine / theirs for mine, theirs in zip(own, other, strict=True)]
    return Figure(median(own) / median(other), min(rounds), max(rounds))


def of_values(values: Sequence[float]) -> Figure:
    """Return the median of `values`, with the smallest and the largest."""
    return Figure(median(values), min(values), max(values))


@dataclass(frozen=True)
class Result:
    """What one row of the table says.

    Args:
        row: its name in `benchmarks.targets`.
        now: the version that is measured.
        before: the version it is compared with, measured in the same run.
        samples: what every contender took, run by run.
        note: what is special about this run, such as fewer runs.
    """

    row: str
    now: Figure
    before: Figure | None = None
    samples: dict[str, list[float]] = field(default_factory=dict)
    note: str = ""

    def as_json(self) -> dict[str, object]:
        """Return the members of the JSON file."""
        return asdict(self)


@dataclass(frozen=True)
class Point:
    """One point of the plot: what a pass with nothing to do costs at so many files."""

    contender: str
    files: int
    cpu: float
    wall: float
    peak: float
