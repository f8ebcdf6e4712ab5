"""What docs/performance.md has of the figures: `python -m benchmarks.page` writes it anew."""

from __future__ import annotations

from pathlib import Path
from statistics import median

from benchmarks import plot
from benchmarks.measure import ROOT
from benchmarks.report import Report, read
from benchmarks.sizes import SIZES
from benchmarks.suite import BEFORE, NOW
from benchmarks.table import as_markdown, number, results_as_markdown, side_by_side

PAGE = ROOT / "docs" / "performance.md"
FIGURES = ROOT / "docs" / "performance.json"
PLOT = ROOT / "docs" / "performance.svg"
PROFILE = "profile, "
RESYNC = 15 * 60  # seconds: the default of `local_resync`
# docs/dify-api.md section 13.
SERVERS = {
    "indexes with one worker, as Docker installs it": 1.0,
    "indexes with four workers": 7.9,
    "takes uploads on eight connections, whenever it indexes": 18.0,
}
_BEGIN, _END = "<!-- {name}: written by make bench -->", "<!-- end of {name} -->"


def sections(report: Report) -> dict[str, str]:
    """Return every part of the page that is made of figures, by its name."""
    return {
        "table": results_as_markdown(report.ordered),
        "growth": _growth(report),
        "requests": side_by_side(report.tables.get("first-requests", {}), "request"),
        "concurrency": _concurrency(report),
        "limit": _limit(report),
        "profiles": _profiles(report),
        "measured": _measured(report),
    }


def written(page: str, report: Report) -> str:
    """Return the page with the figures of `report`.

    Raises:
        ValueError: the page has no place for one of its parts.
    """
    for name, text in sections(report).items():
        begin, end = _BEGIN.format(name=name), _END.format(name=name)
        before, _, rest = page.partition(begin)
        _, found, after = rest.partition(end)
        if not found:
            raise ValueError(f"the page has no place for: {name}")
        page = f"{before}{begin}\n{text}\n{end}{after}"
    return page


def write(report: Report, page: Path = PAGE) -> None:
    """Write the page and its plot."""
    page.write_text(written(page.read_text("utf-8"), report), "utf-8")
    if report.points:
        PLOT.write_text(plot.drawn(report.points), "utf-8")


def _growth(report: Report) -> str:
    head = ("files", "", "CPU, s", "wall, s", "peak, MiB", "of a core, at one pass in 15 minutes")
    rows = [
        (
            f"{point.files:,}",
            point.contender,
            number(point.cpu),
            number(point.wall),
            number(point.peak),
            f"{point.cpu / RESYNC:.2%}",
        )
        for point in report.points
    ]
    return as_markdown(head, rows)


def _limit(report: Report) -> str:
    """Return how busy a core is with a first apply, by how fast the server is."""
    if "first-cpu" not in report.results:
        return ""
    documents = SIZES[report.about["first-cpu"]["size"]].first
    each = median(report.results["first-cpu"].samples[NOW]) / documents
    rows = [(who, number(rate), f"{rate * each:.1%}") for who, rate in SERVERS.items()]
    rows.append(("where one core is the limit", number(1 / each), "100%"))
    return as_markdown(("server", "documents a second", "of a core for kbsync"), rows)


def _concurrency(report: Report) -> str:
    kinds = {"concurrency-fast": "fast", "concurrency-slow": "slow", "concurrency-locked": "locked"}
    columns = {
        f"{kind}, s": {name: found["wall"] for name, found in report.tables[row].items()}
        for row, kind in kinds.items()
        if row in report.tables
    }
    return side_by_side(columns, "in flight")


def _profiles(report: Report) -> str:
    """Return a column for each profile and version."""
    columns = {
        f"{name.removeprefix(PROFILE)}{', before' if version == BEFORE else ''}, %": shares
        for name, of_versions in report.tables.items()
        if name.startswith(PROFILE)
        for version, shares in of_versions.items()
    }
    return side_by_side(columns, "part")


def _measured(report: Report) -> str:
    about = {tuple(sorted(each.items())) for each in report.about.values()}
    lines = [f"Measured on {report.machine}."]
    for each in map(dict, sorted(about)):
        compared = f", compared with {each['compared']}" if each["compared"] else ""
        runs = "a single run" if each["runs"] == "1" else f"{each['runs']} runs"
        how = f"Size {each['size']}, {runs} of each contender, {each['at']}"
        lines.append(f"{how}, at {each['version']}{compared}.")
    return "\n".join(lines)


if __name__ == "__main__":
    write(read(FIGURES))
