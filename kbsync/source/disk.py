"""Reaching folders and files by descriptor, one component at a time.

No component is ever resolved through a symbolic link, so nothing that is swapped in between can
lead out of the root; and no path is ever longer for the system than one name.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

GONE = frozenset({errno.ENOENT})
OTHER_KIND = frozenset({errno.ENOTDIR, errno.ELOOP})
REPLACED = GONE | OTHER_KIND | {errno.EINVAL, errno.ENXIO}


@contextmanager
def folder(root: int, steps: Sequence[str]) -> Iterator[int]:
    """Open the folder `steps` below `root` for listing.

    Raises:
        OSError: a step is missing, no folder, a link, or may not be read.
    """
    fd = os.open(".", FOLDER, dir_fd=root)
    try:
        for step in steps:
            following = os.open(step, FOLDER | os.O_NOFOLLOW, dir_fd=fd)
            os.close(fd)
            fd = following
        yield fd
    finally:
        os.close(fd)


def cause(error: OSError) -> str:
    """Return the system's words for `error`, without any path."""
    return error.strerror or errno.errorcode.get(error.errno or 0, "input/output error")
