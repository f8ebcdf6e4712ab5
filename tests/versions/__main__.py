"""The matrix of versions in full: python -m tests.versions [--files N] [--daemon S] [NAME…]"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from .matrix import PROFILES, Matrix


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--files", type=int, default=50)
    parser.add_argument("--daemon", type=float, default=60.0)
    parser.add_argument("profiles", nargs="*", default=PROFILES)
    options = parser.parse_args()
    wrong = 0
    for profile in options.profiles:
        with TemporaryDirectory(prefix="kbsync-versions-") as place:
            matrix = Matrix(Path(place), profile, files=options.files, daemon_for=options.daemon)
            matrix.place()
            for step in matrix.steps():
                exact = "; ".join(step.wrong) or "exact"
                wrong += bool(step.wrong)
                print(
                    f"{profile:6} {step.name:14} {step.requests:5} requests "
                    f"{step.writes:4} writes {step.seconds:6.1f} s  {exact}",
                    flush=True,
                )
            if profile == "page":
                print(f"{profile:6} calls outside the page: {matrix.outside or 'none'}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
