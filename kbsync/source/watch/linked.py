"""What of a source is worth a watch where links are followed."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from kbsync.source.filters import Filters, Sieve
from kbsync.source.names import component, extension, unspeakable
from kbsync.source.watch.aliases import Aliases
from kbsync.source.watch.collection import Collection
from kbsync.source.watch.spot import Spot
from kbsync.source.watch.view import View


class LinkedView(View):
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
        self, filters: Filters, accepted: AbstractSet[str], collection: Collection, root: str
    ) -> None:
        super().__init__(filters, accepted, collection)
        self._aliases = Aliases(root)

    def enters(self, spot: Spot, name: str) -> Sieve | None:
        """Return the sieve to enter the folder `name` of `spot` with; None: it is passed by."""
        return None if name == ".git" or unspeakable(component(name)) else spot.sieve

    def inside(self, spot: Spot, fd: int) -> Sieve | None:
        """Return the sieve inside of a folder that is entered."""
        return spot.sieve

    def link(self, spot: Spot, name: str) -> None:
        """Take note of a symbolic link in `spot`."""
        self._aliases.add(_real(spot, name))

    def file(self, spot: Spot, name: str) -> None:
        """Tell of a change of what is no folder."""
        real = _real(spot, name)
        if self._aliases.concerned(real):
            self._retargeted(real)
        self._tell(real, folder=False)

    def folder(self, spot: Spot, name: str) -> None:
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


def _real(spot: Spot, name: str) -> str:
    return "/".join((*spot.steps(), name))
