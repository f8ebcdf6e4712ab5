"""Which entries of the source the filters leave out.

Five things leave an entry out, and any one is enough: being hidden, the mirror's `exclude`, an
ignore file (the deepest that says something decides), not being in the mirror's `include`, and a
line of the default list, unless one of the others names the entry to take it.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from kbsync.config import MirrorConfig
from kbsync.source.default_excludes import DefaultExclude, DefaultList
from kbsync.source.gitignore import Patterns, compiled
from kbsync.source.ignore_file import ENDING_TOO_MANY, IGNORE_FILE, ignore_names, ignore_patterns

_NEVER = frozenset({".git", ".gitignore", IGNORE_FILE})


class FolderFilters(NamedTuple):
    """The filters in force inside one folder.

    `included`: whether `include` matched this folder. `levels`: the ignore files in force, the
    deepest first, each with the length of the path prefix it does not see.
    """

    included: bool
    levels: tuple[tuple[int, Patterns], ...] = ()


class Filters:
    """A mirror's filters: `include`, `exclude`, `gitignore` and `hidden` of its configuration.

    Attributes:
        has_defaults: whether the default list is in force.
    """

    def __init__(self, config: MirrorConfig) -> None:
        self._include = compiled("\n".join(config.include))
        self._exclude = compiled("\n".join(config.exclude))
        self.has_defaults = config.default_excludes
        self._defaults = (
            DefaultList(frozenset(config.extensions), config.include)
            if config.default_excludes
            else None
        )
        self._hidden = config.hidden
        self._source = os.fspath(config.source)
        self._files = ignore_names(config)
        self.root = FolderFilters(included=not self._include)

    def inside(self, in_force: FolderFilters, prefix: str, fd: int) -> FolderFilters:
        """Return the filters in force inside the folder `fd`, its ignore files' included.

        Args:
            in_force: outside of it, as `descend` returned them.
            prefix: the folder's key path, ending with ``/`` (empty for the root).
            fd: descriptor of the folder.

        Raises:
            IgnoreFault: an ignore file is there and cannot be read, or not be understood.
        """
        patterns = ignore_patterns(self._files, fd, self._source)
        if not patterns:
            return in_force
        return in_force._replace(levels=((len(prefix), patterns), *in_force.levels))

    def descend(self, in_force: FolderFilters, path: str) -> FolderFilters:
        """Return the filters to enter the folder `path` (ending with ``/``) with."""
        if not self._include:
            return in_force
        return in_force._replace(included=self._wanted(in_force, path))

    def idle(self, in_force: FolderFilters) -> bool:
        """Whether no pattern can say anything about entries of this folder."""
        return not (in_force.levels or self._exclude or self._include)

    def hides(self, name: str) -> bool:
        """Whether an entry is left out for its name alone: hidden, or never wanted."""
        return name[0] == "." and (not self._hidden or name in _NEVER)

    def is_ignore_file(self, name: str) -> bool:
        """Whether a file of this name says what is left out of its folder, or was meant to."""
        return name.removesuffix(ENDING_TOO_MANY) in self._files

    def excludes(self, in_force: FolderFilters, prefix: str, name: str, *, folder: bool) -> bool:
        """Whether an entry is left out, by a person or by the default list.

        Args:
            in_force: in the folder it is in.
            prefix: key path of the folder it is in, ending with ``/`` (empty for the root).
            name: in NFC.
            folder: whether it is a folder.
        """
        return self.leaves_out(in_force, prefix, name, folder=folder) or bool(
            self.default_line(in_force, prefix, name, folder=folder)
        )

    def leaves_out(self, in_force: FolderFilters, prefix: str, name: str, *, folder: bool) -> bool:
        """Whether an entry is left out, whatever the default list says; as `excludes`."""
        if name[0] == "." and self.hides(name):
            return True
        path = f"{prefix}{name}/" if folder else prefix + name
        if self._said(in_force, path):
            return True
        return bool(self._include) and not self._included(in_force, path, folder=folder)

    def default_line(
        self, in_force: FolderFilters, prefix: str, name: str, *, folder: bool
    ) -> DefaultExclude | None:
        """Return the line of the default list that leaves an entry out, None if none does.

        None too where something else says what is to be done with the entry; as `excludes`.
        """
        path = f"{prefix}{name}/" if folder else prefix + name
        line = self._defaults.line(path) if self._defaults else None
        if line is None or self._said(in_force, path) is not None:
            return None
        return None if self.leaves_out(in_force, prefix, name, folder=folder) else line

    def _said(self, in_force: FolderFilters, path: str) -> bool | None:
        """Return what `exclude` and ignore files say of `path`, None if nothing."""
        verdict = self._exclude.verdict(path) if self._exclude else None
        if verdict:
            return True
        for start, patterns in in_force.levels:
            found = patterns.verdict(path[start:])
            if found is not None:
                return found
        return verdict

    def _included(self, in_force: FolderFilters, path: str, *, folder: bool) -> bool:
        # As in an ignore file, what is taken back with ``!`` takes its content with it.
        if folder and self._include.verdict(path) is False:
            return False
        return self._wanted(in_force, path) or (folder and self._may_hold_wanted(path))

    def _wanted(self, in_force: FolderFilters, path: str) -> bool:
        verdict = self._include.verdict(path)
        return in_force.included if verdict is None else verdict

    def _may_hold_wanted(self, folder: str) -> bool:
        return any(
            lead.startswith(folder) or folder.startswith(lead) for lead in self._include.leads
        )
