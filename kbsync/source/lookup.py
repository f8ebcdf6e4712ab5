"""What stands at one key path now: the same verdicts as the walk, reached by one path alone.

*Absent* is said only when the folder that would hold it was opened for listing and does not have
it, or is itself proved gone, while the root is still the one its path names. Below a recorded mount
point where nothing is mounted the answer says so: it proves nothing about what was there.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace

from kbsync.engine.ports import Blocked
from kbsync.messages import Notice
from kbsync.messages import source as says
from kbsync.model import Absent, Excluded, FileState, Skipped, Unknown
from kbsync.planning.mount_points import innermost_above, is_at_or_below
from kbsync.source.classify import (
    Classified,
    EntryStat,
    ExcludedEntry,
    FileEntry,
    FolderEntry,
    OpenFolder,
    classify,
    inside,
    states_of_key,
)
from kbsync.source.file_names import component, components, has_one_spelling
from kbsync.source.file_rules import FileRules
from kbsync.source.ignore_file import IgnoreFault
from kbsync.source.mounts import is_on
from kbsync.source.openat import GONE, OTHER_KIND, Descent
from kbsync.source.root import ignore_fault
from kbsync.source.scan import still_stands
from kbsync.source.unread import why_unread

_IN_NO_FOLDER = "\uffff"


def look(rules: FileRules, root: int, path: str) -> FileEntry | FileState:
    """Say what stands at `path` below the open folder `root`."""
    # A folder is asked for what no file system has in it: the answer says why it cannot be listed.
    is_folder = path.endswith("/") and not path.startswith("/")
    parts = components(path + _IN_NO_FOLDER if is_folder else path)
    if not parts:
        return _unknown(rules, path, says.NO_KEY(path=path))
    with closing(Descent(root)) as descent:
        state = _descend(rules, root, path, parts, descent)
    if isinstance(state, Absent) and not still_stands(rules.root, root):
        return _unknown(rules, path, says.MOVED_AWAY())
    return state


def _descend(
    rules: FileRules, root: int, path: str, parts: list[str], descent: Descent
) -> FileEntry | FileState:
    entry, excluded, why = FolderEntry("", (), rules.filters.root), False, None
    for position, part in enumerate(parts):
        unmounted = _expected(rules, entry.steps, parts[position:])
        try:
            folder = inside(rules, root, descent.open(entry.steps), entry)
            if unmounted is not None and _is_below(folder, unmounted, rules):
                unmounted = None
            classified = [
                classify(rules, folder, name, found) for name, found in _named(folder.fd, part)
            ]
        except IgnoreFault as fault:
            return _unknown(rules, path, ignore_fault(fault))
        except OSError as error:
            return _told(_unlisted(rules, path, error), unmounted)
        step: FolderEntry | FileState
        if excluded or all(isinstance(one.verdict, ExcludedEntry) for one in classified):
            excluded, why = True, why or _default_line(classified)
            step = _excluded(rules, path, classified, last=position == len(parts) - 1)
            step = replace(step, why=why) if isinstance(step, Excluded) else step
        elif position == len(parts) - 1:
            return _told(_here(rules, path, classified), unmounted)
        else:
            step = _beneath(rules, path, entry.prefix + part, classified)
        if not isinstance(step, FolderEntry):
            return _told(step, unmounted)
        entry = step
    raise AssertionError("the last component always decides")


def _expected(rules: FileRules, steps: tuple[str, ...], left: Sequence[str]) -> str | None:
    """Return the recorded mount point above what is looked for, by its real names."""
    if not rules.expected:
        return None
    return innermost_above("/".join((*map(component, steps), *left)), rules.expected)


def _is_below(folder: OpenFolder, point: str, rules: FileRules) -> bool:
    """Whether the open folder is on the mount at `point`, as far as it is at or below it."""
    here = "/".join(map(component, folder.entry.steps))
    return is_at_or_below(here, point) and is_on(folder.fd, rules.root, point)


def _told(state: FileEntry | FileState, unmounted: str | None) -> FileEntry | FileState:
    if unmounted is None:
        return state
    match state:
        case FileEntry(row=row) if row[0] != unmounted:  # a file may be a mount point itself
            return state._replace(unmounted=unmounted)
        case Absent():
            return replace(state, unmounted=unmounted)
    return state


def _here(rules: FileRules, path: str, classified: list[Classified]) -> FileEntry | FileState:
    for state in states_of_key(rules, path, classified):
        if not isinstance(state, FolderEntry | Blocked):
            return state
    # A folder stands here; its twin may be a file that is left out.
    if any(one.verdict == ExcludedEntry(None) for one in classified):
        return Excluded(key=rules.key(path))
    return Absent(key=rules.key(path))


def _beneath(
    rules: FileRules, path: str, above: str, classified: list[Classified]
) -> FolderEntry | FileState:
    """Say what `path` is, given what stands at `above`, where it needs a folder."""
    for state in reversed(states_of_key(rules, above, classified)):
        if isinstance(state, FolderEntry):
            return state
        if isinstance(state, Blocked):
            return _unknown(rules, path, state.why)
        if isinstance(state, Skipped) and any(one.opaque for one in classified):
            return rules.skipped(path, state.why)
    return Absent(key=rules.key(path))


def _excluded(
    rules: FileRules, path: str, classified: list[Classified], *, last: bool
) -> FolderEntry | Absent | Excluded:
    """Go on below what the filters leave out, only to see whether anything is there."""
    folders = [folder for one in classified if (folder := _folder(one))]
    if not last and len(folders) == 1:
        return folders[0]
    there = (
        len(folders) < len(classified) if last else folders or any(one.opaque for one in classified)
    )
    return Excluded(key=rules.key(path)) if there else Absent(key=rules.key(path))


def _default_line(classified: list[Classified]) -> Notice | None:
    verdicts = (one.verdict for one in classified)
    return next((each.why for each in verdicts if isinstance(each, ExcludedEntry)), None)


def _folder(one: Classified) -> FolderEntry | None:
    if isinstance(one.verdict, ExcludedEntry):
        return one.verdict.folder
    return one.verdict if isinstance(one.verdict, FolderEntry) else None


def _named(fd: int, part: str) -> list[tuple[str, EntryStat]]:
    """Return every entry of the open folder `fd` that has the key component `part`."""
    if has_one_spelling(part):
        found = _own_stat(part, fd)
        # The other case being there too means a file system that folds case: only its listing
        # has the true spelling.
        if found is None:
            return []
        if part.swapcase() == part or _own_stat(part.swapcase(), fd) is None:
            return [(part, found)]
    names = [name for name in os.listdir(fd) if component(name) == part]
    return [(name, found) for name in names if (found := _own_stat(name, fd)) is not None]


def _own_stat(name: str, fd: int) -> EntryStat | None:
    try:
        return os.stat(name, dir_fd=fd, follow_symlinks=False)
    except OSError as error:
        return None if error.errno in (*GONE, errno.ENAMETOOLONG) else error


def _unlisted(rules: FileRules, path: str, error: OSError) -> FileState:
    if error.errno in GONE:
        return Absent(key=rules.key(path))
    if error.errno in OTHER_KIND:
        return _unknown(rules, path, says.MOVED_AWAY())
    return _unknown(rules, path, why_unread(error, says.FOLDER_UNREADABLE))


def _unknown(rules: FileRules, path: str, why: Notice) -> Unknown:
    return Unknown(key=rules.key(path), why=why)
