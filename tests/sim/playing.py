"""Playing drawn programs one after the other, and making those that fail shorter."""

from __future__ import annotations

import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from kbsync.ledger.store import LedgerStore

from .history import Broken, History, play
from .program import Program

Play = Callable[[Program, Path, Path], History]

LONGEST = 20
MOST_SECONDS = 60.0


@contextmanager
def ground() -> Iterator[Path]:
    """Lend a folder for ledgers, in memory where there is one."""
    shared = Path("/dev/shm")
    parent = str(shared) if shared.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="kbsync-sim-", dir=parent) as name:
        yield Path(name)


@contextmanager
def ledgers() -> Iterator[tuple[Path, Path]]:
    """Lend a folder for ledgers and, in it, an empty ledger."""
    with ground() as place:
        LedgerStore.open(place / "empty.db").close()
        yield place, place / "empty.db"


def played(
    program: Program, place: Path, empty: Path, by: Play = play
) -> tuple[History, Broken | None]:
    """Play `program`; return what was played, and how it broke if it did."""
    folder = place / "history"
    folder.mkdir(exist_ok=True)
    try:
        with _in_time():
            return by(program, folder, empty), None
    except Broken as broken:
        return broken.history, broken
    finally:
        shutil.rmtree(folder)


@contextmanager
def _in_time() -> Iterator[None]:
    """Let nothing spin: no time passes there, and no end of time comes."""

    def end(*_: object) -> None:
        raise TimeoutError(f"a history took {MOST_SECONDS} seconds of a processor")

    before = signal.signal(signal.SIGVTALRM, end)
    signal.setitimer(signal.ITIMER_VIRTUAL, MOST_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def fails(program: Program, place: Path, empty: Path, by: Play = play) -> Broken | None:
    return played(program, place, empty, by)[1]


def shortened(program: Program, place: Path, empty: Path, by: Play = play) -> Program:
    """Leave out every step that the failure does not need."""
    kind = kind_of(fails(program, place, empty, by))
    size = len(program.steps) // 2
    while size:
        start = 0
        while start < len(program.steps):
            shorter = program.without(start, size)
            if kind_of(fails(shorter, place, empty, by)) == kind:
                program = shorter
            else:
                start += size
        size //= 2
    return program


def kind_of(broken: Broken | None) -> str:
    return str(broken).partition("]")[0]
