"""Real crashes in any number, and every fault with every verb.

python -m tests.crash --kills N --documents N [--seed FIRST] [--seeds N] [--rate SHARE]
python -m tests.crash --faults
python -m tests.crash --fleet SECONDS
python -m tests.crash --one-away SECONDS
"""

from __future__ import annotations

import argparse
import itertools
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.cluster import postgresql

from .faults import BRISK, Verb
from .fleet import under_everything
from .killing import first_mirror
from .one_away import one_away
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
    parser.add_argument("--fleet", type=float, metavar="SECONDS")
    parser.add_argument("--one-away", type=float, metavar="SECONDS")
    options = parser.parse_args()
    if options.one_away:
        return 0 if _one_away(options.one_away) else 1
    if options.fleet:
        return 0 if _fleet(options.fleet, options.seed) else 1
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


def _fleet(seconds: float, seed: int) -> bool:
    with TemporaryDirectory(prefix="kbsync-crash-") as place, postgresql() as cluster:
        figures = under_everything(Path(place), cluster, seconds=seconds, seed=seed)
    print(*figures.lines(), *figures.wrong, sep="\n", flush=True)
    return not figures.wrong


def _one_away(seconds: float) -> bool:
    with TemporaryDirectory(prefix="kbsync-crash-") as place, postgresql() as cluster:
        seen = one_away(Path(place), cluster, seconds=seconds)
    print(*seen.lines(), *seen.wrong, sep="\n", flush=True)
    return not seen.wrong


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
