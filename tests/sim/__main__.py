"""Play any number of drawn programs: python -m tests.sim --count N [--seed FIRST]."""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from collections import Counter

from .history import Broken, play
from .playing import LONGEST, fails, ledgers, shortened
from .program import Program
from .rules import WEIGHTS


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--program")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--keep-going", action="store_true")
    told = parser.parse_args()
    met: Counter[str] = Counter()
    began, broke = time.monotonic(), 0
    with ledgers() as (place, empty):
        if told.program:
            broken = fails(Program.told(told.program), place, empty)
            if broken:
                print("\n".join(broken.history.trace), broken, sep="\n")
            return 1 if broken else 0
        for seed in range(told.seed, told.seed + told.count):
            program = Program.drawn(seed, WEIGHTS, LONGEST)
            folder = place / "history"
            folder.mkdir()
            try:
                met += play(program, folder, empty).met
            except Broken as broken:
                broke += 1
                shutil.rmtree(folder)
                short = program if told.quick else shortened(program, place, empty)
                why = str(fails(short, place, empty))
                print(f"seed {seed}: {why[-1500:]}\n  program: {short}", flush=True)
                if not told.keep_going:
                    return 1
                continue
            shutil.rmtree(folder)
    print(f"{told.count} histories in {time.monotonic() - began:.1f} s, {broke} broken")
    steps = sum(times for name, times in met.items() if name.startswith("step "))
    print(f"{steps:8} steps")
    for name, times in sorted(met.items()):
        print(f"{times:8} {name}")
    return 1 if broke else 0


if __name__ == "__main__":
    sys.exit(main())
