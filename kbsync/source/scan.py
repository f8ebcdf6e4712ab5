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
from kbsync.source.disk import FOLDER, GONE, OTHER_KIND, cause
from kbsync.source.entries import File, Inside, Place, enter, judge, settle
from kbsync.source.filters import IgnoreFault
from kbsync.source.names import component
from kbsync.source.rules import Rules

_ELSE = -1


class Listed(NamedTuple):
    """One folder's content in order.

    A row of size -1 stands for something else: its inode column is an index into `others`.
    """

    rows: list[FileRow]
    others: list[Skipped | Unknown | Place | Blocked]


def scan(rules: Rules) -> Iterator[Seen]:
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


def _walk(rules: Rules, root: int) -> Iterator[Seen]:
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


def _listed(rules: Rules, root: int, place: Place) -> Listed:
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
    return Listed([(place.prefix, _ELSE, 0, 0)], [Blocked(prefix=place.prefix, why=why)])


def _content(rules: Rules, inside: Inside) -> Listed:
    with os.scandir(inside.fd) as scanned:
        entries = list(scanned)
    rows, rest = _quick(rules, inside, entries)
    if any(not entry.name.isascii() and component(entry.name).isascii() for entry in rest):
        # A name that becomes ASCII in NFC may be the twin of one that was quickly accepted.
        rows, rest = [], entries
    others: list[Skipped | Unknown | Place | Blocked] = []
    for part, group in _by_component(rest).items():
        judged = [
            judge(rules, inside, entry.name, found)
            for entry in group
            if (found := _own_stat(entry)) is not None
        ]
        for settled in settle(rules, inside.place.prefix + part, judged):
            if isinstance(settled, File):
                rows.append(settled.row)
            else:
                rows.append((_order(settled), _ELSE, 0, len(others)))
                others.append(settled)
    rows.sort()
    return Listed(rows, others)


def _quick(
    rules: Rules, inside: Inside, entries: list[os.DirEntry[str]]
) -> tuple[list[FileRow], list[os.DirEntry[str]]]:
    """Accept the plain files at once; everything unusual is handed back for `judge`.

    One loop without calls of our own: it runs for every file of every pass.
    """
    rows: list[FileRow] = []
    rest: list[os.DirEntry[str]] = []
    prefix, sieve = inside.place.prefix, inside.place.sieve
    accepted, limit, idle = rules.accepted, rules.limit, rules.filters.idle(sieve)
    leaves_out = rules.filters.leaves_out
    for entry in entries:
        name = entry.name
        if (
            name.isascii()
            and name[0] != "."
            and name.rpartition(".")[2] in accepted
            and "." in name
            and entry.is_file(follow_symlinks=False)
        ):
            if not idle and leaves_out(sieve, prefix, name, folder=False):
                continue
            try:
                found = entry.stat(follow_symlinks=False)
            except OSError:
                rest.append(entry)
                continue
            if 0 < found.st_size <= limit:
                rows.append((prefix + name, found.st_size, found.st_mtime_ns, found.st_ino))
                continue
        rest.append(entry)
    return rows, rest


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


def _order(other: Skipped | Unknown | Place | Blocked) -> str:
    return other.prefix if isinstance(other, Place | Blocked) else other.key.path
