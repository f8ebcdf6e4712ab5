"""Kill a first mirror: python -m tests.crash --kills N --documents N [--seed FIRST] [--seeds N]."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from .killing import first_mirror


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--documents", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--rate", type=float, default=0.02)
    told = parser.parse_args()
    sound = True
    for seed in range(told.seed, told.seed + told.seeds):
        with TemporaryDirectory(prefix="kbsync-crash-") as place:
            figures = first_mirror(
                Path(place),
                kills=told.kills,
                documents=told.documents,
                seed=seed,
                rate=told.rate,
            )
        print(f"seed              {seed}", *figures.lines(), *figures.wrong, "", sep="\n")
        sound = sound and figures.sound
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main())
