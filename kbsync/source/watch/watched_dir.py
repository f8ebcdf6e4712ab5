"""A watched folder, a node in the tree of watched folders."""

from __future__ import annotations

from kbsync.source.file_names import component
from kbsync.source.filters import FolderFilters


class WatchedDir:
    """A folder of the source.

    Args:
        parent: the folder it is in, None for the root.
        name: as the disk has it, empty for the root.
        filters: the filters to enter it with; once it was entered, those inside of it.
    """

    __slots__ = ("children", "filters", "name", "parent", "prefix", "wd")

    def __init__(self, parent: WatchedDir | None, name: str, filters: FolderFilters) -> None:
        self.parent = parent
        self.name = name
        self.filters = filters
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
        directory = self
        while directory.parent is not None:
            names.append(directory.name)
            directory = directory.parent
        return tuple(reversed(names))
