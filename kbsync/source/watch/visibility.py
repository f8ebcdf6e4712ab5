"""What of a source is watched, and under which paths its changes are reported."""

from __future__ import annotations

from collections.abc import Iterable

from kbsync.source.file_names import component, is_not_utf8
from kbsync.source.filters import Filters, FolderFilters
from kbsync.source.ignore_file import IgnoreFault
from kbsync.source.sidecar_name import described_by
from kbsync.source.taken_types import TakenTypes
from kbsync.source.watch.buffer import ChangeBuffer
from kbsync.source.watch.symlinks import SymlinkPaths
from kbsync.source.watch.watched_dir import WatchedDir


class Visibility:
    """The source as the walk sees it when links are not followed.

    What the filters leave out is neither watched nor reported, and files of other types are not
    reported: a database or a log beside the documents causes no work.

    Args:
        filters: the mirror's.
        types: which files are taken by their type.
        buffer: where changes are collected.
    """

    follows_links = False

    def __init__(self, filters: Filters, types: TakenTypes, buffer: ChangeBuffer) -> None:
        self.filters = filters
        self.types = types
        self.buffer = buffer

    def enters(self, directory: WatchedDir, name: str) -> FolderFilters | None:
        """Return the filters to enter the folder `name` with; None when it is not watched."""
        part = component(name)
        if is_not_utf8(part):
            return None
        if self.filters.excludes(directory.filters, directory.prefix, part, folder=True):
            return None
        return self.filters.descend(directory.filters, f"{directory.prefix}{part}/")

    def inside(self, directory: WatchedDir, fd: int) -> FolderFilters | None:
        """Return the filters inside an open folder; None when an ignore file cannot be read."""
        try:
            return self.filters.inside(directory.filters, directory.prefix, fd)
        except (IgnoreFault, OSError):
            return None

    def add_link(self, directory: WatchedDir, name: str) -> None:
        """Take note of a symbolic link in `directory`: it is not followed."""

    def file_changed(self, directory: WatchedDir, name: str) -> None:
        """Report a change of what is no folder."""
        part = component(name)
        # What a sidecar says concerns the document of its file.
        part = described_by(part) or part
        if is_not_utf8(part) or not self.types.takes(directory.prefix + part):
            return
        if not self.filters.excludes(directory.filters, directory.prefix, part, folder=False):
            self.buffer.add_path(directory.prefix + part)

    def folder_changed(self, directory: WatchedDir, name: str) -> None:
        """Report that everything below the folder `name` of `directory` may have changed."""
        self.buffer.add_folder(directory.prefix + component(name))

    def all_changed(self, directory: WatchedDir) -> None:
        """Report that everything below `directory` may have changed."""
        if directory.parent is None:
            self.buffer.add_folder("")
        else:
            self.folder_changed(directory.parent, directory.name)


class LinkedVisibility(Visibility):
    """The source where links are followed.

    A link may lead to any folder of the source but ``.git``, a hidden or excluded one too. So all
    of them are watched, and a change is reported under every path that shows it.

    Args:
        filters: the mirror's.
        types: which files are taken by their type.
        buffer: where changes are collected.
        root: path of the source.
    """

    follows_links = True

    def __init__(
        self, filters: Filters, types: TakenTypes, buffer: ChangeBuffer, root: str
    ) -> None:
        super().__init__(filters, types, buffer)
        self._symlinks = SymlinkPaths(root)

    def enters(self, directory: WatchedDir, name: str) -> FolderFilters | None:
        """Return the filters to enter the folder `name` with; None when it is not watched."""
        return None if name == ".git" or is_not_utf8(component(name)) else directory.filters

    def inside(self, directory: WatchedDir, fd: int) -> FolderFilters | None:
        """Return the filters inside of a folder that is entered."""
        return directory.filters

    def add_link(self, directory: WatchedDir, name: str) -> None:
        """Take note of a symbolic link in `directory`."""
        self._symlinks.add(_real(directory, name))

    def file_changed(self, directory: WatchedDir, name: str) -> None:
        """Report a change of what is no folder."""
        real = _real(directory, name)
        if self._symlinks.concerned(real):
            self._retargeted(real)
        self._report(real, folder=False)

    def folder_changed(self, directory: WatchedDir, name: str) -> None:
        """Report that everything below the folder `name` of `directory` may have changed."""
        real = _real(directory, name)
        self._retargeted(real)
        self._report(real, folder=True)

    def _retargeted(self, real: str) -> None:
        for link in self._symlinks.touched(real):
            # It may have led to a file or to a folder, and may lead to either now.
            self._report(link, folder=False)
            self._report(link, folder=True)

    def _report(self, real: str, *, folder: bool) -> None:
        others = self._symlinks.shown(real)
        if others is None:
            self.buffer.add_folder("")
            return
        for shown in self._keys((real, *others)):
            path = shown if folder else described_by(shown) or shown
            if folder:
                self.buffer.add_folder(path)
            elif self.types.takes(path):
                self.buffer.add_path(path)

    def _keys(self, reals: Iterable[str]) -> Iterable[str]:
        for real in reals:
            parts = [component(name) for name in real.split("/")]
            if not any(is_not_utf8(part) or self.filters.hides(part) for part in parts):
                yield "/".join(parts)


def _real(directory: WatchedDir, name: str) -> str:
    return "/".join((*directory.steps(), name))
