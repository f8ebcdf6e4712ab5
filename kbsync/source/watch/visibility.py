"""What of a source is worth a watch, and under which paths its files are known."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from kbsync.model.file_types import extension
from kbsync.source.file_names import component, unspeakable
from kbsync.source.filters import Filters, IgnoreFault, Sieve
from kbsync.source.watch.buffer import ChangeBuffer
from kbsync.source.watch.symlinks import SymlinkPaths
from kbsync.source.watch.watched_dir import WatchedDir


class Visibility:
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
        self, filters: Filters, accepted: AbstractSet[str], collection: ChangeBuffer
    ) -> None:
        self.filters = filters
        self.accepted = accepted
        self.collection = collection

    def enters(self, spot: WatchedDir, name: str) -> Sieve | None:
        """Return the sieve to enter the folder `name` of `spot` with; None: it is passed by."""
        part = component(name)
        if unspeakable(part):
            return None
        if self.filters.leaves_out(spot.sieve, spot.prefix, part, folder=True):
            return None
        return self.filters.descend(spot.sieve, f"{spot.prefix}{part}/")

    def inside(self, spot: WatchedDir, fd: int) -> Sieve | None:
        """Return the sieve inside of a folder that is entered; None: nobody can tell it."""
        try:
            return self.filters.inside(spot.sieve, spot.prefix, fd)
        except IgnoreFault:
            return None

    def link(self, spot: WatchedDir, name: str) -> None:
        """Take note of a symbolic link in `spot`: it is not followed."""

    def file(self, spot: WatchedDir, name: str) -> None:
        """Tell of a change of what is no folder."""
        part = component(name)
        if unspeakable(part) or extension(part) not in self.accepted:
            return
        if not self.filters.leaves_out(spot.sieve, spot.prefix, part, folder=False):
            self.collection.path(spot.prefix + part)

    def folder(self, spot: WatchedDir, name: str) -> None:
        """Tell that everything below the folder `name` of `spot` may have changed."""
        self.collection.folder(spot.prefix + component(name))

    def whole(self, spot: WatchedDir) -> None:
        """Tell that everything below `spot` may have changed."""
        if spot.parent is None:
            self.collection.folder("")
        else:
            self.folder(spot.parent, spot.name)


# -- What of a source is worth a watch where links are followed.


class LinkedVisibility(Visibility):
    """The source where links are followed.

    A link may lead to any folder of the source but ``.git``, a hidden or excluded one too. So all
    of them are watched, and a change is told under every path that shows it.

    Args:
        filters: the mirror's.
        accepted: extensions the server takes, lower case, without the dot.
        collection: where changes are gathered.
        root: path of the source.
    """

    linked = True

    def __init__(
        self, filters: Filters, accepted: AbstractSet[str], collection: ChangeBuffer, root: str
    ) -> None:
        super().__init__(filters, accepted, collection)
        self._aliases = SymlinkPaths(root)

    def enters(self, spot: WatchedDir, name: str) -> Sieve | None:
        """Return the sieve to enter the folder `name` of `spot` with; None: it is passed by."""
        return None if name == ".git" or unspeakable(component(name)) else spot.sieve

    def inside(self, spot: WatchedDir, fd: int) -> Sieve | None:
        """Return the sieve inside of a folder that is entered."""
        return spot.sieve

    def link(self, spot: WatchedDir, name: str) -> None:
        """Take note of a symbolic link in `spot`."""
        self._aliases.add(_real(spot, name))

    def file(self, spot: WatchedDir, name: str) -> None:
        """Tell of a change of what is no folder."""
        real = _real(spot, name)
        if self._aliases.concerned(real):
            self._retargeted(real)
        self._tell(real, folder=False)

    def folder(self, spot: WatchedDir, name: str) -> None:
        """Tell that everything below the folder `name` of `spot` may have changed."""
        real = _real(spot, name)
        self._retargeted(real)
        self._tell(real, folder=True)

    def _retargeted(self, real: str) -> None:
        for link in self._aliases.touched(real):
            # It may have led to a file or to a folder, and may lead to either now.
            self._tell(link, folder=False)
            self._tell(link, folder=True)

    def _tell(self, real: str, *, folder: bool) -> None:
        others = self._aliases.shown(real)
        if others is None:
            self.collection.folder("")
            return
        for path in self._keys((real, *others)):
            if folder:
                self.collection.folder(path)
            elif extension(path.rpartition("/")[2]) in self.accepted:
                self.collection.path(path)

    def _keys(self, reals: Iterable[str]) -> Iterable[str]:
        for real in reals:
            parts = [component(name) for name in real.split("/")]
            if not any(unspeakable(part) or self.filters.hides(part) for part in parts):
                yield "/".join(parts)


def _real(spot: WatchedDir, name: str) -> str:
    return "/".join((*spot.steps(), name))
