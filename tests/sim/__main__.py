"""Play any number of drawn programs: python -m tests.sim --count N [--seed FIRST] [--jobs J].

With --digest it prints one sha256 over all their traces, which does not depend on --jobs.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from functools import cache, partial

from tests.cluster import postgresql

from . import fleet
from .digest import combined, digest_of
from .history import play
from .playing import LONGEST, Play, fails, ledgers, played, shortened
from .program import Program
from .runs import TRIALS, WEIGHTS
from .weather import FAULTS

AT_ONCE = 20


@dataclass
class Tally:
    """What some histories met, the digests of their traces by seed, and which broke a promise."""

    met: Counter[str] = field(default_factory=Counter)
    digests: dict[int, str] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        self.met += other.met
        self.digests |= other.digests
        self.broken += other.broken


def play_share(
    seeds: range, kinds: Sequence[str], *, shorten: bool, database: str | None = None
) -> Tally:
    """Play the programs of `seeds` with these kinds of trials, or with a cluster."""
    tally = Tally()
    by, weights = (play, WEIGHTS) if database is None else (_on(database), fleet.WEIGHTS)
    with ledgers() as (place, empty):
        for seed in seeds:
            trials = {kind: TRIALS[kind] for kind in kinds} or None
            program = Program.drawn(seed, weights, LONGEST, trials)
            history, broken = played(program, place, empty, by)
            tally.met += history.met
            tally.digests[seed] = digest_of(history.trace)
            if broken is not None:
                short = shortened(program, place, empty, by) if shorten else program
                why = str(fails(short, place, empty, by) or broken)
                tally.broken.append(f"seed {seed}: {why[-1500:]}\n  program: {short}")
    return tally


@cache
def _disk(address: str) -> fleet.SharedDisk:
    return fleet.SharedDisk(address)


def _on(database: str) -> Play:
    """Return what plays over a schema of this process's own."""
    return partial(fleet.play_fleet, _disk(f"{database}&schema=sim_{os.getpid()}"))


def shares(first: int, count: int) -> Iterator[range]:
    for start in range(first, first + count, AT_ONCE):
        yield range(start, min(start + AT_ONCE, first + count))


def play_all(
    first: int,
    count: int,
    kinds: Sequence[str],
    *,
    jobs: int,
    shorten: bool,
    keep_going: bool,
    database: str | None = None,
) -> Tally:
    """Play `count` programs in `jobs` processes, until one fails unless `keep_going`."""
    tally = Tally()
    with ProcessPoolExecutor(jobs) as pool:
        playing = [
            pool.submit(play_share, share, kinds, shorten=shorten, database=database)
            for share in shares(first, count)
        ]
        for share in as_completed(playing):
            news = share.result()
            tally.add(news)
            print(*news.broken, sep="\n", end="\n" if news.broken else "", flush=True)
            if tally.broken and not keep_going:
                pool.shutdown(cancel_futures=True)
                break
    return tally


def report(tally: Tally, seconds: float) -> None:
    steps = sum(times for name, times in tally.met.items() if name.startswith("step "))
    faults = sum(tally.met[name] for name in set(FAULTS))
    problems = sum(times for name, times in tally.met.items() if name.startswith("problem "))
    print(f"{len(tally.digests)} histories in {seconds:.1f} s, {len(tally.broken)} broken")
    print(f"{steps:8} steps")
    print(f"{faults:8} faults")
    print(f"{tally.met['crash']:8} crashes")
    print(f"{problems:8} problems")
    for name, times in sorted(tally.met.items()):
        print(f"{times:8} {name}")


def play_one(words: str, database: str | None = None) -> int:
    """Play one program and print its whole trace when it fails."""
    by = play if database is None else _on(database)
    with ledgers() as (place, empty):
        broken = fails(Program.parsed(words), place, empty, by)
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
    parser.add_argument("--digest", action="store_true", help="print a sha256 over all traces")
    parser.add_argument("--trials", nargs="*", default=sorted(TRIALS), choices=sorted(TRIALS))
    parser.add_argument("--fleet", action="store_true", help="a cluster works, on PostgreSQL")
    options = parser.parse_args()
    if not options.fleet:
        return play_as(options)
    with postgresql() as cluster:
        return play_as(options, f"postgresql://kbsync@/kbsync?host={cluster.folder}")


def play_as(options: argparse.Namespace, database: str | None = None) -> int:
    """Play what the options say."""
    if options.program:
        return play_one(options.program, database)
    began = time.monotonic()
    tally = play_all(
        options.seed,
        options.count,
        [] if database else options.trials,
        jobs=options.jobs,
        shorten=not options.quick,
        keep_going=options.keep_going,
        database=database,
    )
    report(tally, time.monotonic() - began)
    if options.digest and len(tally.digests) == options.count:
        print(f"digest {combined(tally.digests)}")
    return 1 if tally.broken else 0


if __name__ == "__main__":
    sys.exit(main())
