"""Keys that may need something: a merge join of two sorted streams, the walk and the ledger.

A settled file costs one tuple comparison: no object, no hash, no query. Memory does not grow with
the number of files (docs/design.md section 8).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import field, replace

from kbsync.engine.ports import Blocked, FileRow, Seen, Source
from kbsync.lazy_dataclass import dataclass
from kbsync.messages import Notice
from kbsync.model import Absent, DocKey, Excluded, FileState, Present, Skipped, Stat, Unknown
from kbsync.planning.path_range import WHOLE, PathRange, PathScope


@dataclass(slots=True, kw_only=True)
class ScanTally:
    """Counts of one walk.

    Args:
        unchanged: files that need nothing.
        files: files that passed the filters.
        left_out: files and folders that the default list leaves out.
        blocked: folders that could not be listed.
        recorded: paths the ledger knows.
        found: those of them that are there, or cannot be proved to be gone.
        named: paths said to be unknown or skipped: what is in them need not be said too.
        fault: the first reason why something could not be listed.
        cut: where the walk was ended, as it had met enough; None when it came to its end.
    """

    unchanged: int = 0
    files: int = 0
    left_out: int = 0
    blocked: list[Blocked] = field(default_factory=list)
    recorded: int = 0
    found: int = 0
    fault: Notice | None = None
    named: set[str] = field(default_factory=set)
    cut: str | None = None

    @property
    def met(self) -> int:
        """How many files and recorded paths were met so far."""
        return self.files + self.recorded - self.found

    def within(self, scope: PathScope) -> PathRange:
        """Return what of `scope` was compared: its range, as far as the walk came."""
        return scope.within if self.cut is None else replace(scope.within, end=self.cut)


RESTS = -2  # the size of what rests in the trash, in the ledger's stream

Differing = Callable[[FileRow], FileState | None]


def candidates(
    mirror: str,
    source: Source,
    rows: Iterator[FileRow],
    tally: ScanTally,
    differing: Differing | None = None,
    scope: PathScope = WHOLE,
) -> Iterator[FileState]:
    """Yield the state of every key that may need something.

    Args:
        mirror: the mirror's name.
        source: the folder; walked once, and asked about each key the walk did not meet.
        rows: the ledger's keys in the same order, settled ones with their file's stat.
        tally: counted while the stream is read.
        differing: returns what a file is whose content is not the recorded one although its stat
            is, None for the others; without it stats are believed.
        scope: which part of the folder is compared; `rows` are of its range.
    """
    row, before = next(rows, None), ""
    for seen in source.scan(scope.within):
        path = seen[0] if isinstance(seen, tuple) else _path_of(seen)
        tally.cut = scope.cut(tally.met, before, path)
        before = path
        while row is not None and row[0] < (tally.cut or path):
            yield from _not_seen(mirror, source, row, tally)
            row = next(rows, None)
        if tally.cut is not None:
            return
        if row is not None and row[0] == path:
            tally.recorded += 1
            tally.found += 1
            # One comparison of two tuples: what a file that did not change costs.
            if row == seen:
                other = differing(row) if differing else None
                tally.files += 1
                row = next(rows, None)
                if other is None:
                    tally.unchanged += 1
                else:
                    yield other
                continue
            row = next(rows, None)
            yield from _seen(mirror, seen, tally, recorded=True)
        else:
            yield from _seen(mirror, seen, tally, recorded=False)
    while row is not None:
        yield from _not_seen(mirror, source, row, tally)
        row = next(rows, None)


def _path_of(seen: FileState | Blocked) -> str:
    return seen.prefix if isinstance(seen, Blocked) else seen.key.path


def _seen(mirror: str, seen: Seen, tally: ScanTally, *, recorded: bool) -> Iterator[FileState]:
    match seen:
        case (path, size, mtime_ns, inode, ctime_ns):
            tally.files += 1
            stat = Stat(size, mtime_ns, inode, ctime_ns)
            yield Present(key=DocKey(mirror=mirror, path=path), stat=stat)
        case Blocked():
            tally.blocked.append(seen)
            tally.fault = tally.fault or seen.why
            # What was not compared is shown, though nothing below it was ever sent.
            if seen.prefix and seen.prefix[:-1] not in tally.named:
                yield Unknown(key=DocKey(mirror=mirror, path=seen.prefix), why=seen.why)
        case Unknown(why=why):
            tally.fault = tally.fault or why
            tally.named.add(seen.key.path)
            yield seen
        case Excluded():
            tally.left_out += 1
            if recorded:
                yield seen
        case Present():  # it has a sidecar, which its stat does not tell of
            tally.files += 1
            yield seen
        case Absent():
            yield seen
        case Skipped():
            tally.named.add(seen.key.path)
            yield seen


def _not_seen(mirror: str, source: Source, row: FileRow, tally: ScanTally) -> Iterator[FileState]:
    if row[1] == RESTS:  # its file is gone, as it was
        return
    state = _look(mirror, source, row[0], tally)
    tally.recorded += 1
    tally.found += not isinstance(state, Absent)
    yield state


def _look(mirror: str, source: Source, path: str, tally: ScanTally) -> FileState:
    # Under a folder that could not be listed nothing is proved to be gone.
    for blocked in reversed(tally.blocked):
        if path.startswith(blocked.prefix):
            return Unknown(key=DocKey(mirror=mirror, path=path), why=blocked.why)
    return source.look(path)
