"""The walk over the whole source, in code point order of the key paths.

A folder sorts as its name with ``/`` appended, so walking depth-first through sorted folders gives
the same order as sorting all paths. Memory is bounded by the folders on the way to one file.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple

from kbsync.engine.ports import Blocked, FileRow, Seen
from kbsync.messages import source as says
from kbsync.model import Excluded, Present, Skipped, Stat, Unknown
from kbsync.model.declared import SIDECAR
from kbsync.model.file_types import extension
from kbsync.planning.path_range import EVERYTHING, PathRange
from kbsync.source.classify import (
    Classified,
    ExcludedEntry,
    FileEntry,
    FolderEntry,
    OpenFolder,
    classify,
    open_entry,
    states_of_key,
)
from kbsync.source.default_excludes import AMID, AMID_TOO, FIRST, may_be_left_out
from kbsync.source.file_names import component, is_component
from kbsync.source.file_rules import FileRules
from kbsync.source.ignore_file import IgnoreFault
from kbsync.source.openat import FOLDER, GONE, OTHER_KIND
from kbsync.source.root import ignore_fault, root_fault
from kbsync.source.sidecar_name import described_by
from kbsync.source.taken_types import refused_type
from kbsync.source.unread import why_unread

_ELSE = -1


class Listed(NamedTuple):
    """One folder's content in order.

    A row of size -1 stands for something else: its inode column is an index into `others`.
    """

    rows: list[FileRow]
    others: list[Skipped | Unknown | Excluded | Present | FolderEntry | Blocked]

    def add(self, other: Skipped | Unknown | Excluded | Present | FolderEntry | Blocked) -> None:
        """Add what is no row, to be sorted by its path or prefix."""
        at = other.prefix if isinstance(other, FolderEntry | Blocked) else other.key.path
        self.rows.append((at, _ELSE, 0, len(self.others), 0))
        self.others.append(other)

    def add_left_out(self, rules: FileRules, classified: list[Classified], path: str) -> None:
        """Add what the default list leaves out: it is counted."""
        for verdict in (one.verdict for one in classified):
            if isinstance(verdict, ExcludedEntry) and verdict.why:
                key = rules.key(path + "/" if verdict.folder else path)
                self.add(Excluded(key=key, why=verdict.why))


def scan(rules: FileRules, within: PathRange = EVERYTHING) -> Iterator[Seen]:
    """Walk the source of `rules` once; see `kbsync.engine.ports.Source.scan`."""
    rules.own.look_again()
    try:
        root = os.open(rules.root, FOLDER)
    except OSError as error:
        yield Blocked(prefix="", why=root_fault(rules.root, error))
        return
    try:
        yield from _walk(rules, root, within)
    finally:
        os.close(root)


def still_stands(path: str, root: int) -> bool:
    """Whether the root that is held open is still what its path names."""
    try:
        return os.path.samestat(os.stat(path), os.fstat(root))  # noqa: PTH116
    except OSError:
        return False


def _walk(rules: FileRules, root: int, within: PathRange) -> Iterator[Seen]:
    listed = _listed(rules, root, FolderEntry("", (), rules.filters.root), within)
    pending = [(iter(listed.rows), listed.others)]
    while pending:
        rows, others = pending[-1]
        for row in rows:
            if row[1] != _ELSE:
                yield row
                continue
            other = others[row[3]]
            if isinstance(other, FolderEntry):
                listed = _listed(rules, root, other, within)
                pending.append((iter(listed.rows), listed.others))
                break
            yield other
        else:
            pending.pop()


def _listed(rules: FileRules, root: int, entry: FolderEntry, within: PathRange) -> Listed:
    """List a folder; what keeps it from being listed is its only content then."""
    try:
        with open_entry(rules, root, entry) as folder:
            return _content(rules, folder, within)
    except IgnoreFault as fault:
        why = ignore_fault(fault)
    except OSError as error:
        if error.errno in GONE and entry.prefix and still_stands(rules.root, root):
            return Listed([], [])
        moved = error.errno in GONE | OTHER_KIND
        why = says.MOVED_AWAY() if moved else why_unread(error, says.FOLDER_UNREADABLE)
    listed = Listed([], [])
    listed.add(Blocked(prefix=entry.prefix, why=why))
    return listed


def _content(rules: FileRules, folder: OpenFolder, within: PathRange) -> Listed:
    with os.scandir(folder.fd) as scanned:
        entries = list(scanned)
    prefix, whole = folder.entry.prefix, within.covers(folder.entry.prefix)
    # No stat is taken of what is outside of the range.
    wanted = entries if whole else [e for e in entries if within.meets(prefix + component(e.name))]
    listed, rest = _quick(rules, folder, wanted)
    if any(component(entry.name) != entry.name for entry in rest):
        # A name that is no key itself may be the twin of one that was quickly classified.
        listed, rest = Listed([], []), wanted
    for part, group in _by_component(rest).items():
        classified = [
            classify(rules, folder, entry.name, found)
            for entry in group
            if (found := _own_stat(entry)) is not None
        ]
        for state in states_of_key(rules, folder.entry.prefix + part, classified):
            if isinstance(state, FileEntry):
                listed.rows.append(state.row)
            elif not (isinstance(state, Skipped) and state.why.message is says.SIDECAR):
                listed.add(state)
        listed.add_left_out(rules, classified, folder.entry.prefix + part)
    _describe(rules, folder, entries, listed)
    if not whole:
        listed.rows[:] = [row for row in listed.rows if _is_in(within, listed, row)]
    listed.rows.sort()
    return listed


def _is_in(within: PathRange, listed: Listed, row: FileRow) -> bool:
    """Whether a row, or anything in the folder that it stands for, is in the range."""
    other = listed.others[row[3]] if row[1] == _ELSE else None
    if isinstance(other, FolderEntry | Blocked):
        return within.meets(row[0])
    return row[0] in within


def _describe(
    rules: FileRules, folder: OpenFolder, entries: list[os.DirEntry[str]], listed: Listed
) -> None:
    """Take the files that have a sidecar out of the rows: no stat of theirs says what it holds."""
    described = {
        folder.entry.prefix + component(file)
        for entry in entries
        if entry.name.endswith(SIDECAR) and (file := described_by(entry.name)) is not None
    }
    if not described:
        return
    found = [row for row in listed.rows if row[0] in described]
    listed.rows[:] = [row for row in listed.rows if row[0] not in described or row[1] == _ELSE]
    for row in (each for each in found if each[1] != _ELSE):
        listed.add(Present(key=rules.key(row[0]), stat=Stat(*row[1:])))
    there = {folder.entry.prefix + component(entry.name) for entry in entries}
    for path in sorted(described - there):
        if path.rpartition("/")[2].startswith("."):
            continue  # hidden files are not named
        why = says.SIDECAR_ALONE(file=path.rpartition("/")[2])
        listed.add(rules.skipped(path + SIDECAR, why))


def _quick(
    rules: FileRules, folder: OpenFolder, entries: list[os.DirEntry[str]]
) -> tuple[Listed, list[os.DirEntry[str]]]:
    """Take ordinary files at once; everything unusual is left to `classify`.

    One loop with few calls of our own: it runs for every file of every pass.
    """
    listed, rest = Listed([], []), []
    prefix, filters = folder.entry.prefix, folder.entry.filters
    accepted, limit, own = rules.types.accepted, rules.config.max_file_size, rules.own.inodes
    by_path = rules.types.by_path
    idle, trust_ctime = rules.filters.idle(filters), rules.config.trust_ctime
    leaves_out, defaults = rules.filters.leaves_out, rules.filters.has_defaults
    first = FIRST if defaults else ""
    for entry in entries:
        name = entry.name
        if (
            name[0] == "."
            or name[0] in first
            or AMID in name
            or AMID_TOO in name
            or not (name.isascii() or is_component(name))
            or not entry.is_file(follow_symlinks=False)
        ):
            rest.append(entry)
            continue
        if not idle and leaves_out(filters, prefix, name, folder=False):
            continue
        stem, _, ending = name.rpartition(".")
        if ending == "yaml" and name.endswith(SIDECAR):
            continue
        if not stem or (ending not in accepted and extension(name) not in accepted):
            if by_path or (defaults and may_be_left_out(ending)):
                rest.append(entry)
                continue
            listed.add(rules.skipped(prefix + name, refused_type(extension(name))))
            continue
        try:
            found = entry.stat(follow_symlinks=False)
        except OSError:
            rest.append(entry)
            continue
        if 0 < found.st_size <= limit and found.st_ino not in own:
            ctime = found.st_ctime_ns if trust_ctime else 0
            row = (prefix + name, found.st_size, found.st_mtime_ns, found.st_ino, ctime)
            listed.rows.append(row)
        else:
            rest.append(entry)
    return listed, rest


def _by_component(entries: list[os.DirEntry[str]]) -> dict[str, list[os.DirEntry[str]]]:
    groups: dict[str, list[os.DirEntry[str]]] = {}
    for entry in entries:
        groups.setdefault(component(entry.name), []).append(entry)
    return groups


def _own_stat(entry: os.DirEntry[str]) -> os.stat_result | OSError | None:
    try:
        return entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None
    except OSError as error:
        return error
