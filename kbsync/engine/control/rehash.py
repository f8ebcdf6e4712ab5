"""The rolling re-hash: every file is read once in a while, whatever its stat says.

What times hide is found so: contents written through a memory map, times that were put back on a
file system without change times, a disk that lost bits. It goes round the ledger's paths in their
order, a few at a time, and goes on over a restart where it was (docs/design.md section 7).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import anyio.to_thread

from kbsync.engine.reconciler import Reconciler
from kbsync.lazy_dataclass import dataclass
from kbsync.model import Absent, Present, Rehash

# Of one core at most, in turns of about this many seconds of its time.
SHARE, TURN = 0.02, 0.2
# Seconds between two turns at least, and about as many where much is to be read.
LEAST, USUAL = 1.0, 60.0
MOST_FILES = 200
NOTED_EVERY = 300.0


@dataclass(frozen=True, slots=True)
class _Turn:
    """What one turn read: the last path, how many files, seconds of a core, and what differs."""

    after: str
    files: int
    cpu: float
    differing: Sequence[Present]


class RollingRehash:
    """Reads the files of one mirror again, one after the other.

    Args:
        reconciler: of the mirror; its ledger keeps how far this came.
        cpu: seconds of a core that the calling thread has used.

    Attributes:
        due: when the next files are read, in seconds of the ledger's clock.
    """

    def __init__(
        self, reconciler: Reconciler, *, cpu: Callable[[], float] = time.thread_time
    ) -> None:
        self._mirror = reconciler.mirror.name
        self._period = reconciler.mirror.config.rehash
        self._source = reconciler.mirror.source
        self._ledger = reconciler.ledger
        self._clock = reconciler.clock
        self._check = reconciler.comparison.content_check
        self._cpu = cpu
        self._at: Rehash | None = None
        self._left = 0
        self._noted = float("-inf")
        self.due = self._clock.now() + USUAL if self._period else float("inf")

    async def go_on(self) -> list[str]:
        """Read the next files; return the paths of those that are not what was sent.

        Or may not be, as they cannot be read. Their stat is doubted in the ledger from now on, so
        that any later look reads them.
        """
        at = self._at
        if at is None:
            at = await anyio.to_thread.run_sync(self._begin)
        number = max(1, min(MOST_FILES, int(USUAL / max(self._pace(at), 0.001))))
        paths = self._ledger.paths_after(self._mirror, at.after, limit=number)
        turn = await anyio.to_thread.run_sync(self._read, paths)
        self._ledger.restat([(file.key, file.stat.doubted) for file in turn.differing])
        self._left = max(0, self._left - turn.files)
        ended = turn.files == len(paths) < number
        self._plan_next(replace(at, after=turn.after or at.after), turn, ended=ended)
        return [file.key.path for file in turn.differing]

    def _begin(self) -> Rehash:
        at = self._ledger.rehash(self._mirror) or Rehash(after="", since=self._clock.now())
        self._left = self._ledger.left_after(self._mirror, at.after)
        return at

    def _pace(self, at: Rehash) -> float:
        """Return how many seconds each file has that is left of this round."""
        return max(0.0, at.since + self._period - self._clock.now()) / max(1, self._left)

    def _read(self, paths: Sequence[str]) -> _Turn:
        """Read the files of `paths` until the turn is over."""
        began, done, differing = self._cpu(), 0, list[Present]()
        for path in paths:
            file = self._source.look(path)
            other = self._check.differing(file)
            # What cannot be read or sent any more is to be said as well; what is gone has an event.
            if isinstance(file, Present) and not isinstance(other, Absent | None):
                differing.append(file)
            done += 1
            if self._cpu() - began > TURN:
                break
        return _Turn(paths[done - 1] if done else "", done, self._cpu() - began, differing)

    def _plan_next(self, at: Rehash, turn: _Turn, *, ended: bool) -> None:
        now = self._clock.now()
        pause = max(LEAST, turn.cpu / SHARE, self._pace(at) * turn.files)
        if ended:  # the next round begins when this one was to end
            pause = max(pause, at.since + self._period - now)
            at = Rehash(after="", since=now + pause)
            self._left = sum(self._ledger.counts(self._mirror).values())
        self._at, self.due = at, now + pause
        if ended or now - self._noted >= NOTED_EVERY:
            self._ledger.note_rehash(self._mirror, at)
            self._noted = now
