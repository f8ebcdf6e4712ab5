"""The verdict on one entry of a folder: what the walk and the look have in common."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import NamedTuple

from kbsync.config import MirrorConfig
from kbsync.engine.ports import Blocked, FileRow
from kbsync.messages import Notice
from kbsync.messages import source as says
from kbsync.model import DocKey, Skipped, Unknown
from kbsync.model.file_types import extension
from kbsync.source import openat
from kbsync.source.file_names import ascii_spelling, component, unspeakable
from kbsync.source.filters import Filters, Sieve
from kbsync.source.openat import cause, folder

Found = os.stat_result | OSError


class Place(NamedTuple):
    """A folder on the way.

    Args:
        prefix: its key path, ending with ``/``; empty for the root.
        steps: real names from the root, free of links.
        sieve: the filters as they are outside of it.
        above: device and inode of the folders it is in; kept only where links are followed.
    """

    prefix: str
    steps: tuple[str, ...]
    sieve: Sieve
    above: frozenset[openat.Identity] = frozenset()


class Inside(NamedTuple):
    """A folder held open: descriptors of the root and of itself, and what applies inside."""

    root: int
    fd: int
    place: Place


class File(NamedTuple):
    """A file that would be uploaded: its row, and where it really stands."""

    row: FileRow
    steps: tuple[str, ...]


class LeftOut(NamedTuple):
    """Something the filters leave out; `place` when it is a folder."""

    place: Place | None


Verdict = File | Skipped | Unknown | Place | LeftOut
Settled = File | Skipped | Unknown | Place | Blocked


class Judged(NamedTuple):
    """One entry and its verdict."""

    name: str
    found: Found
    verdict: Verdict

    @property
    def opaque(self) -> bool:
        """Whether something may stand beneath it that the walk does not go to see."""
        if isinstance(self.verdict, File | Place):
            return False
        return isinstance(self.found, OSError) or not _plain(self.found.st_mode)


def _plain(mode: int) -> bool:
    return not (stat.S_ISLNK(mode) or stat.S_ISDIR(mode))


@contextmanager
def enter(rules: FileRules, root: int, place: Place) -> Iterator[Inside]:
    """Open `place` and read its ignore files.

    Raises:
        OSError: it is gone, no folder any more, or may not be listed.
        IgnoreFault: what is left out there cannot be told.
    """
    with folder(root, place.steps) as fd:
        place = place._replace(sieve=rules.filters.inside(place.sieve, place.prefix, fd))
        if rules.config.follow_symlinks:
            own = os.fstat(fd)
            place = place._replace(above=place.above | {(own.st_dev, own.st_ino)})
        yield Inside(root, fd, place)


def judge(rules: FileRules, inside: Inside, name: str, found: Found) -> Judged:
    """Judge the entry `name` of an open folder.

    Args:
        rules: the mirror's.
        inside: the folder.
        name: as the disk has it.
        found: its own stat (of a link, not of its target), or why there is none.
    """
    return Judged(name, found, _verdict(rules, inside, name, found))


def _verdict(rules: FileRules, inside: Inside, name: str, found: Found) -> Verdict:
    place, part = inside.place, component(name)
    path = place.prefix + part
    steps: tuple[str, ...] = (*place.steps, name)
    refusal: Notice | None = says.NAME_NOT_UTF8() if unspeakable(part) else None
    if isinstance(found, os.stat_result) and stat.S_ISLNK(found.st_mode):
        steps, found, refusal = _through(rules, inside, steps, found, refusal)
    is_folder = isinstance(found, os.stat_result) and stat.S_ISDIR(found.st_mode)
    shown = name if unspeakable(part) else part
    left_out = rules.filters.leaves_out(place.sieve, place.prefix, shown, folder=is_folder)
    if is_folder and (left_out or not refusal):
        sieve = rules.filters.descend(place.sieve, path + "/")
        deeper = Place(path + "/", steps, sieve, place.above)
        return LeftOut(deeper) if left_out else deeper
    if left_out:
        return LeftOut(None)
    if refusal:
        return rules.skipped(path, refusal)
    if isinstance(found, OSError):
        return Unknown(key=rules.key(path), why=says.FILE_UNREADABLE(cause=cause(found)))
    verdict = rules.verdict(path, part, found)
    return verdict if isinstance(verdict, Skipped) else File(verdict, steps)


def _through(
    rules: FileRules,
    inside: Inside,
    steps: tuple[str, ...],
    found: os.stat_result,
    refusal: Notice | None,
) -> tuple[tuple[str, ...], Found, Notice | None]:
    if not rules.config.follow_symlinks:
        return steps, found, refusal or says.LINK_NOT_FOLLOWED()
    try:
        target = openat.target(rules.root, inside.root, steps, inside.place.above)
    except OSError as error:
        return steps, error, refusal
    if isinstance(target, Notice):
        return steps, found, refusal or target
    return target.steps, target.found, refusal


def settle(rules: FileRules, path: str, judged: Sequence[Judged]) -> list[Settled]:
    """Say what a key path holds, given all entries that share it; empty when all are left out."""
    kept = [(one.name, one.verdict) for one in judged if not isinstance(one.verdict, LeftOut)]
    if len(kept) > 1:
        return list(_twins(rules, path, kept))
    settled: list[Settled] = []
    for _, verdict in kept:
        settled.append(verdict)
        if isinstance(verdict, Unknown):
            # Nobody knows whether it is a folder.
            settled.append(Blocked(prefix=path + "/", why=verdict.why))
    return settled


def _twins(rules: FileRules, path: str, kept: Sequence[tuple[str, object]]) -> Iterator[Settled]:
    names = ", ".join(sorted(ascii_spelling(name) for name, _ in kept))
    why = says.TWINS(count=len(kept), names=names)
    if any(not isinstance(verdict, Place) for _, verdict in kept):
        yield rules.skipped(path, why)
    if any(isinstance(verdict, Place) for _, verdict in kept):
        yield Blocked(prefix=path + "/", why=why)


# -- What a mirror takes: everything its settings say about files, and the verdict on one file.


_KINDS = {
    stat.S_IFIFO: "named pipe",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "device",
    stat.S_IFBLK: "device",
}


class FileRules:
    """What a mirror's configuration says about files, ready for the walk.

    Attributes:
        root: path of the source folder.
        filters: what is left out.
        accepted: extensions that are uploaded, lower case, without the dot.
    """

    __slots__ = ("accepted", "config", "filters", "root")

    def __init__(self, config: MirrorConfig) -> None:
        self.config = config
        self.root = os.fspath(config.source)
        self.filters = Filters(config)
        self.accepted = frozenset(config.extensions)

    def key(self, path: str) -> DocKey:
        """Return the key of `path` in this mirror."""
        return DocKey(mirror=self.config.name, path=path)

    def skipped(self, path: str, why: Notice) -> Skipped:
        """Return the state of something that is there and never uploaded."""
        return Skipped(key=self.key(path), why=why)

    def verdict(self, path: str, name: str, found: os.stat_result) -> FileRow | Skipped:
        """Judge what is neither a folder nor a link.

        Args:
            path: key path.
            name: the name its type is taken from.
            found: its stat.
        """
        why = self._refusal(name, found)
        if why is None:
            return (path, found.st_size, found.st_mtime_ns, found.st_ino)
        return self.skipped(path, why)

    def _refusal(self, name: str, found: os.stat_result) -> Notice | None:
        if not stat.S_ISREG(found.st_mode):
            return says.NO_FILE(kind=_KINDS.get(stat.S_IFMT(found.st_mode), "special file"))
        if (ending := extension(name)) not in self.accepted:
            return refused_type(ending)
        if found.st_size == 0:
            return says.EMPTY()
        return self.too_large(found.st_size)

    def too_large(self, size: int) -> Notice | None:
        """Return why `size` bytes are not sent, None if they are."""
        limit = self.config.max_file_size
        return says.TOO_LARGE(size=size, limit=limit) if size > limit else None


# A photo archive next to the documents is thousands of the same notice.
@lru_cache(maxsize=1024)
def refused_type(ending: str) -> Notice:
    """Say that files of this extension are not accepted."""
    return says.REFUSED_TYPE(extension=f".{ending}" if ending else "extensionless")
