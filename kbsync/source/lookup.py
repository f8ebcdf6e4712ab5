"""What stands at one key path now: the same verdicts as the walk, reached by one path alone.

*Absent* is said only when the folder that would hold it was opened for listing and does not have
it, or is itself proved gone, while the root is still the one its path names.
"""

from __future__ import annotations

import errno
import os

from kbsync.engine.ports import Blocked
from kbsync.messages import Notice
from kbsync.messages import source as says
from kbsync.model import Absent, Excluded, FileState, Skipped, Unknown
from kbsync.source.classify import (
    File,
    FileRules,
    Found,
    Judged,
    LeftOut,
    Place,
    enter,
    judge,
    settle,
)
from kbsync.source.file_names import component, components, has_one_spelling
from kbsync.source.filters import IgnoreFault
from kbsync.source.openat import GONE, OTHER_KIND, cause
from kbsync.source.scan import still_stands


def look(rules: FileRules, root: int, path: str) -> File | FileState:
    """Say what stands at `path` below the open folder `root`."""
    parts = components(path)
    if not parts:
        return _unknown(rules, path, says.NO_KEY(path=path))
    state = _descend(rules, root, path, parts)
    if isinstance(state, Absent) and not still_stands(rules.root, root):
        return _unknown(rules, path, says.MOVED_AWAY())
    return state


def _descend(rules: FileRules, root: int, path: str, parts: list[str]) -> File | FileState:
    place, left_out = Place("", (), rules.filters.root), False
    for position, part in enumerate(parts):
        try:
            with enter(rules, root, place) as inside:
                judged = [
                    judge(rules, inside, name, found) for name, found in _named(inside.fd, part)
                ]
        except IgnoreFault as fault:
            why = says.IGNORE_UNREADABLE(name=fault.name, cause=fault.cause)
            return _unknown(rules, path, why)
        except OSError as error:
            return _unlisted(rules, path, error)
        step: Place | FileState
        if left_out or all(isinstance(one.verdict, LeftOut) for one in judged):
            left_out = True
            step = _left_out(rules, path, judged, last=position == len(parts) - 1)
        elif position == len(parts) - 1:
            return _here(rules, path, judged)
        else:
            step = _beneath(rules, path, place.prefix + part, judged)
        if not isinstance(step, Place):
            return step
        place = step
    raise AssertionError("the last component always decides")


def _here(rules: FileRules, path: str, judged: list[Judged]) -> File | FileState:
    for settled in settle(rules, path, judged):
        if not isinstance(settled, Place | Blocked):
            return settled
    # A folder stands here; its twin may be a file that is left out.
    if any(one.verdict == LeftOut(None) for one in judged):
        return Excluded(key=rules.key(path))
    return Absent(key=rules.key(path))


def _beneath(rules: FileRules, path: str, above: str, judged: list[Judged]) -> Place | FileState:
    """Say what `path` is, given what stands at `above`, where it needs a folder."""
    for settled in reversed(settle(rules, above, judged)):
        if isinstance(settled, Place):
            return settled
        if isinstance(settled, Blocked):
            return _unknown(rules, path, settled.why)
        if isinstance(settled, Skipped) and any(one.opaque for one in judged):
            return rules.skipped(path, settled.why)
    return Absent(key=rules.key(path))


def _left_out(
    rules: FileRules, path: str, judged: list[Judged], *, last: bool
) -> Place | Absent | Excluded:
    """Go on below what the filters leave out, only to see whether anything is there."""
    places = [place for one in judged if (place := _place(one))]
    if not last and len(places) == 1:
        return places[0]
    there = len(places) < len(judged) if last else places or any(one.opaque for one in judged)
    return Excluded(key=rules.key(path)) if there else Absent(key=rules.key(path))


def _place(one: Judged) -> Place | None:
    if isinstance(one.verdict, LeftOut):
        return one.verdict.place
    return one.verdict if isinstance(one.verdict, Place) else None


def _named(fd: int, part: str) -> list[tuple[str, Found]]:
    """Return every entry of the open folder `fd` that has the key component `part`."""
    if has_one_spelling(part):
        found = _own_stat(part, fd)
        # The other case being there too means a file system that folds case: only its listing
        # tells which spelling is the true one.
        if found is None:
            return []
        if part.swapcase() == part or _own_stat(part.swapcase(), fd) is None:
            return [(part, found)]
    names = [name for name in os.listdir(fd) if component(name) == part]
    return [(name, found) for name in names if (found := _own_stat(name, fd)) is not None]


def _own_stat(name: str, fd: int) -> Found | None:
    try:
        return os.stat(name, dir_fd=fd, follow_symlinks=False)
    except OSError as error:
        return None if error.errno in (*GONE, errno.ENAMETOOLONG) else error


def _unlisted(rules: FileRules, path: str, error: OSError) -> FileState:
    if error.errno in GONE:
        return Absent(key=rules.key(path))
    if error.errno in OTHER_KIND:
        return _unknown(rules, path, says.MOVED_AWAY())
    return _unknown(rules, path, says.FOLDER_UNREADABLE(cause=cause(error)))


def _unknown(rules: FileRules, path: str, why: Notice) -> Unknown:
    return Unknown(key=rules.key(path), why=why)
