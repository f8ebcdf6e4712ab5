"""Where a symbolic link leads, as steps below the root."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from kbsync.messages import Notice
from kbsync.messages import source as says
from kbsync.source.disk import cause, folder

Identity = tuple[int, int]


class Target(NamedTuple):
    """What a link inside the root leads to: free of further links."""

    steps: tuple[str, ...]
    found: os.stat_result


def target(
    root: str, fd: int, steps: tuple[str, ...], above: AbstractSet[Identity]
) -> Target | Notice:
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
            return says.LINK_DANGLING(cause=cause(error))
        raise
    inside = os.path.relpath(real, base).split("/")
    if ".." in inside or ".git" in inside:
        return says.LINK_OUTSIDE()
    if inside == ["."]:
        return says.LINK_LOOP()
    with folder(fd, inside[:-1]) as parent:
        found = os.stat(inside[-1], dir_fd=parent, follow_symlinks=False)
    if stat.S_ISDIR(found.st_mode) and (found.st_dev, found.st_ino) in above:
        return says.LINK_LOOP()
    return Target(tuple(inside), found)
