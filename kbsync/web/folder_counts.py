"""How many documents of a mirror are in which state, folder by folder; kept for a moment."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import field

from kbsync.app.status import UNFINDABLE
from kbsync.lazy_dataclass import dataclass
from kbsync.ledger.folder_rows import FolderRows, KeyRow

# Counting takes this part of the time at most, and is not done more often than these seconds.
KEPT_FOR, AT_LEAST = 20.0, 2.0
ORDER = (
    *("failed", "unfindable", "stale", "unmet", "held"),
    *("pending", "indexing", "synced", "trashed"),
)
# Mirrors whose counts are kept.
MOST = 8


def parent(path: str) -> str:
    """Return the key path of the folder that a key path is in; empty for the root."""
    return _folder(path.rpartition("/")[0])


def _folder(head: str) -> str:
    # The component of a name that is not UTF-8 begins with a slash of its own.
    return head[:-1] if head.endswith("/") else head


def kind_of(row: KeyRow) -> str:
    """Return the state of a key in the words of `kbsync status`."""
    if row.stale:
        return "stale"
    if row.state == "failed" and row.code == UNFINDABLE:
        return "unfindable"
    return "failed" if row.state == "rejected" else row.state


@dataclass(slots=True)
class FolderTree:
    """One mirror.

    Attributes:
        totals: number of keys by state, of each folder with all that is below it.
        children: the folders directly in a folder, sorted.
        direct: how many keys are directly in a folder.
    """

    totals: dict[str, Counter[str]] = field(default_factory=dict)
    children: dict[str, list[str]] = field(default_factory=dict)
    direct: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, counted: Mapping[str, Counter[str]]) -> FolderTree:
        """Return the tree of what was counted directly in each folder."""
        tree = cls(totals={"": Counter()})
        for folder, counts in counted.items():
            tree.direct[folder] = sum(counts.values())
            tree._add(folder, counts)
        for folders in tree.children.values():
            folders.sort()
        return tree

    def _add(self, folder: str, counts: Counter[str]) -> None:
        while True:
            known = self.totals.get(folder)
            if known is None:
                known = self.totals[folder] = Counter()
                self.children.setdefault(parent(folder), []).append(folder)
            known.update(counts)
            if not folder:
                return
            folder = parent(folder)


class FolderCounts:
    """Counts the keys of mirrors by folder when it is asked, again after a moment at the earliest.

    Args:
        rows: of the ledger.
    """

    def __init__(self, rows: FolderRows) -> None:
        self._rows = rows
        self._kept: dict[str, tuple[float, FolderTree]] = {}

    def tree(self, mirror: str, held: Iterable[str]) -> FolderTree:
        """Return the tree of a mirror. Blocks.

        Args:
            mirror: its name.
            held: paths that are not what they should be, counted beside their state where that
                does not say so itself.
        """
        began = time.monotonic()
        until, tree = self._kept.get(mirror, (0.0, None))
        if tree is None or began >= until:
            tree = FolderTree.of(self._counted(mirror, held))
            ended = time.monotonic()
            self._kept.pop(mirror, None)
            self._kept[mirror] = ended + max(AT_LEAST, KEPT_FOR * (ended - began)), tree
            while len(self._kept) > MOST:
                del self._kept[next(iter(self._kept))]
        return tree

    def _counted(self, mirror: str, held: Iterable[str]) -> Mapping[str, Counter[str]]:
        found: dict[str, Counter[str]] = {}
        for numbers in self._rows.synced(mirror):
            for head, number in numbers.items():
                found.setdefault(_folder(head), Counter())["synced"] += number
        refused = {row.path for row in self._rows.refused(mirror)}
        troubled = set(refused)
        for row in self._rows.others(mirror):
            if _count(found.setdefault(parent(row.path), Counter()), row, refused):
                troubled.add(row.path)
        pending = list(self._rows.pending(mirror))
        alone = set(held) - troubled
        for kind, paths in (("failed", refused), ("held", alone), ("pending", pending)):
            for path in paths:
                found.setdefault(parent(path), Counter())[kind] += 1
        return found


def _count(counts: Counter[str], row: KeyRow, refused: set[str]) -> bool:
    """Count an entry; return whether its state says that it is in trouble."""
    kind = kind_of(row)
    troubled = kind in ("failed", "unfindable", "stale")
    if troubled and row.path in refused:
        # A key that failed, or is stale, and was refused since counts once.
        refused.discard(row.path)
        kind = "failed" if kind == "unfindable" else kind
    counts[kind] += 1
    if row.stale and row.state == "synced":
        counts["synced"] -= 1  # counted as one already
    return troubled


def shown(counts: Mapping[str, int]) -> dict[str, int]:
    """Return the numbers that are not zero, the worst state first."""
    return {kind: counts[kind] for kind in ORDER if counts.get(kind)}
