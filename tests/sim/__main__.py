"""Play any number of drawn programs: python -m tests.sim --count N [--seed FIRST]."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kbsync.ledger.store import LedgerStore

from .history import Broken, History, play
from .program import Program
from .rules import WEIGHTS

LONGEST = 30


@contextmanager
def ledgers() -> Iterator[tuple[Path, Path]]:
    """Lend a folder for ledgers, in memory where there is one, and an empty ledger."""
    shared = Path("/dev/shm")
    parent = str(shared) if shared.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="kbsync-sim-", dir=parent) as name:
        empty = Path(name) / "empty.db"
        LedgerStore.open(empty).close()
        yield Path(name), empty


def fails(program: Program, place: Path, empty: Path) -> Broken | None:
    folder = place / "history"
    folder.mkdir(exist_ok=True)
    try:
        play(program, folder, empty)
    except Broken as broken:
        return broken
    finally:
        shutil.rmtree(folder)
    return None


def shortened(program: Program, place: Path, empty: Path) -> Program:
    """Leave out every step that the failure does not need."""
    kind = _kind(fails(program, place, empty))
    size = len(program.steps) // 2
    while size:
        start = 0
        while start < len(program.steps):
            shorter = program.without(start, size)
            if _kind(fails(shorter, place, empty)) == kind:
                program = shorter
            else:
                start += size
        size //= 2
    return program


def _kind(broken: Broken | None) -> str:
    return str(broken).partition("]")[0]


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
    for name, times in sorted(met.items()):
        print(f"{times:8} {name}")
    return 1 if broke else 0


if __name__ == "__main__":
    sys.exit(main())
