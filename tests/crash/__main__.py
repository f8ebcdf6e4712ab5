"""Real crashes in any number, and every fault with every verb.

python -m tests.crash --kills N --documents N [--seed FIRST] [--seeds N] [--rate SHARE]
python -m tests.crash --faults
"""

from __future__ import annotations

import argparse
import itertools
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from .faults import BRISK, Verb
from .killing import first_mirror
from .site import serving
from .storms import one_alone
from .together import together

AT_ONCE = 13


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--documents", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--rate", type=float, default=0.02)
    parser.add_argument("--faults", action="store_true")
    options = parser.parse_args()
    if options.faults:
        return 0 if _every_fault() else 1
    sound = [_killed(options, seed) for seed in range(options.seed, options.seed + options.seeds)]
    return 0 if all(sound) else 1


def _killed(options: argparse.Namespace, seed: int) -> bool:
    with TemporaryDirectory(prefix="kbsync-crash-") as place:
        figures = first_mirror(
            Path(place),
            kills=options.kills,
            documents=options.documents,
            seed=seed,
            rate=options.rate,
        )
    print(f"seed              {seed}", *figures.lines(), *figures.wrong, "", sep="\n", flush=True)
    return figures.sound


def _every_fault() -> bool:
    """Have every fault meet every verb alone, some at once; print what went wrong."""
    verbs = [verb for verb in Verb if verb is not Verb.OTHER]
    pairs = list(itertools.product(verbs, BRISK))
    wrong: list[str] = []
    for begin in range(0, len(pairs), AT_ONCE):
        with TemporaryDirectory(prefix="kbsync-crash-") as place, serving(Path(place)) as server:
            some = pairs[begin : begin + AT_ONCE]
            stories = {f"{f} of {v}": one_alone(server.url, f, v) for v, f in some}
            lines = together(Path(place), stories)
        wrong += lines
        print(*stories, f"{len(lines)} wrong", *lines, "", sep="\n", flush=True)
    return not wrong


if __name__ == "__main__":
    sys.exit(main())
