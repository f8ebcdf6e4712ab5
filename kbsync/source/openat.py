"""Folders opened by descriptor, one name at a time, and where a symbolic link leads."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from typing import NamedTuple

from kbsync.messages import Notice
from kbsync.messages import source as says

FolderId = tuple[int, int]  # device and inode
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

GONE = frozenset({errno.ENOENT})
OTHER_KIND = frozenset({errno.ENOTDIR, errno.ELOOP})
REPLACED = GONE | OTHER_KIND | {errno.EINVAL, errno.ENXIO}


@contextmanager
def open_folder(root: int, steps: Sequence[str]) -> Iterator[int]:
    """Open the folder `steps` below `root` for listing.

    Raises:
        OSError: a step is missing, no folder, a link, or may not be read.
    """
    fd = _opened(root, steps)
    try:
        yield fd
    finally:
        os.close(fd)


def _opened(root: int, steps: Sequence[str]) -> int:
    fd = os.open(".", FOLDER, dir_fd=root)
    for step in steps:
        try:
            following = os.open(step, FOLDER | os.O_NOFOLLOW, dir_fd=fd)
        finally:
            os.close(fd)
        fd = following
    return fd


class Descent:
    """Folders opened one after the other, of which the last is held: the next is often below it.

    Args:
        root: descriptor of the root.
    """

    def __init__(self, root: int) -> None:
        self._root = root
        self._held = -1
        self._steps: tuple[str, ...] = ()

    def open(self, steps: tuple[str, ...]) -> int:
        """Open the folder `steps` below the root for listing; it is held until the next.

        Raises:
            OSError: as `open_folder` does.
        """
        if self._held >= 0 and steps and steps[:-1] == self._steps:
            fd = os.open(steps[-1], FOLDER | os.O_NOFOLLOW, dir_fd=self._held)
        else:
            fd = _opened(self._root, steps)
        self.close()
        self._held, self._steps = fd, steps
        return fd

    def close(self) -> None:
        """Hold no folder any more."""
        if self._held >= 0:
            os.close(self._held)
            self._held = -1


def os_reason(error: OSError) -> str:
    """Return the system's words for `error`, without any path."""
    return error.strerror or errno.errorcode.get(error.errno or 0, "input/output error")


class LinkTarget(NamedTuple):
    """What a link inside the root leads to: free of further links."""

    steps: tuple[str, ...]
    found: os.stat_result


def link_target(
    root: str, fd: int, steps: tuple[str, ...], above: AbstractSet[FolderId]
) -> LinkTarget | Notice:
    """Follow the link at `steps`, or say why not.

    Args:
        root: path of the source folder.
        fd: its descriptor.
        steps: real names from the root to the link.
        above: device and inode of every folder the link is in.

    Raises:
        OSError: a folder on the way may not be read.
    """
    try:
        base = os.path.realpath(root, strict=True)
        real = os.path.realpath(os.path.join(base, *steps), strict=True)  # noqa: PTH118
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
            return says.LINK_DANGLING(cause=os_reason(error))
        raise
    inside = os.path.relpath(real, base).split("/")
    if ".." in inside or ".git" in inside:
        return says.LINK_OUTSIDE()
    if inside == ["."]:
        return says.LINK_LOOP()
    with open_folder(fd, inside[:-1]) as parent:
        found = os.stat(inside[-1], dir_fd=parent, follow_symlinks=False)
    if stat.S_ISDIR(found.st_mode) and (found.st_dev, found.st_ino) in above:
        return says.LINK_LOOP()
    return LinkTarget(tuple(inside), found)
