"""The walk over the whole source, in code point order of the key paths.

A folder sorts as its name with ``/`` appended, so walking depth-first through sorted folders gives
the same order as sorting all paths. Memory is bounded by the folders on the way to one file.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple

from kbsync.engine.ports import Blocked, FileRow, Seen
from kbsync.messages import Notice
from kbsync.messages import source as says
from kbsync.model import Skipped, Unknown
from kbsync.model.file_types import extension
from kbsync.source.classify import (
    File,
    FileRules,
    Inside,
    Place,
    enter,
    judge,
    refused_type,
    settle,
)
from kbsync.source.file_names import component, is_component
from kbsync.source.filters import IgnoreFault
from kbsync.source.openat import FOLDER, GONE, OTHER_KIND, cause

_ELSE = -1


class Listed(NamedTuple):
    """One folder's content in order.

    A row of size -1 stands for something else: its inode column is an index into `others`.
    """

    rows: list[FileRow]
    others: list[Skipped | Unknown | Place | Blocked]

    def add(self, other: Skipped | Unknown | Place | Blocked) -> None:
        """Add what is no row, to be sorted by its path or prefix."""
        at = other.prefix if isinstance(other, Place | Blocked) else other.key.path
        self.rows.append((at, _ELSE, 0, len(self.others)))
        self.others.append(other)


def scan(rules: FileRules) -> Iterator[Seen]:
    """Walk the source of `rules` once; see `kbsync.engine.ports.Source.scan`."""
    try:
        root = os.open(rules.root, FOLDER)
    except OSError as error:
        yield Blocked(prefix="", why=root_fault(rules.root, error))
        return
    try:
        yield from _walk(rules, root)
    finally:
        os.close(root)


def root_fault(path: str, error: OSError) -> Notice:
    """Say why the source itself cannot be opened."""
    if error.errno in GONE:
        return says.ROOT_GONE(path=path)
    if error.errno in OTHER_KIND:
        return says.ROOT_NO_FOLDER(path=path)
    return says.FOLDER_UNREADABLE(cause=cause(error))


def still_stands(path: str, root: int) -> bool:
    """Whether the root that is held open is still what its path names."""
    try:
        return os.path.samestat(os.stat(path), os.fstat(root))  # noqa: PTH116
    except OSError:
        return False


def _walk(rules: FileRules, root: int) -> Iterator[Seen]:
    listed = _listed(rules, root, Place("", (), rules.filters.root))
    pending = [(iter(listed.rows), listed.others)]
    while pending:
        rows, others = pending[-1]
        for row in rows:
            if row[1] != _ELSE:
                yield row
                continue
            other = others[row[3]]
            if isinstance(other, Place):
                listed = _listed(rules, root, other)
                pending.append((iter(listed.rows), listed.others))
                break
            yield other
        else:
            pending.pop()


def _listed(rules: FileRules, root: int, place: Place) -> Listed:
    """List a folder; what keeps it from being listed is its only content then."""
    try:
        with enter(rules, root, place) as inside:
            return _content(rules, inside)
    except IgnoreFault as fault:
        why = says.IGNORE_UNREADABLE(name=fault.name, cause=fault.cause)
    except OSError as error:
        if error.errno in GONE and place.prefix and still_stands(rules.root, root):
            return Listed([], [])
        moved = error.errno in GONE | OTHER_KIND
        why = says.MOVED_AWAY() if moved else says.FOLDER_UNREADABLE(cause=cause(error))
    listed = Listed([], [])
    listed.add(Blocked(prefix=place.prefix, why=why))
    return listed


def _content(rules: FileRules, inside: Inside) -> Listed:
    with os.scandir(inside.fd) as scanned:
        entries = list(scanned)
    listed, rest = _quick(rules, inside, entries)
    if any(component(entry.name) != entry.name for entry in rest):
        # A name that is no key itself may be the twin of one that was quickly judged.
        listed, rest = Listed([], []), entries
    for part, group in _by_component(rest).items():
        judged = [
            judge(rules, inside, entry.name, found)
            for entry in group
            if (found := _own_stat(entry)) is not None
        ]
        for settled in settle(rules, inside.place.prefix + part, judged):
            if isinstance(settled, File):
                listed.rows.append(settled.row)
            else:
                listed.add(settled)
    listed.rows.sort()
    return listed


def _quick(
    rules: FileRules, inside: Inside, entries: list[os.DirEntry[str]]
) -> tuple[Listed, list[os.DirEntry[str]]]:
    """Judge ordinary files at once; everything unusual is handed back for `judge`.

    One loop with few calls of our own: it runs for every file of every pass.
    """
    listed, rest = Listed([], []), []
    prefix, sieve = inside.place.prefix, inside.place.sieve
    accepted, limit = rules.accepted, rules.config.max_file_size
    idle = rules.filters.idle(sieve)
    leaves_out = rules.filters.leaves_out
    for entry in entries:
        name = entry.name
        if (
            name[0] == "."
            or not (name.isascii() or is_component(name))
            or not entry.is_file(follow_symlinks=False)
        ):
            rest.append(entry)
            continue
        if not idle and leaves_out(sieve, prefix, name, folder=False):
            continue
        stem, _, ending = name.rpartition(".")
        if not stem or (ending not in accepted and extension(name) not in accepted):
            listed.add(rules.skipped(prefix + name, refused_type(extension(name))))
            continue
        try:
            found = entry.stat(follow_symlinks=False)
        except OSError:
            rest.append(entry)
            continue
        if 0 < found.st_size <= limit:
            row = (prefix + name, found.st_size, found.st_mtime_ns, found.st_ino)
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
