"""The suite from the command line: `python -m benchmarks --help`, or `make bench`."""

from __future__ import annotations

import argparse
import dataclasses
import fcntl
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks import page, report
from benchmarks.figures import Result
from benchmarks.measure import FailedError
from benchmarks.rows import GROUPS
from benchmarks.sizes import SIZES
from benchmarks.suite import BEFORE, NOW, Suite, Version
from benchmarks.table import as_text


def parse(words: Sequence[str]) -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--size", choices=SIZES, default="usual")
    parser.add_argument("--rows", default="", help=f"groups, by commas: {', '.join(GROUPS)}")
    parser.add_argument("--runs", type=int, help="of every contender; by default those of the size")
    parser.add_argument(
        "--before", type=Path, help="Python of another checkout, measured in the same run"
    )
    parser.add_argument("--keep", type=Path, help="folder that keeps trees for the next run")
    parser.add_argument("--json", type=Path, default=Path("bench.json"), help="where figures go")
    parser.add_argument(
        "--page", action="store_true", help=f"write {page.PAGE.name}, and its figures, anew"
    )
    options = parser.parse_args(words)
    options.groups = [each for each in options.rows.split(",") if each] or list(GROUPS)
    if unknown := [each for each in options.groups if each not in GROUPS]:
        parser.error(f"no rows are called {', '.join(unknown)}; there are {', '.join(GROUPS)}")
    return options


def run(options: argparse.Namespace, scratch: Path) -> bool:
    """Measure, write what each group found, and print the table once all is measured.

    Returns:
        Whether every group could be measured to its end.
    """
    versions = [Version(NOW, Path(sys.executable))]
    versions += [Version(BEFORE, options.before.absolute())] if options.before else []
    size = SIZES[options.size]
    size = dataclasses.replace(size, runs=options.runs) if options.runs else size
    suite = Suite(size, tuple(versions), options.keep, scratch)
    whole = report.read(page.FIGURES) if options.page and page.FIGURES.exists() else report.Report()
    found: list[Result] = []
    about = report.about(suite, options.size)
    failed = False
    for group in options.groups:
        print(f"measuring: {group}", file=sys.stderr, flush=True)
        try:
            for result in GROUPS[group](suite):
                found.append(result)
                whole.add(result, about)
        except FailedError as error:
            failed = True
            print(error, file=sys.stderr, flush=True)
        whole.close(suite)
        _write(options, whole)
    print(f"Size {options.size}, runs of each: {size.runs}; cases are named as in the full size.")
    print(as_text(report.Report({each.row: each for each in found}).ordered))
    return not failed


@contextmanager
def kept(folder: Path) -> Iterator[Path]:
    """Hold the folder that keeps trees: two runs at once would spoil them, and each other."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SystemExit(f"another run uses {folder}. Next: wait for its end") from None
        yield folder.absolute()


def _write(options: argparse.Namespace, whole: report.Report) -> None:
    whole.write(page.FIGURES if options.page else options.json)
    if options.page:
        page.write(whole)


def main(words: Sequence[str] | None = None) -> None:
    """Measure, print the table and write the files."""
    options = parse(sys.argv[1:] if words is None else words)
    # What is installed has its bytecode, and is not compiled at every start.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory(prefix="kbsync-bench-") as folder:
        scratch = Path(folder)
        with kept(options.keep or scratch / "kept") as options.keep:
            complete = run(options, scratch)
    if not complete:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
