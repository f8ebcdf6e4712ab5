"""Which entries of the source the filters leave out.

Four things leave an entry out, and any one is enough: being hidden, the mirror's `exclude`, an
ignore file (the deepest that says something decides), not being in the mirror's `include`.
"""

from __future__ import annotations

import os
import stat
from typing import NamedTuple

from kbsync.config import MirrorConfig
from kbsync.source.gitignore import Patterns, compiled

IGNORE_FILE = ".kbsyncignore"
_NEVER = frozenset({".git", ".gitignore", IGNORE_FILE})
_LONGEST = 1 << 20
_MOST_LINES = 10_000


class IgnoreFault(Exception):  # noqa: N818 - it names the file at fault
    """An ignore file that cannot be read: what it leaves out is unknown.

    Args:
        name: of the ignore file.
        cause: the system's words.
    """

    def __init__(self, name: str, cause: str) -> None:
        super().__init__(f"{name}: {cause}")
        self.name = name
        self.cause = cause


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
            IgnoreFault: an ignore file is there and cannot be read.
        """
        texts = [text for name in self._files if (text := _text(name, fd))]
        patterns = compiled("\n".join(texts)) if texts else None
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


def _text(name: str, folder: int) -> str | None:
    try:
        content = _content(name, folder)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise IgnoreFault(name, error.strerror or str(error)) from error
    if len(content) > _LONGEST:
        raise IgnoreFault(name, "longer than 1 MiB")
    if content.count(b"\n") > _MOST_LINES:
        raise IgnoreFault(name, f"more than {_MOST_LINES} lines")
    return content.decode("utf-8-sig", "surrogateescape")


def _content(name: str, folder: int) -> bytes:
    fd = os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise IgnoreFault(name, "it is no regular file")
        return os.read(fd, _LONGEST + 1)
    finally:
        os.close(fd)
