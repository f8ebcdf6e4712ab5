"""A row from the costs of its contenders."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from benchmarks.figures import Cost, Figure, Result, of_medians, of_values
from benchmarks.suite import BEFORE, NOW

Measured = Callable[[Cost], float]
Costs = Mapping[str, Sequence[Cost]]


def cpu(cost: Cost) -> float:
    """Return seconds of processor."""
    return cost.cpu


def wall(cost: Cost) -> float:
    """Return seconds by the clock."""
    return cost.wall


def peak(cost: Cost) -> float:
    """Return MiB of memory at most."""
    return cost.peak


def against(row: str, costs: Costs, peer: str, measured: Measured) -> Result:
    """Return a row of both versions against one peer."""
    samples = {name: [measured(cost) for cost in costs[name]] for name in (*_own(costs), peer)}
    figures = {name: of_medians(samples[name], samples[peer]) for name in _own(costs)}
    return Result(row, figures[NOW], figures.get(BEFORE), samples)


def own_against_own(row: str, larger: Costs, smaller: Costs, measured: Measured) -> Result:
    """Return a row of each version against itself at another size."""
    figures: dict[str, Figure] = {}
    samples: dict[str, list[float]] = {}
    for name in _own(larger):
        mine, other = ([measured(cost) for cost in costs[name]] for costs in (larger, smaller))
        figures[name] = of_medians(mine, other)
        samples |= {name: mine, f"{name}, smaller": other}
    return Result(row, figures[NOW], figures.get(BEFORE), samples)


def alone(row: str, values: Mapping[str, Sequence[float]]) -> Result:
    """Return a row whose figure stands for itself."""
    figures = {name: of_values(values[name]) for name in _own(values)}
    samples = {name: list(found) for name, found in values.items()}
    return Result(row, figures[NOW], figures.get(BEFORE), samples)


def _own(found: Mapping[str, object]) -> list[str]:
    return [name for name in (NOW, BEFORE) if name in found]
