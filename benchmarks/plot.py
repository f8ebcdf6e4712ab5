"""Cost by number of files as an SVG: two panels, both axes logarithmic."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from xml.sax.saxutils import escape

from benchmarks.figures import Point
from benchmarks.table import number

WIDTH, HEIGHT, LEFT, TOP = 380, 260, 60, 40
GAP = 130
COLORS = {
    "kbsync": "#0b62a4",
    "kbsync before": "#7fb2d6",
    "rsync -a": "#c4622d",
    "rclone sync": "#5f8f3e",
    "oikb sync": "#8a6bbe",
}


class Panel:
    """One panel.

    Args:
        at: its left edge in pixels.
        title: what its upward axis is.
        points: what it shows.
        value: of a point, above zero.
    """

    def __init__(
        self, at: int, title: str, points: Sequence[Point], value: Callable[[Point], float]
    ) -> None:
        self._at = at
        self._title = title
        self._points = points
        self._value = value
        files = [point.files for point in points]
        values = [value(point) for point in points]
        self._across = math.log10(min(files)), math.log10(max(files))
        self._up = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))

    def drawn(self) -> Iterable[str]:
        """Yield the elements."""
        yield f'<text x="{self._at}" y="{TOP - 16}" class="title">{escape(self._title)}</text>'
        yield from self._grid()
        ordered = sorted(self._points, key=lambda point: (point.contender, point.files))
        for name, some in groupby(ordered, key=lambda point: point.contender):
            yield from self._line(name, list(some))

    def _grid(self) -> Iterable[str]:
        for power in range(self._up[0], self._up[1] + 1):
            y = self._y(10.0**power)
            yield f'<path d="M{self._at} {y:.0f}h{WIDTH}" class="grid"/>'
            said = number(10.0**power)
            yield f'<text x="{self._at - 6}" y="{y + 4:.0f}" class="left">{said}</text>'
        for files in sorted({point.files for point in self._points}):
            x = self._x(files)
            yield f'<path d="M{x:.0f} {TOP}v{HEIGHT}" class="grid"/>'
            yield f'<text x="{x:.0f}" y="{TOP + HEIGHT + 18}" class="below">{files:,}</text>'

    def _line(self, name: str, points: Sequence[Point]) -> Iterable[str]:
        places = [(self._x(point.files), self._y(self._value(point))) for point in points]
        color = COLORS.get(name, "#444")
        if len(places) > 1:
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
            yield f'<polyline points="{path}" stroke="{color}"/>'
        for x, y in places:
            yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{color}"/>'

    def _x(self, files: float) -> float:
        begin, end = self._across
        return self._at + WIDTH * (math.log10(files) - begin) / max(end - begin, 1e-9)

    def _y(self, value: float) -> float:
        begin, end = self._up
        return TOP + HEIGHT * (1 - (math.log10(value) - begin) / max(end - begin, 1))


def drawn(points: Sequence[Point]) -> str:
    """Return the SVG of all points."""
    panels = (
        Panel(LEFT, "CPU seconds of a pass with nothing to do, by files", points, _cpu),
        Panel(LEFT + WIDTH + GAP, "Peak memory in MiB, by files", points, _peak),
    )
    width, height = 2 * WIDTH + GAP + LEFT + 40, TOP + HEIGHT + 70
    elements = [element for panel in panels for element in panel.drawn()]
    elements += _legend(dict.fromkeys(point.contender for point in points))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" font-family="sans-serif" font-size="12">\n'
        "<style>.grid{stroke:#ddd}.left{text-anchor:end}.below{text-anchor:middle}"
        ".title{font-weight:bold}polyline{fill:none;stroke-width:2}</style>\n"
        f'<rect width="{width}" height="{height}" fill="#fff"/>\n'
        + "\n".join(elements)
        + "\n</svg>\n"
    )


def _legend(names: Iterable[str]) -> Iterable[str]:
    y = TOP + HEIGHT + 48
    for place, name in enumerate(names):
        x = LEFT + place * 140
        yield f'<circle cx="{x}" cy="{y - 4}" r="5" fill="{COLORS.get(name, "#444")}"/>'
        yield f'<text x="{x + 10}" y="{y}">{escape(name)}</text>'


def _cpu(point: Point) -> float:
    return max(point.cpu, 0.001)


def _peak(point: Point) -> float:
    return max(point.peak, 0.1)
