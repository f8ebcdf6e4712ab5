"""What of a source is worth a watch, and under which paths its files are known."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from kbsync.source.filters import Filters, IgnoreFault, Sieve
from kbsync.source.names import component, extension, unspeakable
from kbsync.source.watch.collection import Collection
from kbsync.source.watch.spot import Spot


class View:
    """The source as the walk sees it when links are not followed.

    What the filters leave out is neither watched nor told, and files of a type the server does
    not take are not told: a database or a log beside the documents wakes nobody.

    Args:
        filters: the mirror's.
        accepted: extensions the server takes, lower case, without the dot.
        collection: where changes are gathered.
    """

    linked = False

    def __init__(
        self, filters: Filters, accepted: AbstractSet[str], collection: Collection
    ) -> None:
        self.filters = filters
        self.accepted = accepted
        self.collection = collection

    def enters(self, spot: Spot, name: str) -> Sieve | None:
        """Return the sieve to enter the folder `name` of `spot` with; None: it is passed by."""
        part = component(name)
        if unspeakable(part):
            return None
        if self.filters.leaves_out(spot.sieve, spot.prefix, part, folder=True):
            return None
        return self.filters.descend(spot.sieve, f"{spot.prefix}{part}/")

    def inside(self, spot: Spot, fd: int) -> Sieve | None:
        """Return the sieve inside of a folder that is entered; None: nobody can tell it."""
        try:
            return self.filters.inside(spot.sieve, spot.prefix, fd)
        except IgnoreFault:
            return None

    def link(self, spot: Spot, name: str) -> None:
        """Take note of a symbolic link in `spot`: it is not followed."""

    def file(self, spot: Spot, name: str) -> None:
        """Tell of a change of what is no folder."""
        part = component(name)
        if unspeakable(part) or extension(part) not in self.accepted:
            return
        if not self.filters.leaves_out(spot.sieve, spot.prefix, part, folder=False):
            self.collection.path(spot.prefix + part)

    def folder(self, spot: Spot, name: str) -> None:
        """Tell that everything below the folder `name` of `spot` may have changed."""
        self.collection.folder(spot.prefix + component(name))

    def whole(self, spot: Spot) -> None:
        """Tell that everything below `spot` may have changed."""
        if spot.parent is None:
            self.collection.folder("")
        else:
            self.folder(spot.parent, spot.name)
