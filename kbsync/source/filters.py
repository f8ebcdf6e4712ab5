"""Which entries of the source the filters leave out.

Four things leave an entry out, and any one is enough: being hidden, the mirror's `exclude`, an
ignore file (the deepest that says something decides), not being in the mirror's `include`.
"""

from __future__ import annotations

from typing import NamedTuple

from kbsync.config import MirrorConfig
from kbsync.source.gitignore import Patterns, compiled
from kbsync.source.ignore_file import IGNORE_FILE, ignore_patterns

_NEVER = frozenset({".git", ".gitignore", IGNORE_FILE})


class FolderFilters(NamedTuple):
    """The filters in force inside one folder.

    `included`: whether `include` matched this folder. `levels`: the ignore files in force, the
    deepest first, each with the length of the path prefix it does not see.
    """

    included: bool
    levels: tuple[tuple[int, Patterns], ...] = ()


class Filters:
    """A mirror's filters: `include`, `exclude`, `gitignore` and `hidden` of its configuration."""

    def __init__(self, config: MirrorConfig) -> None:
        self._include = compiled("\n".join(config.include))
        self._exclude = compiled("\n".join(config.exclude))
        self._hidden = config.hidden
        self._files = (".gitignore", IGNORE_FILE) if config.gitignore else (IGNORE_FILE,)
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
        patterns = ignore_patterns(self._files, fd)
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
        """Whether a file of this name says what is left out of its folder."""
        return name in self._files

    def excludes(self, in_force: FolderFilters, prefix: str, name: str, *, folder: bool) -> bool:
        """Whether an entry is left out.

        Args:
            in_force: in the folder it is in.
            prefix: key path of the folder it is in, ending with ``/`` (empty for the root).
            name: in NFC.
            folder: whether it is a folder.
        """
        if name[0] == "." and self.hides(name):
            return True
        path = f"{prefix}{name}/" if folder else prefix + name
        if self._exclude and self._exclude.verdict(path):
            return True
        for start, patterns in in_force.levels:
            verdict = patterns.verdict(path[start:])
            if verdict is not None:
                if verdict:
                    return True
                break
        return bool(self._include) and not self._included(in_force, path, folder=folder)

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
