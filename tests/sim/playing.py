"""Playing drawn programs one after the other, and making those that fail shorter."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kbsync.ledger.store import LedgerStore

from .history import Broken, play
from .program import Program

LONGEST = 24


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
    kind = kind_of(fails(program, place, empty))
    size = len(program.steps) // 2
    while size:
        start = 0
        while start < len(program.steps):
            shorter = program.without(start, size)
            if kind_of(fails(shorter, place, empty)) == kind:
                program = shorter
            else:
                start += size
        size //= 2
    return program


def kind_of(broken: Broken | None) -> str:
    return str(broken).partition("]")[0]
