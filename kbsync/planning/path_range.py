"""Which part of a mirror is compared: a range of key paths in code point order.

That is the order of the walk and of the ledger's stream.
"""

from __future__ import annotations

from kbsync.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class PathRange:
    """The paths from `first` on and before `end`.

    Args:
        first: the smallest path of it; empty for the start of a mirror.
        end: the smallest path behind it; None for the end of a mirror.
    """

    first: str = ""
    end: str | None = None

    def __contains__(self, path: str) -> bool:
        """Whether `path` is in it."""
        return self.first <= path and (self.end is None or path < self.end)

    def meets(self, prefix: str) -> bool:
        """Whether any path that starts with `prefix` is in it."""
        if self.end is not None and prefix >= self.end:
            return False
        return prefix >= self.first or self.first.startswith(prefix)

    def covers(self, prefix: str) -> bool:
        """Whether every path that starts with `prefix` is in it."""
        if self.end is not None and (prefix >= self.end or self.end.startswith(prefix)):
            return False
        return prefix >= self.first

    @property
    def leads(self) -> bool:
        """Whether it begins where its mirror does: what is done once for a mirror is done here."""
        return not self.first


EVERYTHING = PathRange()


@dataclass(frozen=True, slots=True)
class PathScope:
    """Which part of a folder is compared.

    Args:
        within: its paths.
        most: files and recorded paths after which the comparison ends at the next folder, or
            after twice as many in the middle of one; None for no end.
    """

    within: PathRange = EVERYTHING
    most: int | None = None

    def cut(self, met: int, before: str, path: str) -> str | None:
        """Return where to end between two neighbours of the walk, None to go on.

        Args:
            met: files and recorded paths before `path`.
            before: the last path of the walk.
            path: its next one.
        """
        if self.most is None or met < self.most or before >= path:
            return None
        at = cut_between(before, path)
        ends = at != path or met >= 2 * self.most
        return at if ends and at > self.within.first else None


WHOLE = PathScope()


def cut_between(before: str, path: str) -> str:
    """Return where to cut a range between two neighbours: at a folder where one begins there.

    Args:
        before: the last path of the first part.
        path: a greater one, the first of the second part.
    """
    parts, others = before.split("/"), path.split("/")
    same = next(n for n, part in enumerate(others) if n >= len(parts) or parts[n] != part)
    folder = "/".join(others[: same + 1]) + "/"
    return folder if same + 1 < len(others) and before < folder else path
