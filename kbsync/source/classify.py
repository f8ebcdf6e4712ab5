"""The verdict on one entry of a folder: what the scan and the look at one path have in common."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from kbsync.engine.ports import Blocked, FileRow
from kbsync.messages import Notice
from kbsync.messages import source as says
from kbsync.model import Skipped, Unknown
from kbsync.source.file_names import ascii_spelling, component, is_not_utf8
from kbsync.source.file_rules import FileRules
from kbsync.source.filters import FolderFilters
from kbsync.source.openat import FolderId, link_target, open_folder
from kbsync.source.unread import why_unread

EntryStat = os.stat_result | OSError


class FolderEntry(NamedTuple):
    """A folder that is walked into.

    Args:
        prefix: its key path, ending with ``/``; empty for the root.
        steps: real names from the root, free of links.
        filters: those in force outside of it.
        above: device and inode of the folders it is in; kept only where links are followed.
    """

    prefix: str
    steps: tuple[str, ...]
    filters: FolderFilters
    above: frozenset[FolderId] = frozenset()


class OpenFolder(NamedTuple):
    """A folder held open: descriptors of the root and of itself, and what applies inside."""

    root: int
    fd: int
    entry: FolderEntry


class FileEntry(NamedTuple):
    """A file that would be uploaded: its row, and the real names that lead to it.

    `unmounted`: as of `kbsync.model.Present`; only a look at one path tells. `named`: the real
    names that lead to where its own name stands; others than `steps` only where that is a link.
    """

    row: FileRow
    steps: tuple[str, ...]
    unmounted: str | None = None
    named: tuple[str, ...] = ()


class ExcludedEntry(NamedTuple):
    """Something the filters leave out; `folder` when it is one.

    `why` names the line of the default list, None where something else leaves it out.
    """

    folder: FolderEntry | None
    why: Notice | None = None


Verdict = FileEntry | Skipped | Unknown | FolderEntry | ExcludedEntry
KeyState = FileEntry | Skipped | Unknown | FolderEntry | Blocked


class Classified(NamedTuple):
    """One entry and its verdict."""

    name: str
    found: EntryStat
    verdict: Verdict

    @property
    def opaque(self) -> bool:
        """Whether something may stand beneath it that is not looked at."""
        if isinstance(self.verdict, FileEntry | FolderEntry):
            return False
        return isinstance(self.found, OSError) or _may_lead_on(self.found.st_mode)


def _may_lead_on(mode: int) -> bool:
    return stat.S_ISLNK(mode) or stat.S_ISDIR(mode)


@contextmanager
def open_entry(rules: FileRules, root: int, entry: FolderEntry) -> Iterator[OpenFolder]:
    """Open the folder `entry` and read its ignore files.

    Raises:
        OSError: it is gone, no folder any more, or may not be listed.
        IgnoreFault: an ignore file cannot be read, so what it leaves out is unknown.
    """
    with open_folder(root, entry.steps) as fd:
        yield inside(rules, root, fd, entry)


def inside(rules: FileRules, root: int, fd: int, entry: FolderEntry) -> OpenFolder:
    """Read the ignore files of the folder `entry`, which is open as `fd`.

    Raises:
        OSError, IgnoreFault: as `open_entry` does.
    """
    filters = rules.filters.inside(entry.filters, entry.prefix, fd)
    if filters is not entry.filters:
        entry = entry._replace(filters=filters)
    if rules.config.follow_symlinks:
        own = os.fstat(fd)
        entry = entry._replace(above=entry.above | {(own.st_dev, own.st_ino)})
    return OpenFolder(root, fd, entry)


def classify(rules: FileRules, folder: OpenFolder, name: str, found: EntryStat) -> Classified:
    """Classify the entry `name` of an open folder.

    Args:
        rules: the mirror's.
        folder: where it is.
        name: as the disk has it.
        found: its own stat (of a link, not of its target), or why there is none.
    """
    return Classified(name, found, _verdict(rules, folder, name, found))


def _verdict(rules: FileRules, folder: OpenFolder, name: str, found: EntryStat) -> Verdict:
    entry, part = folder.entry, component(name)
    path = entry.prefix + part
    steps: tuple[str, ...] = (*entry.steps, name)
    refusal: Notice | None = says.NAME_NOT_UTF8() if is_not_utf8(part) else None
    if isinstance(found, os.stat_result) and stat.S_ISLNK(found.st_mode):
        steps, found, refusal = _through_link(rules, folder, steps, found, refusal)
    is_folder = isinstance(found, os.stat_result) and stat.S_ISDIR(found.st_mode)
    shown = name if is_not_utf8(part) else part
    excluded = rules.filters.excludes(entry.filters, entry.prefix, shown, folder=is_folder)
    # A folder whose name is refused is not walked; an excluded one is looked at all the same, to
    # tell what became excluded from what is gone.
    if is_folder and (excluded or not refusal):
        filters = rules.filters.descend(entry.filters, path + "/")
        deeper = FolderEntry(path + "/", steps, filters, entry.above)
        return (
            ExcludedEntry(deeper, left_out(rules, entry, shown, folder=True))
            if excluded
            else deeper
        )
    if excluded:
        return ExcludedEntry(None, left_out(rules, entry, shown, folder=False))
    if refusal:
        return rules.skipped(path, refusal)
    if isinstance(found, OSError):
        return Unknown(key=rules.key(path), why=why_unread(found))
    verdict = rules.verdict(path, found)
    if isinstance(verdict, Skipped):
        return verdict
    return FileEntry(verdict, steps, named=(*entry.steps, name))


def left_out(rules: FileRules, entry: FolderEntry, name: str, *, folder: bool) -> Notice | None:
    """Say which line of the default list leaves an entry out, None where something else does."""
    line = rules.filters.default_line(entry.filters, entry.prefix, name, folder=folder)
    return line and says.LEFT_OUT_BY_DEFAULT(pattern=line.pattern, made_by=line.made_by)


def _through_link(
    rules: FileRules,
    folder: OpenFolder,
    steps: tuple[str, ...],
    found: os.stat_result,
    refusal: Notice | None,
) -> tuple[tuple[str, ...], EntryStat, Notice | None]:
    if not rules.config.follow_symlinks:
        return steps, found, refusal or says.LINK_NOT_FOLLOWED()
    try:
        target = link_target(rules.root, folder.root, steps, folder.entry.above)
    except OSError as error:
        return steps, error, refusal
    if isinstance(target, Notice):
        return steps, found, refusal or target
    return target.steps, target.found, refusal


def states_of_key(rules: FileRules, path: str, classified: Sequence[Classified]) -> list[KeyState]:
    """Return what a key path holds, given all entries with that key; empty when all are excluded.

    Two names that differ only in how their letters are composed have one key: neither is taken.
    """
    kept = [
        (one.name, one.verdict) for one in classified if not isinstance(one.verdict, ExcludedEntry)
    ]
    if len(kept) > 1:
        return list(_twins(rules, path, kept))
    states: list[KeyState] = []
    for _, verdict in kept:
        states.append(verdict)
        if isinstance(verdict, Unknown):
            # It may be a folder: then what is recorded below it is not proved to be gone either.
            states.append(Blocked(prefix=path + "/", why=verdict.why))
    return states


def _twins(rules: FileRules, path: str, kept: Sequence[tuple[str, object]]) -> Iterator[KeyState]:
    names = ", ".join(sorted(ascii_spelling(name) for name, _ in kept))
    why = says.TWINS(count=len(kept), names=names)
    if any(not isinstance(verdict, FolderEntry) for _, verdict in kept):
        yield rules.skipped(path, why)
    if any(isinstance(verdict, FolderEntry) for _, verdict in kept):
        yield Blocked(prefix=path + "/", why=why)
