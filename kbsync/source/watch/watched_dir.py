"""A watched folder, as a knot in the tree of watched folders."""

from __future__ import annotations

from kbsync.source.file_names import component
from kbsync.source.filters import Sieve


class WatchedDir:
    """A folder of the source.

    Args:
        parent: the folder it is in, None for the root.
        name: as the disk has it, empty for the root.
        sieve: the filters to enter it with; once it was entered, those inside of it.
    """

    __slots__ = ("children", "name", "parent", "prefix", "sieve", "wd")

    def __init__(self, parent: WatchedDir | None, name: str, sieve: Sieve) -> None:
        self.parent = parent
        self.name = name
        self.sieve = sieve
        self.prefix: str = f"{parent.prefix}{component(name)}/" if parent else ""
        self.children: dict[str, WatchedDir] = {}
        self.wd = -1

    @property
    def path(self) -> str:
        """Its key path, empty for the root."""
        return self.prefix[:-1]

    def steps(self) -> tuple[str, ...]:
        """Return the real names from the root to it."""
        names: list[str] = []
        spot = self
        while spot.parent is not None:
            names.append(spot.name)
            spot = spot.parent
        return tuple(reversed(names))
