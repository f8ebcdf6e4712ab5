"""Fuzz every parser: python -m tests.fuzz [--seconds S] [--target NAME] [--out FOLDER]."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .corpus import TARGETS
from .running import Fuzzed, drawn, guided, guided_here
from .targets import Target

LEAST = 2.0


def main() -> int:
    """Share the time among the targets; return 1 when one of them was tripped."""
    options = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    options.add_argument("--seconds", type=float, default=60, help="for all targets together")
    options.add_argument("--target", action="append", choices=[each.name for each in TARGETS])
    options.add_argument("--out", type=Path, default=Path(".fuzz"), help="where findings are kept")
    options.add_argument("--drawn", action="store_true", help="do not use atheris")
    asked = options.parse_args()
    chosen = [each for each in TARGETS if not asked.target or each.name in asked.target]
    each = max(LEAST, asked.seconds / len(chosen))
    by_coverage = guided_here() and not asked.drawn
    if not by_coverage:
        print("atheris is not used: inputs are drawn by Hypothesis, not guided by coverage.")
        print("  next: pip install 'kbsync[fuzz]'")
    failed = False
    for target in chosen:
        out = asked.out / target.name
        result = guided(target, each, out) if by_coverage else drawn(target, each)
        print(f"{target.name:8} {result.executions:8} inputs  {result.covered:5} {result.unit}")
        failed |= _found(target, result, asked.out)
    return int(failed)


def _found(target: Target, result: Fuzzed, out: Path) -> bool:
    if result.input is None:
        return False
    out.mkdir(parents=True, exist_ok=True)
    file = out / f"{target.name}.input"
    file.write_bytes(result.input)
    print(f"  tripped: {result.fault.strip()}\n  the input is in {file}", flush=True)
    return True


if __name__ == "__main__":
    sys.exit(main())
