"""Paths that changed and have not settled (docs/design.md section 7). Pure: time is passed in."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from kbsync.engine.control.restlessness import longest_settling
from kbsync.lazy_dataclass import dataclass
from kbsync.model import DocKey

MOST = 10_000
UNSETTLED_AFTER = 10.0
SHOWN = 5


@dataclass(slots=True)
class PendingPath:
    """One path. `first` and `last`: when it changed, `due`: when it may have settled."""

    first: float
    last: float
    due: float


class Debouncer:
    """Collects paths until they settle; more than `most` of them collapse into everything.

    Args:
        settle: seconds without a change.
        most: paths that are kept apart.
    """

    def __init__(self, settle: float, *, most: int = MOST) -> None:
        self._settle = settle
        self._most = most
        self._paths: dict[str, PendingPath] = {}
        self._order: list[tuple[float, str]] = []
        self._everything: float | None = None
        self._overdue: set[str] = set()

    def __len__(self) -> int:
        return len(self._paths)

    def __contains__(self, path: str) -> bool:
        return path in self._paths

    def holds(self, path: str) -> bool:
        """Whether `path` changed and is not to be sent now; what is overdue is, but once."""
        if path in self._overdue:
            self._overdue.discard(path)
            return False
        return path in self._paths

    def note(self, paths: Iterable[str], now: float) -> None:
        """Note that `paths` changed."""
        for path in paths:
            known = self._paths.get(path)
            if known is None:
                self._put(path, PendingPath(now, now, now + self._settle))
            else:
                # What never rests is read all the same, in the end.
                due = min(now + self._settle, known.first + longest_settling(self._settle))
                known.last, known.due = now, max(known.due, due)

    def put_off(self, path: str, noted: PendingPath | None, now: float, due: float) -> None:
        """Look at `path` again at `due`.

        Args:
            path: a file that is too young.
            noted: what `settled` returned of it, None when it came another way.
            now: seconds of the ledger's clock, as `due`.
        """
        first, last = (now, now) if noted is None else (noted.first, noted.last)
        if path not in self._paths:  # otherwise it changed again and is due later anyway
            self._put(path, PendingPath(first, last, due))

    def note_everything(self, now: float) -> None:
        """Note that anything may have changed; the paths are known to have, and are kept."""
        if self._everything is None:
            self._everything = now + self._settle

    def _put(self, path: str, noted: PendingPath) -> None:
        if len(self._paths) >= self._most:
            self._paths.clear()
            self._order.clear()
            self.note_everything(noted.last)
            return
        self._paths[path] = noted
        heapq.heappush(self._order, (noted.due, path))

    def settled(self, now: float) -> Mapping[str, PendingPath]:
        """Take out the paths that settled."""
        taken: dict[str, PendingPath] = {}
        while self._order and self._order[0][0] <= now:
            _, path = heapq.heappop(self._order)
            known = self._paths.get(path)
            if known is not None and known.due > now:
                # It changed again: only its latest time counts.
                heapq.heappush(self._order, (known.due, path))
            elif known is not None:
                taken[path] = self._paths.pop(path)
                if now - known.first >= longest_settling(self._settle):
                    self._overdue.add(path)
                else:
                    self._overdue.discard(path)
        return taken

    def next_due(self) -> float | None:
        """Return when the next path may have settled, None while there is none."""
        return self._order[0][0] if self._order else None

    @property
    def everything_due(self) -> float | None:
        """When everything is to be compared, None while the paths say enough."""
        return self._everything

    def compared(self) -> None:
        """Note that a comparison of everything begins now."""
        self._everything = None

    @property
    def oldest(self) -> float | None:
        """When the oldest of the paths changed first; None without one."""
        return min((noted.first for noted in self._paths.values()), default=None)

    def unsettled(self, now: float) -> tuple[str, ...]:
        """Return some paths that have kept changing for long."""
        long = max(UNSETTLED_AFTER, 5 * self._settle)
        waiting = (path for path, noted in self._paths.items() if now - noted.first > long)
        return tuple(path for path, _ in zip(waiting, range(SHOWN), strict=False))


# -- Files that are gone, and how long: their documents stay for a grace period.


@dataclass(frozen=True, slots=True)
class _Gone:
    """One file that is gone. `size`: in bytes, None when it is not known."""

    since: float
    size: int | None


class GracePeriods:
    """Remembers since when files are gone.

    A file that comes back meanwhile, or turns up elsewhere, has kept its document.

    Args:
        seconds: how long a file has to be gone.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._gone: dict[DocKey, _Gone] = {}
        self._by_size: dict[int | None, set[DocKey]] = defaultdict(set)
        self._next: float | None = None

    def __len__(self) -> int:
        return len(self._gone)

    @property
    def keys(self) -> Collection[DocKey]:
        """The keys of the files that are gone."""
        return self._gone.keys()

    def note(self, key: DocKey, since: float, size: int | None) -> None:
        """Note that the file of `key` is gone; what is known of it stays."""
        if key in self._gone:
            return  # the grace period runs from when it was first missed
        self._gone[key] = _Gone(since, size)
        self._by_size[size].add(key)
        if self._next is not None:
            self._next = min(self._next, since + self._seconds)

    def forget(self, keys: Iterable[DocKey]) -> None:
        """Forget `keys`: their files are back, or their documents are about to be deleted."""
        for key in keys:
            gone = self._gone.pop(key, None)
            if gone is None:
                continue
            self._next = None  # computed anew when it is needed
            alike = self._by_size[gone.size]
            alike.discard(key)
            if not alike:
                del self._by_size[gone.size]

    def is_over(self, key: DocKey, now: float) -> bool:
        """Whether the file of `key` is gone for long enough."""
        gone = self._gone.get(key)
        return gone is not None and gone.since + self._seconds <= now

    def ended(self, now: float) -> set[DocKey]:
        """Return the keys whose file is gone for long enough."""
        due = self.next_due()
        if due is None or due > now:
            return set()
        return {key for key in self._gone if self.is_over(key, now)}

    def of_size(self, sizes: Iterable[int]) -> set[DocKey]:
        """Return the keys whose file had one of `sizes`: it may have been renamed."""
        return {key for size in sizes for key in self._by_size.get(size, ())}

    def next_due(self) -> float | None:
        """Return when the next grace period is over, None while no file is gone."""
        if self._next is None and self._gone:
            self._next = min(gone.since for gone in self._gone.values()) + self._seconds
        return self._next
