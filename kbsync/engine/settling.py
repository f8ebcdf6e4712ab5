"""Paths that changed and have not rested since (docs/design.md section 7). Pure: time passed in."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

MOST = 10_000
RESTLESS_AFTER = 10.0
SHOWN = 5


@dataclass(slots=True)
class Noted:
    """One path. `first` and `last`: when it changed, `due`: when it may have rested."""

    first: float
    last: float
    due: float


class Settling:
    """Collects what changed until it rested; more than `most` paths collapse into everything.

    Args:
        settle: seconds a path has to rest.
        most: paths that are kept apart.
    """

    def __init__(self, settle: float, *, most: int = MOST) -> None:
        self._settle = settle
        self._most = most
        self._paths: dict[str, Noted] = {}
        self._order: list[tuple[float, str]] = []
        self._everything: float | None = None

    def __len__(self) -> int:
        return len(self._paths)

    def __contains__(self, path: str) -> bool:
        return path in self._paths

    def note(self, paths: Iterable[str], now: float) -> None:
        """Note that `paths` changed."""
        for path in paths:
            known = self._paths.get(path)
            if known is None:
                self._put(path, Noted(now, now, now + self._settle))
            else:
                known.last, known.due = now, max(known.due, now + self._settle)

    def put_off(self, path: str, noted: Noted | None, now: float, due: float) -> None:
        """Look at `path` again at `due`.

        Args:
            path: a file that is too young.
            noted: what `rested` told of it, None when it came another way.
            now: seconds of the ledger's clock, as `due`.
        """
        first, last = (now, now) if noted is None else (noted.first, noted.last)
        if path not in self._paths:
            self._put(path, Noted(first, last, due))

    def everything(self, now: float) -> None:
        """Note that anything may have changed; the paths have nothing to add to that."""
        self._paths.clear()
        self._order.clear()
        if self._everything is None:
            self._everything = now + self._settle

    def _put(self, path: str, noted: Noted) -> None:
        if len(self._paths) >= self._most:
            self.everything(noted.last)
            return
        self._paths[path] = noted
        heapq.heappush(self._order, (noted.due, path))

    def rested(self, now: float) -> Mapping[str, Noted]:
        """Take out the paths that rested."""
        taken: dict[str, Noted] = {}
        while self._order and self._order[0][0] <= now:
            _, path = heapq.heappop(self._order)
            known = self._paths.get(path)
            if known is not None and known.due > now:
                heapq.heappush(self._order, (known.due, path))
            elif known is not None:
                taken[path] = self._paths.pop(path)
        return taken

    def next_due(self) -> float | None:
        """Return when the next path may have rested, None while there is none."""
        return self._order[0][0] if self._order else None

    @property
    def everything_due(self) -> float | None:
        """When everything is to be compared, None while the paths say enough."""
        return self._everything

    def compared(self) -> None:
        """Note that a comparison of everything begins now."""
        self._everything = None

    def restless(self, now: float) -> tuple[str, ...]:
        """Return some paths that have been waiting for long."""
        long = max(RESTLESS_AFTER, 5 * self._settle)
        waiting = (path for path, noted in self._paths.items() if now - noted.first > long)
        return tuple(path for path, _ in zip(waiting, range(SHOWN), strict=False))
