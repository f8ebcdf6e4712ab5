"""What docs/performance.md has of the figures: `python -m benchmarks.page` writes it anew."""

from __future__ import annotations

from pathlib import Path

from benchmarks import plot
from benchmarks.measure import ROOT
from benchmarks.report import Report, read
from benchmarks.table import as_markdown, number, results_as_markdown, side_by_side

PAGE = ROOT / "docs" / "performance.md"
FIGURES = ROOT / "docs" / "performance.json"
PLOT = ROOT / "docs" / "performance.svg"
_SECTION = "<!-- {name}: written by make bench -->\n{text}\n<!-- end of {name} -->"


def sections(report: Report) -> dict[str, str]:
    """Return every part of the page that is made of figures, by its name."""
    return {
        "table": results_as_markdown(report.ordered),
        "growth": _growth(report),
        "requests": side_by_side(report.tables.get("first-requests", {}), "request"),
        "concurrency": _concurrency(report),
        "measured": _measured(report),
    }


def written(page: str, report: Report) -> str:
    """Return the page with the figures of `report`."""
    for name, text in sections(report).items():
        begin, end = _SECTION.format(name=name, text="\0").split("\0")
        before, _, rest = page.partition(begin)
        _, found, after = rest.partition(end)
        if found:
            page = f"{before}{begin}{text}{end}{after}"
    return page


def write(report: Report, page: Path = PAGE) -> None:
    """Write the page and its plot."""
    page.write_text(written(page.read_text("utf-8"), report), "utf-8")
    if report.points:
        PLOT.write_text(plot.drawn(report.points), "utf-8")


def _growth(report: Report) -> str:
    head = ("files", "", "CPU, s", "wall, s", "peak, MiB")
    rows = [
        (
            f"{point.files:,}",
            point.contender,
            number(point.cpu),
            number(point.wall),
            number(point.peak),
        )
        for point in report.points
    ]
    return as_markdown(head, rows)


def _concurrency(report: Report) -> str:
    kinds = {"concurrency-fast": "fast", "concurrency-slow": "slow", "concurrency-locked": "locked"}
    columns = {
        f"{kind}, s": {name: found["wall"] for name, found in report.tables[row].items()}
        for row, kind in kinds.items()
        if row in report.tables
    }
    return side_by_side(columns, "in flight")


def _measured(report: Report) -> str:
    about = {tuple(sorted(each.items())) for each in report.about.values()}
    lines = [f"Measured on {report.machine}."]
    for each in map(dict, sorted(about)):
        compared = f", compared with {each['compared']}" if each["compared"] else ""
        lines.append(f"Size {each['size']}, {each['at']}, at {each['version']}{compared}.")
    return "\n".join(lines)


if __name__ == "__main__":
    write(read(FIGURES))
