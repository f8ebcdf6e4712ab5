"""Play any number of drawn programs: python -m tests.sim --count N [--seed FIRST] [--jobs J]."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field

from .playing import LONGEST, fails, ledgers, played, shortened
from .program import Program
from .runs import WEIGHTS
from .weather import FAULTS

AT_ONCE = 20


@dataclass
class Told:
    """What some histories told: what they met, and which broke a promise."""

    histories: int = 0
    met: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)

    def add(self, other: Told) -> None:
        self.histories += other.histories
        self.met += other.met
        self.broken += other.broken


def some(seeds: range, *, shorten: bool) -> Told:
    """Play the programs of `seeds`."""
    told = Told()
    with ledgers() as (place, empty):
        for seed in seeds:
            program = Program.drawn(seed, WEIGHTS, LONGEST)
            met, broken = played(program, place, empty)
            told.histories += 1
            told.met += met
            if broken is not None:
                short = shortened(program, place, empty) if shorten else program
                why = str(fails(short, place, empty) or broken)
                told.broken.append(f"seed {seed}: {why[-1500:]}\n  program: {short}")
    return told


def shares(first: int, count: int) -> Iterator[range]:
    for start in range(first, first + count, AT_ONCE):
        yield range(start, min(start + AT_ONCE, first + count))


def many(first: int, count: int, *, jobs: int, shorten: bool, keep_going: bool) -> Told:
    """Play `count` programs in `jobs` processes, until one fails unless `keep_going`."""
    told = Told()
    with ProcessPoolExecutor(jobs) as pool:
        playing = [pool.submit(some, share, shorten=shorten) for share in shares(first, count)]
        for share in as_completed(playing):
            news = share.result()
            told.add(news)
            print(*news.broken, sep="\n", end="\n" if news.broken else "", flush=True)
            if told.broken and not keep_going:
                pool.shutdown(cancel_futures=True)
                break
    return told


def tell(told: Told, seconds: float) -> None:
    steps = sum(times for name, times in told.met.items() if name.startswith("step "))
    faults = sum(told.met[name] for name in set(FAULTS))
    problems = sum(times for name, times in told.met.items() if name.startswith("problem "))
    print(f"{told.histories} histories in {seconds:.1f} s, {len(told.broken)} broken")
    print(f"{steps:8} steps")
    print(f"{faults:8} faults")
    print(f"{told.met['crash']:8} crashes")
    print(f"{problems:8} problems")
    for name, times in sorted(told.met.items()):
        print(f"{times:8} {name}")


def one(words: str) -> int:
    """Play one program and tell all of it when it fails."""
    with ledgers() as (place, empty):
        broken = fails(Program.told(words), place, empty)
    if broken:
        print("\n".join(broken.history.trace), broken, sep="\n")
    return 1 if broken else 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.sim")
    parser.add_argument("--count", type=int, default=300, help="how many")
    parser.add_argument("--seed", type=int, default=0, help="the first")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--program", help="play this one, and show its trace when it fails")
    parser.add_argument("--quick", action="store_true", help="do not shorten what fails")
    parser.add_argument("--keep-going", action="store_true", help="do not end with the first")
    asked = parser.parse_args()
    if asked.program:
        return one(asked.program)
    began = time.monotonic()
    told = many(
        asked.seed,
        asked.count,
        jobs=asked.jobs,
        shorten=not asked.quick,
        keep_going=asked.keep_going,
    )
    tell(told, time.monotonic() - began)
    return 1 if told.broken else 0


if __name__ == "__main__":
    sys.exit(main())
