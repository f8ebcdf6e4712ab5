"""A file that root makes belongs to the owner of its folder, whose daemon has to write it too."""

from __future__ import annotations

import os
from contextlib import suppress

_MODE = 0o600


def opened(path: str | os.PathLike[str], flags: int) -> int:
    """Open a file, and make it for its owner alone where it is not there.

    Args:
        path: of the file.
        flags: as `os.open` takes them, besides those that make it.

    Returns:
        Its descriptor.

    Raises:
        OSError: it can be neither opened nor made.
    """
    try:
        descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, _MODE)
    except FileExistsError:
        # Whoever made it: a file that was there before is not given away, as it may be a link.
        return os.open(path, flags | os.O_CREAT, _MODE)
    give(descriptor, os.path.dirname(path))  # noqa: PTH120 - a lock's name is no Path
    return descriptor


def give(descriptor: int, folder: str | os.PathLike[str]) -> None:
    """Give a file that was made just now to the owner of its folder, where root made it.

    A verb that is typed as root would otherwise leave a ledger that a daemon of another user cannot
    open. A root without that right, as in a container, keeps the file.

    Args:
        descriptor: of the file.
        folder: that it is in.
    """
    if os.geteuid() == 0:
        owner = os.stat(folder or ".")  # noqa: PTH116 - as above
        with suppress(PermissionError):
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
