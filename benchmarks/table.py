"""The one table, for a terminal and for the page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from benchmarks.figures import Figure, Result
from benchmarks.targets import TARGETS, Target

HEAD = ("case", "against", "at 0644e0f", "before", "now", "spread", "must", "reach", "")


def cells(result: Result) -> tuple[str, ...]:
    """Return one row of the table."""
    target = TARGETS[result.row]
    unit = f" {target.unit}" if target.unit else ""
    met = target.met(result.now.value)
    verdict = {None: "", True: "met", False: "missed"}[met]
    return (
        target.case,
        target.against,
        number(target.seen) + (unit if target.seen is not None else ""),
        f"{number(result.before.value)}{unit}" if result.before else "",
        f"{number(result.now.value)}{unit}",
        _spread(result.now),
        _asked(target, target.must, unit),
        _asked(target, target.reach, unit),
        verdict,
    )


def number(value: float | None) -> str:
    """Return a number with two or three digits that mean something."""
    if value is None:
        return ""
    size = abs(value)
    if size >= 100:
        return f"{value:,.0f}"
    if size >= 10:
        return f"{value:.1f}".removesuffix(".0")
    return f"{value:.2f}".rstrip("0").rstrip(".") if size >= 0.01 else f"{value:.3g}"


def _spread(figure: Figure) -> str:
    return f"{number(figure.lowest)} to {number(figure.highest)}"


def _asked(target: Target, value: float | None, unit: str) -> str:
    if value is None:
        return ""
    return f"{'≥' if target.least else '≤'} {number(value)}{unit}"


def as_text(results: Iterable[Result]) -> str:
    """Return the table in columns."""
    rows = [HEAD, *(cells(result) for result in results)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(HEAD))]
    return "\n".join(_line(row, widths) for row in rows)


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    left = row[0].ljust(widths[0]), row[1].ljust(widths[1])
    right = (cell.rjust(width) for cell, width in zip(row[2:], widths[2:], strict=True))
    return "  ".join((*left, *right)).rstrip()


def as_markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table of Markdown."""
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(lines)


def results_as_markdown(results: Iterable[Result]) -> str:
    """Return the table of the page."""
    return as_markdown(HEAD, map(cells, results))


def side_by_side(columns: Mapping[str, Mapping[str, float]], head: str) -> str:
    """Return a table of Markdown with one column for each contender, sorted by the first."""
    names = dict.fromkeys(name for found in columns.values() for name in found)
    rows = [
        (f"`{name}`", *(number(found.get(name)) for found in columns.values())) for name in names
    ]
    return as_markdown((head, *columns), rows)
